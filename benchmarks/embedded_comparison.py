"""Methods of inference-time search on the embedded world: problems that its models never saw, equal budgets, paired.

    python benchmarks/embedded_comparison.py methods       greedy, votes, best-of-n, beam, tree search
    python benchmarks/embedded_comparison.py retrieval     R2-LLMs with and without each of its levels
    python benchmarks/embedded_comparison.py speculation   SPECS, GSI and RSD over thresholds, beside the target alone
    python benchmarks/embedded_comparison.py latency       the same, one problem at a time: what one user waits

The budget counts generated tokens, of whatever model (an answer has some 30 to 70). Differences are paired by problem,
against the table's first row. A run that was cut off goes on where it stopped. ``speculation`` has no budget: there n
is equal, and what it cost is shown by role. Seconds of ``latency`` are those of each problem, without loading, as means
and as ratios to the second row (all n drawn and weighed by the target) with a bootstrap over problems; elsewhere those
of the run.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from curve_drawing import Curve, Point, draw  # noqa: E402  # this folder is not a package
from paired_runs import Outcome, Variant, difference, run, share  # noqa: E402  # this folder is not a package

WAVE = {"search.n": 1000, "search.wave": 4}
"""As many samples as the budget allows, asked for a few at a time."""
VOTE = {"aggregator": {"use": "core/weighted-vote"}}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "greedy": ("math/greedy", {}),
    "majority": ("math/majority", WAVE),
    "best-of-n": ("math/best-of-n", WAVE),
    "weighted vote": ("math/best-of-n", WAVE | VOTE),
    "beam, width 4": ("math/beam", {"search.width": 4}),
    "beam, width 8": ("math/beam", {"search.width": 8}),
    "beam, width 12": ("math/beam", {"search.width": 12}),
    "beam, width 12, vote": ("math/beam", {"search.width": 12} | VOTE),
    "mcts": ("math/mcts", {"budget.candidates": 1000}),
    "mcts, vote": ("math/mcts", {"budget.candidates": 1000} | VOTE),
}
LEVELS = {
    "no retrieval": (0, 0),
    "coarse and fine": (1, 1),
    "coarse only": (1, 0),
    "fine only": (0, 1),
}
THRESHOLDS = (0.0, 0.3, 0.5, 0.7, 0.9)
BETA = 20
TARGET, DRAFT = "treewright_math:data/target", "treewright_math:data/draft"
COSTS = {"speculation": "tokens of the target a problem", "latency": "seconds a problem"}
"""Tables that are drawn, and what stands at their abscissa."""


def main() -> int:
    """Run all variants of a table and print it as it grows."""
    options = _arguments()
    groups = _GROUPS[options.what](options)
    found = []
    for title, variants in groups.items():
        outcomes: list[Outcome] = []
        for variant in (each for each in variants if not options.only or each.name in options.only):
            folder = options.out / f"{options.what}-{title}-{variant.name}-{options.seed}".replace(" ", "-")
            outcomes.append(run(variant, folder, workers=options.workers))
            print(f"\n{title}\n{table(outcomes)}", flush=True)
        found += _finished(options, title, outcomes)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def _finished(options: argparse.Namespace, title: str, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What a table is told as when all its variants have run: rows, waits, figure."""
    found = rows(title, outcomes)
    if options.what == "latency":
        print(f"\n{waits(outcomes)}", flush=True)
        for row, each in zip(found, outcomes, strict=True):
            ratio = list(time_ratio(each, _second(outcomes)))
            row |= {"seconds_alone": float(np.mean(seconds(each))), "over_second_row": ratio}
    if options.svg and options.what in COSTS:
        _draw(options.svg / f"{options.what}.svg", options.what, title, outcomes)
    return found


def methods(options: argparse.Namespace) -> dict[str, list[Variant]]:
    """All methods at one budget, for each difficulty."""
    return {
        _title(options, difficulty, phrasing): [
            Variant(name, pipeline, _shared(options, difficulty, phrasing) | _budget(options) | own)
            for name, (pipeline, own) in METHODS.items()
        ]
        for difficulty in options.difficulty
        for phrasing in options.phrasing
    }


def retrieval(options: argparse.Namespace) -> dict[str, list[Variant]]:
    """R2-LLMs' levels on problems without facts, and facts that only the knowledge base knows."""
    groups = {}
    for phrasing in options.phrasing:
        shared = _shared(options, options.difficulty[0], phrasing) | _budget(options) | {"budget.candidates": 1000}
        groups[_title(options, "no facts", phrasing)] = [
            Variant(name, "math/r2", shared | _levels(problems, steps, 0)) for name, (problems, steps) in LEVELS.items()
        ]
        shared |= {"task.facts": "unknown"}
        groups[_title(options, "facts", phrasing)] = [
            Variant(name, "math/r2", shared | _levels(*levels))
            for name, levels in {"no retrieval": (0, 0, 0), "facts": (0, 0, 1), "all levels": (1, 1, 1)}.items()
        ]
    return groups


