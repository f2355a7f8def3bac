"""Trains the target or draft from scratch: next-token loss on solution tokens of examples drawn on the fly.

Learning rate: linear warm-up, constant, linear decay over the last quarter. A training that is killed goes on
from its last checkpoint and ends with the same weights, bit for bit, on the same machine and threads.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import torch

from treewright_math.embedded_world.batches import Batch, Pools
from treewright_math.embedded_world.checkpoint import load_checkpoint, save_checkpoint
from treewright_math.embedded_world.examples import Encode, Mixture
from treewright_math.embedded_world.export import load_causal
from treewright_math.embedded_world.model_sizes import SIZES, configuration
from treewright_math.embedded_world.prompts import IM_END, PAD

CURRICULUM = (
    (250, Mixture(deepest=2, largest=20, distractors=0, facts=0.0, records=(1.0,), long=0.0)),
    (600, Mixture(deepest=3, largest=60, distractors=1, facts=0.15, records=(0.8, 0.2), long=0.0)),
    (1100, Mixture(deepest=4)),
)
"""Until which step which examples; then the full mixture. Short ones first: many a batch, and one thing at a time."""
SHALLOW = Mixture(deepest=2, largest=20, distractors=0, facts=0.0, records=(1.0,), long=0.0)
"""Short problems alone: most sums a token, hence most to learn of which way a comparison goes."""


class Plan(NamedTuple):
    """Settings of a training.

    Attributes:
        model: ``target``, ``draft`` or ``tiny`` (for tests).
        steps: batches.
        tokens: of a batch, padding included.
        rate: highest learning rate.
        warm_up: steps of warm-up.
        seed: of weights and examples.
        half: multiply matrices in bfloat16 (weights stay float32).
        muon: orthogonalised momentum for matrices (Muon), AdamW for the rest.
        curriculum: ``whole`` raises the depth step by step, ``shallow`` stays with short problems, ``full`` begins with
            the full mixture.
        crossed: probability that a comparison's words suggest the opposite of what its step has to do.
    """

    model: str = "target"
    steps: int = 4600
    tokens: int = 3072
    rate: float = 4e-3
    warm_up: int = 150
    seed: int = 0
    half: bool = True
    muon: bool = True
    curriculum: str = "whole"
    crossed: float = Mixture().crossed


PLANS = {
    "target": Plan("target", steps=7600),
    "draft": Plan("draft", steps=5000),
    "tiny": Plan("tiny", steps=20, warm_up=5),
}


class Place(NamedTuple):
    """Where a training stands: next step, pool in use, step at which it was drawn, batches of it already used."""

    step: int = 0
    pool: int = 0
    pool_step: int = 0
    used: int = 0


def rate_factor(plan: Plan, step: int) -> float:
    """Share of the highest learning rate at a step."""
    warm = min(1.0, (step + 1) / plan.warm_up)
    return warm * min(1.0, max(0.02, (plan.steps - step) / max(1, plan.steps // 4)))


def mixture_at(plan: Plan, step: int) -> Mixture:
    """The examples at a step: in the whole curriculum shallow problems with small numbers first."""
    fixed = {"shallow": SHALLOW, "full": Mixture()}.get(plan.curriculum)
    mixture = fixed or next((mixture for until, mixture in CURRICULUM if step < until), Mixture())
    return mixture._replace(crossed=plan.crossed)


def _drawn(plan: Plan, tokenizer: Any) -> Any:
    """A model of the plan's size with weights drawn anew."""
    from transformers import Qwen2ForCausalLM

    ends = tokenizer.token_to_id(IM_END), tokenizer.token_to_id(PAD)
    return Qwen2ForCausalLM(configuration(SIZES[plan.model], tokenizer.get_vocab_size(), *ends))


