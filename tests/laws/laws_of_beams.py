"""Laws of ``core/beam`` and ``core/dvts`` on toy B: every step is a best-of-m draw, judged where lookahead says."""

from collections.abc import Callable, Mapping
from functools import cache, partial

from tests.engine.toys import component
from tests.laws.drawing import B_OUTCOMES, counts, solutions
from tests.laws.exact import Array, best_of_n
from tests.laws.law import Law, Outcome, follows
from tests.laws.toys import DEPTH, LEAVES, POTENTIAL_B, TARGET_B, TOKENS, PolicyB, PotentialB, Word, leaf_law, prefixes
from treewright.pipeline import ComponentSpec
from treewright.searches.beam import Beam
from treewright.searches.dvts import Dvts

M = 2  # candidate steps a round
SEARCHES: Mapping[str, ComponentSpec] = {
    "core/beam": component("search", Beam, width=1, branch=M, dedupe=False),
    "core/dvts": component("search", Dvts, n=M, branch=M),
    "core/beam, lookahead 2": component("search", Beam, width=1, branch=M, dedupe=False, lookahead=2),
    "core/dvts, lookahead 2": component("search", Dvts, n=M, branch=M, lookahead=2),
    "core/dvts, m = 1": component("search", Dvts, n=2, branch=1),
}


@cache
def _counts(search: str, draws: int, seed: int) -> list[int]:
    roles = {"policy": component("policy", PolicyB), "scorer": component("scorer", PotentialB)}
    return counts(solutions(SEARCHES[search], roles, draws, seed), B_OUTCOMES)


def greedy(word: Word, steps: int) -> Word:
    """The word continued by so many likeliest tokens, or to its end."""
    for _ in range(min(steps, DEPTH - len(word))):
        law = TARGET_B[word]
        word += TOKENS[max(range(3), key=law.__getitem__)]
    return word


def _chain(lookahead: int, m: int = M) -> list[float]:
    """Each step is the best of m by the potential of its greedy continuation."""
    values = {word: POTENTIAL_B[greedy(word, lookahead)] for at in range(1, DEPTH + 1) for word in prefixes(at)}
    laws = {
        prefix: list(best_of_n(TARGET_B[prefix], [values[prefix + token] for token in TOKENS], m))
        for at in range(DEPTH)
        for prefix in prefixes(at)
    }
    return leaf_law(laws)


def _whole_answers(n: int) -> Array:
    return best_of_n(leaf_law(TARGET_B), [POTENTIAL_B[leaf] for leaf in LEAVES], n)


def _follows(search: str, law: Callable[[], "list[float] | Array"], draws: int, seed: int) -> Outcome:
    return follows(_counts(search, draws, seed), law())


def _law(search: str, claim: str, law: Callable[[], object], control: Callable[[], object], says: str) -> Law:
    return Law(
        search.partition(",")[0],
        "T8",
        claim,
        partial(_follows, search, law),  # type: ignore[arg-type]
        partial(_follows, search, control),  # type: ignore[arg-type]
        says,
        draws=1200,
        thorough=30_000,
    )


LAWS = [
    *(
        _law(search, f"{claim}: every step has the best-of-2 law", lambda: _chain(0), lambda: _chain(0, 1), "best of 1")
        for search, claim in (("core/beam", "width 1"), ("core/dvts", "one subtree of 2"))
    ),
    *(
        _law(
            f"{search}, lookahead 2",
            f"{claim}, lookahead 2: best-of-2 by the greedy continuation's value",
            lambda: _chain(2),
            lambda: _chain(0),
            "lookahead that is written and not used",
        )
        for search, claim in (("core/beam", "width 1"), ("core/dvts", "one subtree"))
    ),
    _law(
        "core/dvts, m = 1",
        "m = 1, n = 2: best of two independent whole answers",
        lambda: _whole_answers(2),
        lambda: _chain(0),
        "steps chosen one by one",
    ),
]
