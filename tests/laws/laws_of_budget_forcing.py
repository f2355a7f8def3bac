"""Laws of ``core/budget-forcing`` (T19): how often the stop is ignored, and how many tokens are thought."""

from tests.laws.law import Law, Outcome, equal
from tests.searches.thinking import END, force

IGNORED = (0, 1, 2, 4, 6)
BUDGETS = range(1, 13)


def _continuations(model_stops: bool) -> Outcome:
    """How often "Wait" was appended; a model that never stops by itself gives nothing to ignore."""
    thoughts = ("abc",) if model_stops else ("abc" * 100,)
    answers = [str(force(ignore=k, thinking_tokens=50, model={"thoughts": thoughts})[0].answer) for k in IGNORED]
    return equal("continuations", [answer.count("Wait") for answer in answers], IGNORED)


def _thinking_tokens(ignore: int) -> Outcome:
    """Tokens thought, of a model that would think 3 more each time: all that the budget allows, and no more."""
    answers = [str(force(ignore=ignore, thinking_tokens=budget)[0].answer) for budget in BUDGETS]
    thought = [len(answer.split(END)[0].replace("Wait", "")) for answer in answers]
    return equal("thinking tokens", thought, [min(budget, 9) for budget in BUDGETS])


LAWS = [
    Law(
        "core/budget-forcing",
        "T19",
        "the stop is ignored exactly as often as asked: 0, 1, 2, 4, 6 times",
        lambda draws, seed: _continuations(True),
        lambda draws, seed: _continuations(False),
        "a model that does not stop",
    ),
    Law(
        "core/budget-forcing",
        "T19",
        "all parts of the thinking together keep to the token budget",
        lambda draws, seed: _thinking_tokens(2),
        lambda draws, seed: _thinking_tokens(1),
        "one continuation fewer",
    ),
]