def speculation(options: argparse.Namespace) -> dict[str, list[Variant]]:
    """Speculative search over thresholds, beside beam search and soft choices of target and of draft."""
    shared = _shared(options, options.difficulty[0], options.phrasing[0])
    variants = [Variant(name, pipeline, shared | settings) for name, pipeline, settings in _speculative()]
    return {_title(options, options.difficulty[0], options.phrasing[0]): variants}


def _speculative() -> Iterator[tuple[str, str, dict[str, Any]]]:
    n: dict[str, Any] = {"search.n": 8}
    yield "beam of the target", "math/beam", {"search.width": 1, "search.branch": 8}
    kept = n | {"search.omega": "constant", "search.probability": 1.0}  # each draft is kept: one model alone
    yield "soft choices of the target", "math/rsd", kept | {"policy.draft.model": TARGET}
    yield "soft choices of the draft", "math/rsd", kept
    for threshold in THRESHOLDS:
        yield f"gsi {threshold}", "math/gsi", n | {"search.beta": BETA, "search.threshold": threshold}
    for threshold in THRESHOLDS:
        released = n | {"search.mode": "released", "search.beta": BETA, "search.temperature": 0.8}
        yield (
            f"specs {threshold}",
            "math/specs",
            released
            | {
                "search.tau_reject": threshold * BETA,
                "search.tau_back": threshold,
            },
        )
    yield "one sample of the target", "math/majority", {"search.n": 1}
    yield "one sample of the draft", "math/majority", {"search.n": 1, "policy.model": DRAFT}
    for threshold in THRESHOLDS[1:]:
        yield f"rsd {threshold}", "math/rsd", {"search.delta": threshold}


def latency(options: argparse.Namespace) -> dict[str, list[Variant]]:
    """The same variants with one problem at a time, so that seconds a problem are what one user waits."""
    alone = {"live": 1}
    return {
        title: [Variant(v.name, v.pipeline, dict(v.settings) | alone) for v in variants]
        for title, variants in speculation(options).items()
    }


def _shared(options: argparse.Namespace, difficulty: str, phrasing: str) -> dict[str, Any]:
    settings = {"task.count": options.problems, "task.difficulty": difficulty, "task.phrasing": phrasing}
    settings |= {"task.seed": options.seed, "seed": options.seed}
    return settings | dict(each.split("=", 1) for each in options.set)


def _title(options: argparse.Namespace, *words: str) -> str:
    """Of a table, and of its runs' folders."""
    return ", ".join([*words, *(each.replace("/", " ") for each in options.set)])


def _budget(options: argparse.Namespace) -> dict[str, Any]:
    return {"budget.generated_tokens": options.budget}


def _levels(problems: int, steps: int, facts: int) -> dict[str, Any]:
    return {
        "policy.policy.problems": problems,
        "policy.policy.steps": steps,
        "policy.policy.facts": facts,
        "scorer.scorer.problems": problems,
        "scorer.scorer.facts": facts,
    }


def table(outcomes: Sequence[Outcome]) -> str:
    """Accuracy, difference to the first row, and what a problem cost."""
    head = f"{'variant':26} {'n':>4} {'right %':>20} {'minus first row':>22}"
    head += f" {'accepted':>8} {'s/problem':>9}  tokens by role"
    return "\n".join([head, *(_line(each, outcomes[0]) for each in outcomes)])


def _line(each: Outcome, first: Outcome) -> str:
    gap = "" if each is first else share(difference(each, first), signed=True)
    kept = accepted(each)
    tokens = ", ".join(f"{role} {value:.0f}" for role, value in tokens_by_role(each).items())
    return (
        f"{each.variant.name:26} {len(each.records):4} {share(each.accuracy()):>20} {gap:>22}"
        f" {'' if kept is None else f'{100 * kept:.1f} %':>8} {each.seconds:9.3f}  {tokens}"
    )


def waits(outcomes: Sequence[Outcome]) -> str:
    """Seconds a problem of each variant, beside those of the second row."""
    base = _second(outcomes)
    lines = [f"{'variant':26} {'s/problem':>9}  ratio to {base.variant.name}"]
    for each in outcomes:
        ratio, low, high = time_ratio(each, base)
        lines.append(f"{each.variant.name:26} {np.mean(seconds(each)):9.3f}  {ratio:.3f} [{low:.3f}, {high:.3f}]")
    return "\n".join(lines)