class Training:
    """One model in training.

    Args:
        plan: settings.
        tokenizer: of the embedded world.
        folder: for checkpoints.
        start: folder of an exported model to begin with; ``None`` draws weights.
    """

    def __init__(self, plan: Plan, tokenizer: Any, folder: Path, start: Path | None = None) -> None:
        torch.manual_seed(plan.seed)
        pad = tokenizer.token_to_id(PAD)
        self.plan, self.folder, self.place = plan, folder, Place()
        self.model: Any = load_causal(start)[0].requires_grad_(True) if start else _drawn(plan, tokenizer)
        self.model.set_attn_implementation(
            "eager"
        )  # for short rows faster on a CPU than the fused kernel, 1.0 to 1.5 ×
        self.model.train()
        self._optimizers = optimizers(self.model, plan)
        self._pools = Pools(plan.seed, encoder_of(tokenizer), pad, plan.tokens)
        self._batches: list[Batch] = []

    def resume(self) -> bool:
        """Go on from the checkpoint in the folder; false if there is none."""
        place = load_checkpoint(self.folder, self.model, self._optimizers)
        if place is None:
            return False
        self.place = Place(*place)
        self._batches = self._pools.pool(self.place.pool, mixture_at(self.plan, self.place.pool_step))
        return True

    def save(self) -> None:
        """Write a checkpoint; an earlier one stays until the new one is complete."""
        save_checkpoint(self.folder, self.model, self._optimizers, tuple(self.place))

    def run(self, until: int, each_step: Callable[[int, float, int], None]) -> None:
        """Train up to step ``until``; ``each_step`` gets step, loss and tokens of the batch."""
        while self.place.step < until:
            batch = self._next()
            loss = self._step(batch)
            self.place = self.place._replace(step=self.place.step + 1, used=self.place.used + 1)
            each_step(self.place.step, loss, batch.ids.size)

    def _next(self) -> Batch:
        if not self._batches or self.place.used >= len(self._batches):
            number = self.place.pool + 1 if self._batches else 0
            self.place = Place(self.place.step, number, self.place.step, 0)
            self._batches = self._pools.pool(number, mixture_at(self.plan, self.place.step))
        return self._batches[self.place.used]

    def _step(self, batch: Batch) -> float:
        factor = rate_factor(self.plan, self.place.step)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * factor
        loss = next_token_loss(self.model, batch, self.plan.half)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return float(loss.detach())


def encoder_of(tokenizer: Any) -> Encode:
    """Text to token ids; special tokens' texts become their ids."""
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def next_token_loss(model: Any, batch: Batch, half: bool) -> torch.Tensor:
    """Mean cross entropy over the learnt tokens; logits are made only where something is learnt."""
    ids, targets = torch.from_numpy(batch.ids), torch.from_numpy(batch.targets)
    learnt = targets >= 0
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        # padding stands on the right and attention is causal: no mask is needed
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[learnt]
        logits = model.lm_head(hidden)
    return torch.nn.functional.cross_entropy(logits.float(), targets[learnt])


def optimizers(model: Any, plan: Plan) -> list[torch.optim.Optimizer]:
    """AdamW for all weights, or Muon for the matrices inside the layers and AdamW for the rest."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name and plan.muon]
    inside = {id(p) for p in matrices}
    rest = [p for _, p in named if id(p) not in inside]
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(rest, plan.rate, betas=(0.9, 0.98), weight_decay=0.05)]
    if matrices:
        made.append(torch.optim.Muon(matrices, plan.rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["highest"] = group["lr"]
    return made


class Pace:
    """Tokens a second and time left, over the steps since the last report."""

    def __init__(self, steps: int) -> None:
        self._steps, self._since, self._tokens, self._count, self._loss = steps, perf_counter(), 0, 0, 0.0

    def add(self, loss: float, tokens: int) -> None:
        """Count one step."""
        self._tokens, self._count, self._loss = self._tokens + tokens, self._count + 1, self._loss + loss

    def report(self, step: int) -> str:
        """``step 400/9,000  loss 0.61  3,100 tokens/s  1 h 32 min left``, then count anew."""
        seconds = max(perf_counter() - self._since, 1e-9)
        left = (self._steps - step) * seconds / max(self._count, 1)
        text = f"step {step:,}/{self._steps:,}  loss {self._loss / max(self._count, 1):.4f}"
        text += f"  {self._tokens / seconds:,.0f} tokens/s  {left / 60:.0f} min left"
        self._since, self._tokens, self._count, self._loss = perf_counter(), 0, 0, 0.0
        return text

    @property
    def seconds(self) -> float:
        """Since the last report."""
        return perf_counter() - self._since
