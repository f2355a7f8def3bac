"""Compare searches, ablations and budgets of structure elucidation on the same molecules.

    python benchmarks/chemistry_comparison.py ablations --budget 2000
    python benchmarks/chemistry_comparison.py budgets
    python benchmarks/chemistry_comparison.py budgets --every 3 --only 10000,30000
    python benchmarks/chemistry_comparison.py seeds

Every variant gets the same number of inner evaluations (distinct candidates that are generated and
scored) for each molecule. Differences are paired by molecule. Run folders stay under ``--out``.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from paired_runs import Variant, rows, run, table  # noqa: E402  # this folder is not a package

PIPELINE = "chemistry/molpuzzle"
NEITHER = {"use": "chemistry/spectrum-fit", "without": ["shifts"], "cosine": False}
BURST = 250  # inner evaluations of one proposal, so that a small budget still holds several
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "islands (default)": (PIPELINE, {}),
    "K-MSE tree": ("chemistry/k-mse", {}),
    "K-MSE tree, K-MSE's reward": ("chemistry/k-mse-cosine", {}),
    "AB-MCTS": (PIPELINE, {"search": {"use": "core/ab-mcts"}}),
    "best-of-n, short bursts": ("chemistry/best-of-n", {"search.n": 1000}),
    "restarts: long bursts": ("chemistry/best-of-n", {"search.n": 2}),
    "no knowledge base": (PIPELINE, {"policy.fragments": "none"}),
    "no shift likelihood": (PIPELINE, {"scorer.without": ["shifts"], "policy.without": ["shifts"]}),
    "the same, no cosine": (PIPELINE, {"scorer": NEITHER, "policy.without": ["shifts"]}),
    "no cosine": (PIPELINE, {"scorer.cosine": False}),
    "no plausibility": (PIPELINE, {"scorer.without": ["plausibility"], "policy.without": ["plausibility"]}),
    "no 1H": (PIPELINE, {"task.nuclei": "13C"}),
    "exact constraints off": (PIPELINE, {"task.evidence": "soft"}),
    "off, and no cosine": (PIPELINE, {"task.evidence": "soft", "scorer.cosine": False}),
}
BUDGETS = (300, 1_000, 3_000, 10_000, 30_000, 100_000)


def main() -> int:
    """Run what is asked for and print its table."""
    options = _arguments()
    variants = _VARIANTS[options.what](options.budget)
    if options.only:
        variants = [each for each in variants if each.name.split()[0] in options.only.split(",")]
    if options.every > 1:
        path = str(_every(options.every, options.out))
        variants = [replace(each, settings={**each.settings, "task.path": path}) for each in variants]
    outcomes = []
    for variant in variants:
        folder = options.out / f"{options.what}-{variant.name.replace(' ', '-')}-{variant.settings['seed']}"
        outcomes.append(run(variant, folder, workers=options.workers, limit=options.limit))
        print(table(outcomes, "inner_evaluations"), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows(outcomes), indent=1) + "\n")
    return 0


def ablations(budget: int) -> list[Variant]:
    """The default without each of its parts, and other searches, at an equal budget."""
    return [
        Variant(name, pipeline, _settings(budget, budget // 2 if "long" in name else min(BURST, budget)) | own)
        for name, (pipeline, own) in ABLATIONS.items()
    ]


def budgets(_: int) -> list[Variant]:
    """The default with more and more candidates."""
    return [
        Variant(f"{each} candidates", PIPELINE, _settings(each, min(2000, max(100, each // 5)))) for each in BUDGETS
    ]


def seeds(budget: int) -> list[Variant]:
    """The default as it is shipped, with several seeds."""
    return [Variant(f"seed {seed}", PIPELINE, {"budget.inner_evaluations": budget, "seed": seed}) for seed in range(3)]


def _every(step: int, out: Path) -> Path:
    """A file with every ``step``-th molecule: small and large ones, as the first ones of the data set are not."""
    data = Path(os.path.expandvars("$TREEWRIGHT_DATA/chemistry/molpuzzle_dev.json"))
    file = out.resolve() / f"every-{step}.json"
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(json.loads(data.read_text(encoding="utf-8"))[::step]), encoding="utf-8")
    return file


def _settings(budget: int, burst: int) -> dict[str, Any]:
    return {"budget.inner_evaluations": budget, "policy.evaluations": burst, "seed": 0}


_VARIANTS = {"ablations": ablations, "budgets": budgets, "seeds": seeds}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=sorted(_VARIANTS))
    parser.add_argument("--budget", type=int, default=2000, help="inner evaluations a molecule (default: 2000)")
    parser.add_argument("--limit", type=int, help="only the first so many molecules")
    parser.add_argument("--every", type=int, default=1, help="only every n-th molecule")
    parser.add_argument("--only", help="names or numbers of variants, 10000,30000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/chemistry-comparison"))
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