def _second(outcomes: Sequence[Outcome]) -> Outcome:
    return outcomes[min(1, len(outcomes) - 1)]


def seconds(outcome: Outcome) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Of each problem, in the order of the ids."""
    return np.array([outcome.records[id_]["seconds"] for id_ in sorted(outcome.records)])


def time_ratio(outcome: Outcome, base: Outcome) -> tuple[float, float, float]:
    """Mean seconds over those of another variant on the same problems, and a 95 % bootstrap interval."""
    own, other = seconds(outcome), seconds(base)
    drawn = np.random.default_rng(0).integers(0, len(own), (2000, len(own)))
    low, high = np.quantile(own[drawn].mean(1) / other[drawn].mean(1), [0.025, 0.975])
    return float(own.mean() / other.mean()), float(low), float(high)


def tokens_by_role(outcome: Outcome) -> Mapping[str, float]:
    """Mean generated tokens of a problem by the role that generated them."""
    sums: dict[str, float] = {}
    for record in outcome.records.values():
        for role, cost in record["cost"].items():
            sums[role] = sums.get(role, 0.0) + cost.get("generated_tokens", 0)
    return {role: total / len(outcome.records) for role, total in sums.items() if total}


def accepted(outcome: Outcome) -> float | None:
    """Share of rounds in which a draft was kept; ``None`` where nothing is drafted."""
    notes = outcome.summary["notes"]
    return notes["accepted_drafts"]["sum"] / notes["rounds"]["sum"] if "rounds" in notes else None


def rows(title: str, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The table as rows of a benchmark's JSON."""
    found = []
    for each in outcomes:
        value, low, high = each.accuracy()
        gap = difference(each, outcomes[0])
        entry = {"table": title, "variant": each.variant.name, "n": len(each.records), "accuracy": [value, low, high]}
        entry |= {"minus_first_row": list(gap), "accepted": accepted(each), "seconds_a_problem": each.seconds}
        found.append(entry | {"generated_tokens": dict(tokens_by_role(each))})
    return found


def _draw(path: Path, what: str, title: str, outcomes: Sequence[Outcome]) -> None:
    """Accuracy against cost: a curve for each method with thresholds, a mark for each without."""
    methods: dict[str, list[tuple[str, Point]]] = {}
    for each in outcomes:
        method, _, threshold = each.variant.name.rpartition(" ")
        if not threshold.replace(".", "").isdigit():
            method, threshold = each.variant.name, ""
        cost = float(np.mean(seconds(each))) if what == "latency" else _tokens_of_target(each)
        methods.setdefault(method, []).append((threshold, Point(cost, *each.accuracy())))
    curves = [Curve(name, [point for _, point in row], [label for label, _ in row]) for name, row in methods.items()]
    note = f"{title}; numbers: thresholds; 95 % intervals (Wilson)"
    draw(path, "Drafts of a small model on the embedded world", (COSTS[what], "share right"), curves, note=note)


def _tokens_of_target(each: Outcome) -> float:
    """Generated by the target a problem, in whatever role it stands."""
    tokens, settings = tokens_by_role(each), each.variant.settings
    alone = "policy" if "policy" in tokens else "draft"  # pipelines with a draft have the small model in that role
    model = settings.get(f"policy.{alone}.model" if alone == "draft" else "policy.model")
    model = model or (DRAFT if alone == "draft" else TARGET)
    return tokens.get("target", 0.0) + (tokens.get(alone, 0.0) if model == TARGET else 0.0)


_GROUPS = {"methods": methods, "retrieval": retrieval, "speculation": speculation, "latency": latency}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=tuple(_GROUPS))
    parser.add_argument("--problems", type=int, default=500, help="of each table")
    parser.add_argument("--budget", type=int, default=800, help="generated tokens a problem")
    parser.add_argument("--difficulty", nargs="+", default=["medium"])
    parser.add_argument("--phrasing", nargs="+", default=["seen"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of all variants")
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="these rows, by their names in the table")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/embedded-comparison"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, metavar="DIR", help="draw the curves of speculation or latency there")
    options = parser.parse_args()
    if wrong := [each for each in options.set if "=" not in each]:
        parser.error(f"--set {wrong[0]}: write it as KEY=VALUE, for instance task.crossed=0")
    return options


if __name__ == "__main__":
    sys.exit(main())
