"""Training of the embedded encoder (needs torch; a few minutes on one core).

Three contrastive terms, each NT-Xent (Chen et al., ICML 2020) over the vectors of a batch, both directions:

    1. a problem and its own solution;
    2. a problem and another one of the same template (``retrieval.templates``), its nearest under the start vectors;
    3. problems of MATH of the same subject (supervised contrastive, Khosla et al., NeurIPS 2020), with a small weight.

A part of each text's features is left out at random. The vectors start as a random projection of TF-IDF. Batches are
drawn by (seed, step), so a resumed training gives the weights of an uninterrupted one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from treewright_math.retrieval.templates import SAME, overlap, pairs_of, template_of
from treewright_math.text_encoder.features import features_of
from treewright_math.text_encoder.training_texts import TrainingText

CHECKPOINT: Final = "text_encoder_checkpoint.pt"
_NEAREST: Final = 10  # neighbours that are looked at for one of the same template

Log = Callable[[str], None]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """The recipe's numbers, all chosen for this project.

    Attributes:
        features: that are known, the most common ones.
        dimension: of the vectors.
        steps: batches.
        batch: records of a batch for term 1; half as many pairs for term 2.
        rate: highest learning rate of Adam, falling along a cosine.
        tau: temperature of terms 1 and 2.
        subject_weight: of term 3, whose temperature is twice ``tau``.
        left_out: share of features left out.
        seed: of start vectors, batches and what is left out.
    """

    features: int = 16_384
    dimension: int = 160
    steps: int = 4000
    batch: int = 192
    rate: float = 3e-3
    tau: float = 0.07
    subject_weight: float = 0.2
    left_out: float = 0.3
    seed: int = 0


class Bag:
    """Texts as known features with weights, ready for sums.

    Args:
        counts: of each text's features.
        known: feature → row.
    """

    def __init__(self, counts: Sequence[Counter[int]], known: dict[int, int]) -> None:
        rows = [sorted((known[f], n) for f, n in count.items() if f in known) for count in counts]
        self.features = [np.array([f for f, _ in row], dtype=np.int64) for row in rows]
        self.weights = [1.0 + np.log(np.array([n for _, n in row], dtype=np.float32)) for row in rows]

    def vectors(self, table: Tensor, texts: Ints, random: np.random.Generator | None, left_out: float) -> Tensor:
        """Unit vectors of some texts, shape (len(texts), dimension), with features left out if there is ``random``."""
        features, weights = [], []
        for text in texts:
            kept = self.features[text], self.weights[text]
            if random is not None:
                stays = random.random(len(kept[0])) >= left_out
                kept = kept[0][stays], kept[1][stays]
            features.append(kept[0])
            weights.append(kept[1])
        offsets = np.cumsum([0, *map(len, features[:-1])])
        sums = functional.embedding_bag(
            torch.from_numpy(np.concatenate(features)),
            table,
            torch.from_numpy(offsets),
            mode="sum",
            per_sample_weights=torch.from_numpy(np.concatenate(weights)),
        )
        return functional.normalize(sums, dim=1)


def vocabulary(counts: Sequence[Counter[int]], size: int) -> tuple[npt.NDArray[np.uint32], Floats]:
    """The features that most texts have, and their inverse document frequencies ln(N / n)."""
    seen: Counter[int] = Counter()
    for count in counts:
        seen.update(count.keys())
    common = sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))[:size]
    hashes = np.array([feature for feature, _ in common], dtype=np.uint32)
    rarity = np.log(len(counts) / np.array([n for _, n in common], dtype=np.float32))
    return hashes, rarity.astype(np.float32)


def train(
    texts: Sequence[TrainingText], out: Path, options: TrainingOptions, *, resume: bool, log: Log
) -> tuple[npt.NDArray[np.uint32], Floats, float]:
    """Train the table; returns the features' hashes, their vectors and the seconds spent in all."""
    problems = [features_of(text.problem) for text in texts]
    solutions = [features_of(text.solution) for text in texts]
    hashes, rarity = vocabulary([*problems, *solutions], options.features)
    known = {int(feature): row for row, feature in enumerate(hashes)}
    bag = Bag([*problems, *solutions], known)
    table = _start(rarity, options)
    alike = _same_template(texts, bag, table)
    log(f"{len(texts)} records, {len(hashes)} features, {len(alike)} of the same template as another")
    subjects = _numbered([text.subject for text in texts])
    seconds = _optimise(table, bag, alike, subjects, out, options, resume=resume, log=log)
    return hashes, table.detach().numpy(), seconds


def _start(rarity: Floats, options: TrainingOptions) -> Tensor:
    random = np.random.default_rng([options.seed, 0])
    rows = random.standard_normal((len(rarity), options.dimension)) / options.dimension**0.5
    return torch.tensor(rows * rarity[:, None], dtype=torch.float32).requires_grad_()


