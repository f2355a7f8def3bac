"""How often a token of language/transformers depends on its batch or on the cache, and what strict mode costs.

The same requests with the same seeds are answered at batch 1, 7 and 64, with kept prefixes and without: a chain of
steps for each question, so that a kept prefix is of use. With ``--siblings 4`` each step is the first of four that are
drawn side by side, which in large batches attend to one prefix together. Tokens are compared with those at batch 1
without keeping, up to the first that differs (what follows has another past).

Flips are too rare to be counted in a short run, so the laws themselves are compared too. Two computations of a law
draw different tokens exactly where their distribution functions disagree; the measure of that set, averaged over
the tokens of some chains, is the expected rate.

In strict mode everything must be equal, log-probabilities to the last bit; its cost is the time for the same
requests against the fast mode's at batch 64.

    python benchmarks/language_invariance.py --json invariance.json
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch  # noqa: TID251 - it measures a plugin
import transformers
from language_parts import checkpoint, question

from treewright import __version__
from treewright_language import decoding
from treewright_language.transformers_policy import TransformersPolicy
from treewright_registry import Likelihood, LikelihoodRequest, ProposeRequest, Sampling, Step, Trajectory


class Way(NamedTuple):
    """How requests are answered."""

    rows: int
    reuse: bool
    strict: bool = False

    def __str__(self) -> str:
        kept = "reused" if self.reuse else "re-encoded"
        return f"{'strict, ' if self.strict else ''}batch {self.rows}, {kept}"


FAST = [Way(rows, reuse) for rows in (1, 7, 64) for reuse in (False, True)]
STRICT = [Way(1, False, True), Way(64, True, True), Way(7, True, True)]


class Chains(NamedTuple):
    """What came of one way.

    Attributes:
        steps: of each question, in order.
        likely: the judgement of each chain's last step.
        seconds: of the processor.
    """

    steps: list[list[Step]]
    likely: list[Likelihood]
    seconds: float


def chains(model: str, way: Way, options: argparse.Namespace, questions: int) -> Chains:
    """For each question a chain of steps, each drawn from the one before."""
    policy = TransformersPolicy(
        model=model,
        rows=way.rows,
        reuse=way.reuse,
        strict=way.strict,
        tokens_per_step=options.step,
        max_tokens=options.step,
        device=options.device,
    )
    trajectories = [Trajectory(question(number)) for number in range(questions)]
    begin = time.process_time()
    for depth in range(options.depth):
        asked = [
            (
                at,
                ProposeRequest(
                    trajectory, options.siblings, 1000 * at + depth, Sampling(temperature=options.temperature)
                ),
            )
            for at, trajectory in enumerate(trajectories)
            if not trajectory.finished
        ]
        for part in _parts(asked, max(1, way.rows // options.siblings)):
            for (at, _), answer in zip(part, policy.propose([request for _, request in part]), strict=True):
                trajectories[at] = trajectories[at].extend(answer.steps[0])
    seconds = time.process_time() - begin
    given = [LikelihoodRequest(trajectory, Sampling(temperature=options.temperature)) for trajectory in trajectories]
    likely = [each for part in _parts(given, way.rows) for each in policy.log_likelihood(part)]
    return Chains([list(trajectory.steps) for trajectory in trajectories], likely, seconds)


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def compared(left: Chains, right: Chains) -> tuple[int, int]:
    """Tokens compared, and flips: at most one a chain, as what follows a flip has another past."""
    tokens = flips = 0
    for ours, theirs in zip(left.steps, right.steps, strict=True):
        one, other = (
            [token for step in steps if step.encoding for token in step.encoding.ids] for steps in (ours, theirs)
        )
        for a, b in zip(one, other, strict=False):
            tokens += 1
            if a != b:
                flips += 1
                break
    return tokens, flips


def laws(model: str, way: Way, options: argparse.Namespace, questions: int) -> dict[float, torch.Tensor]:
    """The law of every token of some chains, by the uniform number that drew it."""
    recorded: dict[float, torch.Tensor] = {}
    draw = decoding.draw

    def recording(probabilities: torch.Tensor, numbers: Any) -> tuple[torch.Tensor, torch.Tensor]:
        recorded.update(zip(numbers.tolist(), probabilities.cumsum(-1).cpu(), strict=True))
        return draw(probabilities, numbers)

    decoding.draw = recording
    try:
        chains(model, way, options, questions)
    finally:
        decoding.draw = draw
    return recorded


def disagreement(left: torch.Tensor, right: torch.Tensor) -> float:
    """The probability that a uniform number draws different tokens from two distribution functions."""
    zero = torch.zeros(1, dtype=torch.float64)
    lower = torch.maximum(torch.cat([zero, left[:-1]]), torch.cat([zero, right[:-1]]))
    # summed as what disagrees, not as 1 minus what agrees: far below the precision of 1
    upper = torch.minimum(left, right)
    union = torch.maximum(left, right) - torch.minimum(torch.cat([zero, left[:-1]]), torch.cat([zero, right[:-1]]))
    outside = union - (upper - lower).clamp(min=0)
    return float(outside.sum()) / 2


def expected_rate(model: str, options: argparse.Namespace, row: Any) -> None:
    """The expected rate of flips, from laws computed in two ways."""
    one = laws(model, Way(1, False), options, options.law_questions)
    for way in (Way(64, True), Way(64, False)):
        other = laws(model, way, options, options.law_questions)
        both = one.keys() & other.keys()
        rate = sum(disagreement(one[number], other[number]) for number in both) / len(both)
        row(f"laws, {way}", len(both), "expected rate (aim: < 1e-5)", rate, "per token")


def main() -> int:
    """Measure, print, write."""
    options = _options()
    if options.threads:
        torch.set_num_threads(options.threads)
    transformers.utils.logging.disable_progress_bar()
    table: list[dict[str, Any]] = []

    def row(work: str, size: int, metric: str, value: float, unit: str) -> None:
        table.append({"system": "treewright", "version": __version__, "work": work, "size": size, "metric": metric})
        table[-1] |= {"value": value, "unit": unit}
        print(f"{work:<32}{size:>8}  {metric:<44}{value:>12.4g} {unit}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        model = checkpoint(options.model, Path(folder))
        print(f"model {model if model != folder else 'random'}, temperature {options.temperature}")
        plain = chains(model, FAST[0], options, options.questions)
        tokens = flips = 0
        for way in FAST[1:]:
            found = chains(model, way, options, options.questions)
            here, flipped = compared(plain, found)
            tokens, flips = tokens + here, flips + flipped
            row(str(way), here, "tokens that differ from batch 1, re-encoded", flipped, "tokens")
        row("all", tokens, "tokens that differ", flips, "tokens")
        row("all", tokens, "rate (aim: < 1e-5)", flips / tokens, "per token")
        row("all", tokens, "rate, upper bound at 95 %", _upper(flips, tokens), "per token")
        expected_rate(model, options, row)
        strict(model, options, row)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


def strict(model: str, options: argparse.Namespace, row: Any) -> None:
    """Strict mode: differences of any kind, and its cost."""
    count = options.strict_questions
    fast = chains(model, Way(64, True), options, count)
    exact = [chains(model, way, options, count) for way in STRICT]
    size = sum(step.tokens for steps in exact[0].steps for step in steps)
    differ = sum(left != right for each in exact[1:] for left, right in zip(exact[0].steps, each.steps, strict=True))
    row("strict", size, "chains that differ in any bit (bar: 0)", differ, "chains")
    unequal = sum(
        steps[-1].log_probability != likely.log_probability
        for each in exact
        for steps, likely in zip(each.steps, each.likely, strict=True)
    )
    row("strict", size, "last steps judged otherwise than drawn (bar: 0)", unequal, "steps")
    row("strict", size, "CPU seconds, with reuse / fast at batch 64", exact[1].seconds / fast.seconds, "times")


def _upper(count: int, total: int) -> float:
    """The rate under which so few would be seen with probability 2.5 % (Poisson, by bisection)."""
    from math import exp

    low, high = 0.0, count + 10 * (count + 1) ** 0.5 + 10
    for _ in range(80):
        middle = (low + high) / 2
        term = mass = exp(-middle)
        for k in range(1, count + 1):
            term *= middle / k
            mass += term
        low, high = (middle, high) if mass > 0.025 else (low, middle)
    return high / total


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", help="folder of a checkpoint (default: the embedded target, else a random one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--questions", type=int, default=1024, help="chains in fast mode (default: 1024)")
    parser.add_argument("--law-questions", type=int, default=64, help="chains whose laws are compared (default: 64)")
    parser.add_argument("--strict-questions", type=int, default=64, help="chains in strict mode (default: 64)")
    parser.add_argument("--step", type=int, default=16, help="tokens of a step (default: 16)")
    parser.add_argument("--depth", type=int, default=6, help="steps of a chain (default: 6)")
    parser.add_argument("--siblings", type=int, default=1, help="samples of a step; the chain takes the first")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
