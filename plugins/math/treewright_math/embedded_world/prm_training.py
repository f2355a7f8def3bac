"""Trains the embedded process reward model: verdicts on steps, and next tokens of right steps.

    loss = CE(verdict on each step) + ``language`` · mean −log π(token)  over the tokens of right steps

The second part keeps and improves what the target knows of how right solutions go on, on which the verdicts rest. Both
come out of one pass. The weight is ours.
"""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import torch

from treewright_math.embedded_world.checkpoint import load_checkpoint, save_checkpoint
from treewright_math.embedded_world.prm_batches import LabelledBatch, batches_of
from treewright_math.embedded_world.prm_evaluation import auc
from treewright_math.embedded_world.prm_model import ProcessRewardModel
from treewright_math.embedded_world.prm_samples import Labelled
from treewright_math.embedded_world.training import Pace
from treewright_registry import Key

CHECKPOINT_SECONDS = 45.0


class PrmPlan(NamedTuple):
    """Settings of the reward model's training.

    Attributes:
        steps: batches.
        tokens: of a batch, padding included.
        rate: highest learning rate of the network; warm-up, constant, linear to 0 over the last half.
        head_rate: the same of the head, which is new.
        warm_up: steps of it.
        seed: of head, samples and batches.
        half: multiply matrices in bfloat16.
        sampled: solutions written by the first solver; by each other one a quarter of that.
        made_up: right solutions in other orders and corrupted ones.
        held_back: of all these, solutions kept out of training for the figures on the way.
        language: weight of the next-token loss.
        further: batches of language modelling before all this; the judge must see what the judged one overlooks.
        evaluate_every: steps between two figures on the solutions held back.
    """

    steps: int = 800
    tokens: int = 4096
    rate: float = 4e-4
    head_rate: float = 1e-3
    warm_up: int = 50
    seed: int = 0
    half: bool = True
    sampled: int = 9000
    made_up: int = 1500
    held_back: int = 600
    language: float = 0.5
    further: int = 5000
    evaluate_every: int = 100


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
    parts = ((model.model, plan.rate), (model.score, plan.head_rate))
    groups = [{"params": list(part.parameters()), "lr": rate, "highest": rate} for part, rate in parts]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)
    place = load_checkpoint(out, model, [optimizer]) if resume else None
    step, end, pace, saved = place[0] if place else 0, until or plan.steps, Pace(plan.steps), perf_counter()
    learnt, kept = held_back(samples, plan)
    model.train()
    for batch in _from(step, plan, tokenizer, learnt):
        if step >= end:
            break
        loss = _step(plan, model, optimizer, batch, step)
        step += 1
        pace.add(loss, batch.ids.size)
        if kept and step % plan.evaluate_every == 0:
            print(f"step {step:,}  {validation(plan, model, tokenizer, kept)}", flush=True)
        if pace.seconds > CHECKPOINT_SECONDS or step == end:
            print(pace.report(step), flush=True)
        if perf_counter() - saved > CHECKPOINT_SECONDS or step == end:
            save_checkpoint(out, model, [optimizer], (step,))
            saved = perf_counter()


def held_back(samples: list[Labelled], plan: PrmPlan) -> tuple[list[Labelled], list[Labelled]]:
    """Samples to learn from, and some kept out, half of them written by solvers (each is of a problem of its own)."""
    apart = min(plan.held_back, len(samples) // 10) // 2
    return samples[apart : len(samples) - apart], [*samples[:apart], *samples[len(samples) - apart :]]


@torch.inference_mode()
def validation(plan: PrmPlan, model: ProcessRewardModel, tokenizer: Any, kept: list[Labelled]) -> str:
    """AUC of right against wrong steps, and the share of verdicts that are right, on solutions held back."""
    model.eval()
    half, shown = len(kept) // 2, []
    for name, part in (("solvers", kept[:half]), ("made up", kept[half:])):
        scored: list[tuple[float, bool]] = []
        for batch in batches_of(part, tokenizer, plan.tokens, Key.root(plan.seed, "math/embedded", "prm validation")):
            logits = model.score(model.seen(torch.from_numpy(batch.ids), batch.answers).inputs)
            scored += zip((logits[:, 1] - logits[:, 0]).tolist(), batch.right.tolist(), strict=True)
        hits = sum((score > 0) == right for score, right in scored)
        shown.append(f"{name}: step AUC {auc(scored):.4f}, verdicts right {hits / max(len(scored), 1):.4f}")
    model.train()
    return "; ".join(shown)


def _from(step: int, plan: PrmPlan, tokenizer: Any, samples: list[Labelled]) -> Iterator[LabelledBatch]:
    """The endless series of batches, from batch ``step`` on."""
    key, passed, epoch = Key.root(plan.seed, "math/embedded", "prm batches"), 0, 0
    while True:
        batches = batches_of(samples, tokenizer, plan.tokens, key.child(epoch))
        yield from batches[max(0, step - passed) :]
        passed, epoch = passed + len(batches), epoch + 1


def _step(plan: PrmPlan, model: ProcessRewardModel, optimizer: Any, batch: LabelledBatch, step: int) -> float:
    factor = min(1.0, (step + 1) / plan.warm_up) * min(1.0, 2.0 * (1.0 - step / plan.steps))
    for group in optimizer.param_groups:
        group["lr"] = group["highest"] * factor
    verdicts, language = losses(plan, model, batch)
    torch.autograd.backward(verdicts + plan.language * language)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(verdicts.detach())


def losses(plan: PrmPlan, model: ProcessRewardModel, batch: LabelledBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross entropy of the verdicts, and of the tokens of right steps."""
    right = torch.from_numpy(batch.right)
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
        found = model.seen(torch.from_numpy(batch.ids), batch.answers)
        logits = model.score(found.inputs)
    verdicts = torch.nn.functional.cross_entropy(logits.float(), right.long())
    tokens = found.likelihoods[right[found.steps]]
    return verdicts, -tokens.mean() if len(tokens) else verdicts.new_zeros(())