def _same_template(texts: Sequence[TrainingText], bag: Bag, table: Tensor) -> Ints:
    """Pairs (problem, another of the same template), shape (pairs, 2)."""
    with torch.no_grad():
        vectors = bag.vectors(table, np.arange(len(texts)), None, 0.0)
    templates = [pairs_of(template_of(text.problem)) for text in texts]
    pairs = []
    for start in range(0, len(texts), 1024):
        near = torch.topk(vectors[start : start + 1024] @ vectors.T, _NEAREST + 1).indices.numpy()
        for number, others in enumerate(near, start):
            same = (o for o in others if o != number and overlap(templates[number], templates[o]) >= SAME)
            pairs += [(number, other) for other in list(same)[:1]]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _numbered(subjects: Sequence[str]) -> Ints:
    """A number for each subject, −1 for none."""
    known = {subject: number for number, subject in enumerate(sorted(set(subjects) - {""}))}
    return np.array([known.get(subject, -1) for subject in subjects], dtype=np.int64)


def _optimise(
    table: Tensor, bag: Bag, alike: Ints, subjects: Ints, out: Path, options: TrainingOptions, *, resume: bool, log: Log
) -> float:
    optimiser = torch.optim.Adam([table], lr=options.rate)
    first, spent = _resumed(table, optimiser, out, options) if resume else (0, 0.0)
    began = time.monotonic() - spent
    for step in range(first, options.steps):
        for group in optimiser.param_groups:
            group["lr"] = options.rate * 0.5 * (1.0 + cos(pi * step / options.steps))
        loss = _loss(table, bag, alike, subjects, options, np.random.default_rng([options.seed, 1, step]))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        if (step + 1) % 200 == 0 or step + 1 == options.steps:
            _keep(table, optimiser, out, options, step + 1, time.monotonic() - began)
            log(f"step {step + 1} of {options.steps}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s")
    return time.monotonic() - began


def _loss(
    table: Tensor, bag: Bag, alike: Ints, subjects: Ints, options: TrainingOptions, random: np.random.Generator
) -> Tensor:
    records = len(subjects)
    chosen = random.choice(records, min(options.batch, records), replace=False)
    problems = bag.vectors(table, chosen, random, options.left_out)
    solutions = bag.vectors(table, chosen + records, random, options.left_out)
    loss = _nt_xent(problems, solutions, options.tau)
    if len(alike):
        pairs = alike[random.choice(len(alike), min(options.batch // 2, len(alike)), replace=False)]
        first, second = (bag.vectors(table, side, random, options.left_out) for side in pairs.T)
        loss = loss + _nt_xent(first, second, options.tau)
    labelled = subjects[chosen] >= 0
    if labelled.sum() > 1:
        same = torch.from_numpy(subjects[chosen][labelled])
        loss = loss + options.subject_weight * _same_label(problems[torch.from_numpy(labelled)], same, 2 * options.tau)
    return loss


def _nt_xent(first: Tensor, second: Tensor, tau: float) -> Tensor:
    """−ln of the softmax share of each row's partner, averaged over both directions."""
    similar = first @ second.T / tau
    target = torch.arange(len(first))
    return (functional.cross_entropy(similar, target) + functional.cross_entropy(similar.T, target)) / 2


def _same_label(vectors: Tensor, labels: Tensor, tau: float) -> Tensor:
    """−mean over a row's positives of ln of their softmax share, itself left out; rows without positives count 0."""
    itself = torch.eye(len(vectors), dtype=torch.bool)
    shares = torch.log_softmax((vectors @ vectors.T / tau).masked_fill(itself, -torch.inf), dim=1)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    sums = torch.where(positive, shares, 0.0).sum(dim=1)
    return -(sums / positive.sum(dim=1).clamp(min=1)).mean()


def _keep(
    table: Tensor, optimiser: torch.optim.Optimizer, out: Path, options: TrainingOptions, step: int, seconds: float
) -> None:
    state = {
        "table": table.detach(), "optimiser": optimiser.state_dict(), "step": step, "seconds": seconds,
        "options": asdict(options),
    }  # fmt: skip
    torch.save(state, out / "unfinished")
    (out / "unfinished").rename(out / CHECKPOINT)


def _resumed(table: Tensor, optimiser: torch.optim.Optimizer, out: Path, options: TrainingOptions) -> tuple[int, float]:
    """Load the checkpoint if there is one of the same options; returns step and seconds to go on from."""
    if not (out / CHECKPOINT).is_file():
        return 0, 0.0
    state: dict[str, Any] = torch.load(out / CHECKPOINT, weights_only=True)
    if state["options"] != asdict(options):
        from treewright_registry import ConfigurationError

        what = "holds a training with other options"
        raise ConfigurationError(f"{out / CHECKPOINT}: {what}\n    resume with the same, or choose another folder")
    with torch.no_grad():
        table.copy_(state["table"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["seconds"])
