"""Training of the shift network (needs torch); ``shift_network`` computes the same with numpy.

The loss is the Laplace log-likelihood of both nuclei, so the network learns its expected errors along with
the shifts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor, nn

from treewright_chemistry.environments import scheme_fingerprint
from treewright_chemistry.model_files import Arrays, write_arrays
from treewright_chemistry.shift_atoms import Atoms, Observed, average
from treewright_chemistry.shift_network import CENTRE, FEATURES, FILE, LOG_SCALE
from treewright_chemistry.shift_network_batches import Batch, Examples, batches, make_examples, pad
from treewright_chemistry.training_checkpoint import read_checkpoint, write_checkpoint

TRAIN_SAMPLE: Final = 2_000
"""Training molecules whose errors are measured for comparison."""
CHECKPOINT: Final = "shift_network_checkpoint.pt"
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """Size and schedule.

    Attributes:
        width, layers: of the message passing.
        epochs, batch, rate: schedule; the rate rises for 300 steps and falls along a cosine.
        decay: weight decay.
        drop: share of the activations dropped in every message layer.
        hide: share of radius-1 embeddings hidden in training, so that unknown environments are met there too.
    """

    width: int = 80
    layers: int = 4
    epochs: int = 30
    batch: int = 48
    rate: float = 2e-3
    decay: float = 1e-2
    drop: float = 0.05
    hide: float = 0.3


class Network(nn.Module):
    """The trainable form of ``ShiftNetwork``."""

    def __init__(self, keys: tuple[int, int], options: NetworkOptions) -> None:
        super().__init__()
        width = options.width
        self.hide = options.hide
        self.drop = nn.Dropout(options.drop)
        self.embeddings = nn.ModuleList(nn.Embedding(number + 1, width, padding_idx=0) for number in keys)
        for table, spread in zip(self.embeddings, (0.3, 0.1), strict=True):
            nn.init.normal_(table.weight[1:], 0.0, spread)  # type: ignore[index]
        self.entry = nn.Linear(FEATURES, width)
        self.layers = nn.ModuleList(nn.Linear(3 * width, width) for _ in range(options.layers))
        self.head = nn.ModuleList([nn.Linear(2 * width, width), nn.Linear(width, 6)])

    def forward(self, embedded: Tensor, features: Tensor, bonds: Tensor) -> tuple[Tensor, Tensor]:
        """Return normalised means and log scales, shape (B, A, 2) each."""
        fine = self.embeddings[1](embedded[1])
        if self.training:
            fine = fine * (torch.rand(embedded[1].shape) >= self.hide)[..., None]
        start = self.embeddings[0](embedded[0]) + fine + self.entry(features)
        state = start
        for layer in self.layers:
            messages = torch.cat([state, bonds[0] @ state, bonds[1] @ state], dim=-1)
            state = state + self.drop(torch.relu(layer(messages)))
        out = self.head[1](self.drop(torch.relu(self.head[0](torch.cat([state, start], dim=-1)))))
        gate = torch.sigmoid(out[..., 4:6])
        table = features[..., [0, FEATURES // 2]]
        return gate * table + (1.0 - gate) * out[..., 0:2], out[..., 2:4].clamp(*LOG_SCALE)


def train_network(
    atoms: Atoms,
    observed: Observed,
    out_dir: Path,
    *,
    seed: int,
    options: NetworkOptions | None = None,
    resume: bool = False,
    log: Log = print,
) -> dict[str, float]:
    """Train the network on the assigned shifts and write ``shift_network.npz`` to ``out_dir``.

    Args:
        atoms: the training carbons.
        observed: the shifts that the table training assigned to them.
        out_dir: existing folder; a checkpoint is written there after every epoch.
        seed: of initial weights, order and hidden embeddings.
        options: size and schedule.
        resume: go on from the checkpoint, if there is one.
        log: receives progress lines.

    Returns:
        Held-out mean absolute errors in ppm, and seconds.

    Raises:
        TableError: the checkpoint is damaged, or of another seed.
    """
    options = options or NetworkOptions()
    examples = make_examples(atoms, observed)
    torch.manual_seed(seed)
    network = Network((len(examples.keys[0]), len(examples.keys[1])), options)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.decay)
    done = _restore(out_dir / CHECKPOINT, network, optimizer, seed) if resume else 0
    began = time.perf_counter()
    for epoch in range(done, options.epochs):
        loss = _epoch(network, optimizer, examples, options, epoch, seed)
        figures = evaluate(network, examples, "held_out")
        log(f"epoch {epoch + 1}: loss {loss:.3f}, held-out {figures}, {time.perf_counter() - began:.0f} s")
        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "done": epoch + 1}
        write_checkpoint(out_dir / CHECKPOINT, state, seed=seed)
    write_arrays(out_dir / FILE, export(network, examples))
    figures = evaluate(network, examples, "held_out") | evaluate(network, examples, "train")
    log(f"network: {figures}")
    return figures


def evaluate(network: Network, examples: Examples, part: Literal["held_out", "train"]) -> dict[str, float]:
    """Return mean and median absolute errors in ppm, of held-out or of TRAIN_SAMPLE training molecules.

    In both cases the tables leave the molecule out; on training molecules the network itself does not.
    """
    network.eval()
    held = part == "held_out"
    weights = examples.held_out if held else examples.weights
    numbers = examples.validation if held else examples.training[:: max(len(examples.training) // TRAIN_SAMPLE, 1)]
    distances: dict[str, list[np.ndarray]] = {name: [] for name in CENTRE}
    with torch.no_grad():
        for chosen in batches(examples, numbers, 64, np.random.default_rng(0)):
            batch = pad(examples, chosen, weights)
            mean, _ = network(*_tensors(batch)[:3])
            for column, (name, (_, width)) in enumerate(CENTRE.items()):
                here = batch.weights[..., column] > 0
                distances[name].append(width * np.abs(mean.numpy() - batch.targets)[..., column][here])
    result: dict[str, float] = {}
    for name, parts in distances.items():
        joined = np.concatenate([*parts, []])
        result[f"network_{name}_{part}_mae"] = round(average(joined), 4)
        result[f"network_{name}_{part}_median"] = round(float(np.median(joined)), 4) if len(joined) else float("nan")
    return result


def export(network: Network, examples: Examples) -> Arrays:
    """Return the weights in the layout of ``ShiftNetwork``."""
    arrays: Arrays = {"scheme": np.array(scheme_fingerprint()), "layers": np.array(len(network.layers))}
    for radius, table in enumerate(network.embeddings):
        arrays[f"keys_{radius}"] = examples.keys[radius].astype(np.uint32)
        arrays[f"embedding_{radius}"] = table.weight.detach().numpy().astype(np.float32)  # type: ignore[operator]
    parts = {"entry": network.entry, "head_0": network.head[0], "head_1": network.head[1]}
    parts |= {f"layer_{number}": layer for number, layer in enumerate(network.layers)}
    for name, part in parts.items():
        arrays[f"{name}_weight"] = part.weight.detach().numpy().T.copy()  # type: ignore[operator]
        arrays[f"{name}_bias"] = part.bias.detach().numpy()  # type: ignore[operator]
    return arrays


def _epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    examples: Examples,
    options: NetworkOptions,
    epoch: int,
    seed: int,
) -> float:
    """Run one epoch; its random numbers depend on seed and epoch only, so that runs can be resumed."""
    network.train()
    torch.manual_seed(seed * 100_003 + epoch)
    random = np.random.default_rng([seed, epoch])
    order = list(batches(examples, examples.training, options.batch, random))
    total, losses = len(order) * options.epochs, 0.0
    for number, numbers in enumerate(order):
        step = epoch * len(order) + number
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min(1.0, step / 300) * 0.5 * (1.0 + math.cos(math.pi * step / total))
        loss = _loss(network, pad(examples, numbers, examples.weights, random))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses += float(loss.detach())
    return losses / len(order)


def _loss(network: Network, batch: Batch) -> Tensor:
    embedded, features, bonds, targets, weights = _tensors(batch)
    mean, log_scale = network(embedded, features, bonds)
    surprise = (targets - mean).abs() * torch.exp(-log_scale) + log_scale
    loss: Tensor = (weights * surprise).sum() / weights.sum().clamp(min=1.0)
    return loss


def _tensors(batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    arrays = (batch.embedded, batch.features, batch.bonds, batch.targets, batch.weights)
    first, second, third, fourth, fifth = (torch.from_numpy(array) for array in arrays)
    return first, second, third, fourth, fifth


def _restore(path: Path, network: Network, optimizer: torch.optim.Optimizer, seed: int) -> int:
    state = read_checkpoint(path, seed=seed)
    if state is None:
        return 0
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["done"])
