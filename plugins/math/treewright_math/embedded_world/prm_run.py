"""``treewright train math/embedded --set model=prm``: sample, label exactly, train, measure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import torch

from treewright_language.checkpoints import resolve
from treewright_math.embedded_world.checkpoint import load_checkpoint, save_checkpoint
from treewright_math.embedded_world.export import load_causal
from treewright_math.embedded_world.prm_batches import LabelledBatch, batches_of
from treewright_math.embedded_world.prm_evaluation import all_rows
from treewright_math.embedded_world.prm_model import ProcessRewardModel, export
from treewright_math.embedded_world.prm_samples import Labelled, made_up, read, sampled, write
from treewright_math.embedded_world.training import Pace
from treewright_registry import Key

CHECKPOINT_SECONDS = 45.0


class PrmPlan(NamedTuple):
    """Settings of the reward model's training.

    Attributes:
        steps: batches.
        tokens: of a batch, padding included.
        rate: highest learning rate; warm-up, then linear to 0.
        warm_up: steps of it.
        seed: of head, samples and batches.
        half: multiply matrices in bfloat16.
        sampled: solutions written by each solver.
        made_up: right solutions in other orders and corrupted ones.
    """

    steps: int = 500
    tokens: int = 4096
    rate: float = 1e-3
    warm_up: int = 30
    seed: int = 0
    half: bool = True
    sampled: int = 2400
    made_up: int = 5000


def run(plan: PrmPlan, out: Path, resume: bool, start: str, solvers: Sequence[str], *, count: int) -> Mapping[str, Any]:
    """Make the samples (once), train, export, measure; returns the main figures."""
    started = perf_counter()
    samples = _samples(plan, out / "samples.jsonl", solvers)
    torch.manual_seed(plan.seed)
    target, tokenizer = load_causal(Path(resolve(start)))
    model = ProcessRewardModel(target.requires_grad_(True).model)
    train(plan, model, tokenizer, samples, out, resume=resume)
    export(model.eval(), out)
    rows = []
    for row in all_rows(out, target_folder=Path(resolve(start)), count=count, seed=0):
        rows.append(row)
        print(json.dumps(row), flush=True)
    settings = plan._asdict() | {"seconds": round(perf_counter() - started), "torch": torch.__version__}
    weights = sum(parameter.numel() for parameter in model.parameters())
    figures: dict[str, Any] = {"settings": settings | {"weights": weights, "samples": len(samples)}, "rows": rows}
    (out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    from treewright_math.embedded_world.prm_card import write_card

    write_card(out, figures["settings"], rows)
    return {f"{row['difficulty']}, step AUC": row["step_auc"][0] for row in rows}


def _samples(plan: PrmPlan, file: Path, solvers: Sequence[str]) -> list[Labelled]:
    if file.exists():
        return read(file)
    key, samples = Key.root(plan.seed, "math/embedded", "prm"), list[Labelled]()
    for folder in solvers:
        model, tokenizer = load_causal(Path(resolve(folder)))
        print(f"solutions by {folder}", flush=True)
        samples += sampled(model, tokenizer, key.child(folder), plan.sampled)
    samples += [made_up(key.child("made up", number)) for number in range(plan.made_up)]
    write(samples, file)
    right = sum(all(sample.right) for sample in samples)
    print(f"{len(samples):,} solutions, {right:,} of them right", flush=True)
    return samples


def train(
    plan: PrmPlan,
    model: ProcessRewardModel,
    tokenizer: Any,
    samples: list[Labelled],
    out: Path,
    *,
    resume: bool,
    until: int | None = None,
) -> None:
    """Train up to step ``until`` (the plan's last), from the checkpoint in ``out`` if there is one to resume."""
    optimizer = torch.optim.AdamW(model.parameters(), plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    place = load_checkpoint(out, model, [optimizer]) if resume else None
    step, end, pace, saved = place[0] if place else 0, until or plan.steps, Pace(plan.steps), perf_counter()
    model.train()
    for batch in _from(step, plan, tokenizer, samples):
        if step >= end:
            break
        loss = _step(plan, model, optimizer, batch, step)
        step += 1
        pace.add(loss, batch.ids.size)
        if pace.seconds > CHECKPOINT_SECONDS or step == end:
            print(pace.report(step), flush=True)
        if perf_counter() - saved > CHECKPOINT_SECONDS or step == end:
            save_checkpoint(out, model, [optimizer], (step,))
            saved = perf_counter()


def _from(step: int, plan: PrmPlan, tokenizer: Any, samples: list[Labelled]) -> Iterator[LabelledBatch]:
    """The endless series of batches, from batch ``step`` on."""
    key, passed, epoch = Key.root(plan.seed, "math/embedded", "prm batches"), 0, 0
    while True:
        batches = batches_of(samples, tokenizer, plan.tokens, key.child(epoch))
        yield from batches[max(0, step - passed) :]
        passed, epoch = passed + len(batches), epoch + 1


def _step(plan: PrmPlan, model: ProcessRewardModel, optimizer: Any, batch: LabelledBatch, step: int) -> float:
    factor = min(1.0, (step + 1) / plan.warm_up) * (1.0 - step / plan.steps)
    for group in optimizer.param_groups:
        group["lr"] = plan.rate * factor
    labels = torch.from_numpy(batch.labels)
    marks = labels >= 0
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
        logits = model.logits(torch.from_numpy(batch.ids), marks)
    loss = torch.nn.functional.cross_entropy(logits.float(), labels[marks])
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())
