"""Every applicable search at an equal budget: on the number puzzle, and on structure elucidation.

    python benchmarks/search_comparison.py puzzle [--problems 300] [--budget 2000]
    python benchmarks/search_comparison.py chemistry [--budget 1000]

On the puzzle the budget counts generated tokens, whoever generates them (an operation has about 11); the
reward is the rule-based one that judges unfinished states. On molecules it counts inner evaluations.
Differences to the first row, best of independent samples, are paired by problem.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from paired_runs import Variant, rows, run, table  # noqa: E402  # this folder is not a package

MOVES = 5  # operations of an answer, at most, for six numbers
TOKENS = 11  # of an operation


def main() -> int:
    """Run all variants and print the table as it grows."""
    options = _arguments()
    variants = (_puzzle if options.what == "puzzle" else _chemistry)(options)
    outcomes = []
    for variant in variants:
        folder = options.out / f"{options.what}-{options.budget}-{options.seed}-{variant.name.replace(' ', '-')}"
        outcomes.append(run(variant, folder, workers=options.workers, limit=options.problems))
    print(table(outcomes, "generated_tokens" if options.what == "puzzle" else "inner_evaluations"))
    if options.json:
        options.json.write_text(json.dumps(rows(outcomes), indent=1) + "\n")
    return 0


def _puzzle(options: argparse.Namespace) -> list[Variant]:
    file = options.out / "puzzle.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    return [
        Variant(name, str(_written(file.with_name(f"{name.replace(' ', '-')}.yaml"), search, options)), {})
        for name, search in _puzzle_searches(options.budget).items()
    ]


def _puzzle_searches(budget: int) -> Mapping[str, dict[str, Any]]:
    """Settings by which each search uses the budget up and still gets answers finished."""
    operations = budget // TOKENS
    answers = operations // MOVES
    fours = max(1, answers // 4)
    return {
        "best-of-n": {"use": "core/sample", "n": 1000, "wave": 4},
        "beam": {"use": "core/beam", "width": fours, "branch": 4},
        "beam, lookahead 1": {"use": "core/beam", "width": max(1, fours // 2), "branch": 4, "lookahead": 1},
        "dvts": {"use": "core/dvts", "n": 4 * fours, "branch": 4},
        "mcts, uct": {"use": "core/mcts", "branch": 4},
        "mcts, puct": {"use": "core/mcts", "branch": 4, "rule": "puct"},
        "mcts, uct, rollouts": {"use": "core/mcts", "branch": 4, "rollout": 0.5},
        "mcts, puct, rollouts": {"use": "core/mcts", "branch": 4, "rule": "puct", "rollout": 0.5},
        "particle filter": {"use": "core/particle-filter", "particles": answers},
        "particle gibbs": {"use": "core/particle-gibbs", "particles": max(2, answers // 4), "iterations": 4},
        "rsd": {"use": "core/rsd", "n": 8},
        "specs": {"use": "core/specs", "n": answers // 2},
        "gsi": {"use": "core/gsi", "n": answers // 2},
    }


def _written(path: Path, search: Mapping[str, Any], options: argparse.Namespace) -> Path:
    """A pipeline file; draft and target for the searches that speculate."""
    speculative = search["use"] in ("core/rsd", "core/specs", "core/gsi")
    policy = {"draft": {"use": "puzzle/drafter"}, "target": {"use": "puzzle/proposer"}}
    parts = {
        "task": {"use": "puzzle/countdown", "count": options.problems, "difficulty": options.difficulty},
        "policy": policy if speculative else {"use": "puzzle/proposer"},
        "scorer": {"use": "puzzle/rules"},
        "search": dict(search),
        "aggregator": {"use": "core/best"},
        "budget": {"generated_tokens": options.budget},
        "seed": options.seed,
    }
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in parts.items()), encoding="utf-8")
    return path


def _chemistry(options: argparse.Namespace) -> list[Variant]:
    shared = {
        "budget.inner_evaluations": options.budget,
        "policy.evaluations": 250,
        "policy.fragments": "shipped",
        "seed": options.seed,
    }
    searches: dict[str, tuple[str, dict[str, Any]]] = {
        "best-of-n": ("chemistry/best-of-n", {"search.n": 1000}),
        "self-refine-mcts": ("chemistry/k-mse", {}),
        "ab-mcts": ("chemistry/molpuzzle", {"search": {"use": "core/ab-mcts"}}),
        "islands": ("chemistry/molpuzzle", {}),
    }
    return [Variant(name, pipeline, shared | own) for name, (pipeline, own) in searches.items()]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("what", choices=("puzzle", "chemistry"))
    parser.add_argument("--budget", type=int, help="generated tokens (2000) or inner evaluations (1000) a problem")
    parser.add_argument("--problems", type=int, help="puzzles (300), or only the first so many molecules (all)")
    parser.add_argument("--difficulty", default="hard", help="of the puzzles")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/search-comparison"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.budget = options.budget or (2000 if options.what == "puzzle" else 1000)
    options.problems = options.problems or (300 if options.what == "puzzle" else None)
    return options


if __name__ == "__main__":
    sys.exit(main())
