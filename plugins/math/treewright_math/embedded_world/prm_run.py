"""``treewright train math/embedded --set model=prm``: train the target further, sample, label, train, measure."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from treewright_language.checkpoints import resolve
from treewright_math.embedded_world.export import load_causal
from treewright_math.embedded_world.prm_evaluation import all_rows
from treewright_math.embedded_world.prm_model import ProcessRewardModel, export
from treewright_math.embedded_world.prm_samples import Labelled, made_up, read, sampled, write
from treewright_math.embedded_world.prm_training import PrmPlan, train
from treewright_math.embedded_world.recipe_run import run as language_model
from treewright_math.embedded_world.training import PLANS
from treewright_registry import Key


def run(
    plan: PrmPlan, out: Path, resume: bool, start: str, solvers: Sequence[str], *, command: str, count: int
) -> Mapping[str, Any]:
    """Make backbone and samples (once), train, export, measure; returns the main figures."""
    started = perf_counter()
    backbone = _backbone(plan, out / "backbone", Path(resolve(start)), count=count)
    samples = _samples(plan, out / "samples.jsonl", solvers)
    torch.manual_seed(plan.seed)
    network, tokenizer = load_causal(backbone)
    model = ProcessRewardModel(network.requires_grad_(True).model)
    train(plan, model, tokenizer, samples, out, resume=resume)
    export(model.eval(), out)
    rows = []
    for row in all_rows(out, target_folder=Path(resolve(start)), count=count, seed=0):
        rows.append(row)
        print(json.dumps(row), flush=True)
    settings = plan._asdict() | {
        "command": command,
        "seconds": round(perf_counter() - started),
        "torch": torch.__version__,
    }
    weights = sum(parameter.numel() for parameter in model.parameters())
    figures: dict[str, Any] = {"settings": settings | {"weights": weights, "samples": len(samples)}, "rows": rows}
    (out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    from treewright_math.embedded_world.prm_card import write_card

    write_card(out, figures["settings"], rows)
    return {f"{row['difficulty']}, step AUC": row["step_auc"][0] for row in rows}


def _backbone(plan: PrmPlan, folder: Path, start: Path, *, count: int) -> Path:
    """The target, trained further as a language model with problems of another seed."""
    if not plan.further:
        return start
    if not (folder / "figures.json").exists():
        folder.mkdir(exist_ok=True)
        longer = PLANS["target"]._replace(steps=plan.further, rate=3e-3, seed=plan.seed + 1, half=plan.half)
        longer = longer._replace(curriculum="full")
        # the very training of ``_backbone`` alone
        command = f"treewright train math/embedded --set model=target --set start=treewright_math:data/target \
--set curriculum=full --set steps={plan.further} --set rate=3e-3 --set seed={plan.seed + 1}"
        language_model(longer, folder, True, start, command=command, count=count, sampled=0, evaluate_every=500)
    return folder


def _samples(plan: PrmPlan, file: Path, solvers: Sequence[str]) -> list[Labelled]:
    if file.exists():
        return read(file)
    key, samples = Key.root(plan.seed, "math/embedded", "prm"), list[Labelled]()
    for number, folder in enumerate(solvers):
        model, tokenizer = load_causal(Path(resolve(folder)))
        print(f"solutions by {folder}", flush=True)
        samples += sampled(model, tokenizer, key.child("solver", number), plan.sampled // (4 if number else 1))
    samples += [made_up(key.child("made up", number)) for number in range(plan.made_up)]
    write(samples, file)
    right = sum(all(sample.right) for sample in samples)
    print(f"{len(samples):,} solutions, {right:,} of them right", flush=True)
    return samples
