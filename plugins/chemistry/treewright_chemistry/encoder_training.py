"""Training of the dual encoder (needs torch): AdamW, warm-up and cosine, resumable; the loss is in `encoder_loss`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Final

import numpy as np
import torch

from treewright_chemistry.cosine_fit import fit_cosine
from treewright_chemistry.encoder_batches import Batch, BatchSource, spectra_of
from treewright_chemistry.encoder_checkpoint import CHECKPOINT, export, restore, save
from treewright_chemistry.encoder_data import DataOptions, load_store
from treewright_chemistry.encoder_loss import losses_of
from treewright_chemistry.encoder_model import DualEncoderModel, EncoderSizes
from treewright_chemistry.encoder_pieces import fit_pieces
from treewright_chemistry.encoder_store import EncoderStore, MoleculePicker, read_store, write_store
from treewright_chemistry.shifts import ShiftTables

STORE: Final = "encoder_store.npz"
PIECE_WEIGHT: Final = 4.0
HELD_OUT: Final = 600
"""Held-out spectra of each kind looked at while training."""

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Schedule and batches.

    Attributes:
        steps: of the whole training; the rate rises for ``warm_up`` steps and falls along a cosine.
        minutes: stop earlier after so many minutes; the checkpoint allows to go on. None: no limit.
        batch, isomers, pieces: see ``BatchSource``.
        rate: largest learning rate of AdamW.
        report: steps between progress lines, each with a checkpoint.
    """

    steps: int = 5_500
    minutes: float | None = None
    batch: int = 128
    isomers: int = 4
    pieces: int = 64
    rate: float = 1.5e-3
    warm_up: int = 150
    report: int = 250


def train(
    data_dir: Path,
    out: Path,
    *,
    seed: int = 0,
    options: TrainingOptions | None = None,
    sizes: EncoderSizes | None = None,
    data: DataOptions | None = None,
    resume: bool = False,
    log: Log = print,
) -> dict[str, float]:
    """Train the encoder and write ``encoder.safetensors`` with configuration and checksum to ``out``.

    Then the map of the substructures and the weight of the cosine in the score are fitted.

    Args:
        data_dir: the data folder.
        out: existing folder; prepared data and checkpoints are kept there.
        seed: of initial weights, batches, noise and dropout.
        options: schedule.
        sizes: of the networks.
        data: how much to read.
        resume: go on from prepared data and checkpoint in ``out``, as far as they exist.
        log: receives progress lines.

    Returns:
        Held-out recall, loss, steps and seconds, weights of the cosine.

    Raises:
        LeakError: the training data contain a reserved molecule.
        TableError: the prepared data or the checkpoint are damaged, or of another seed.
    """
    path = out / STORE
    if resume and path.exists():
        store = read_store(path)
    else:
        store = load_store(data_dir, ShiftTables.load(network=False), data or DataOptions(), log)
        write_store(path, store)
    figures = fit(store, out, seed=seed, options=options, sizes=sizes, resume=resume, log=log)
    figures |= {"piece_loss": fit_pieces(data_dir, out, seed=seed, log=log)}
    weights = fit_cosine(data_dir, out, log=log)
    return figures | {f"cosine_weight_{evidence}": float(row["weight"]) for evidence, row in weights.items()}


def fit(
    store: EncoderStore,
    out: Path,
    *,
    seed: int = 0,
    options: TrainingOptions | None = None,
    sizes: EncoderSizes | None = None,
    resume: bool = False,
    log: Log = print,
) -> dict[str, float]:
    """Train on a store; arguments and result as for ``train``."""
    options, sizes = options or TrainingOptions(), sizes or EncoderSizes()
    torch.manual_seed(seed)
    model = DualEncoderModel(sizes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.01)
    step = restore(out / CHECKPOINT, model, optimizer, seed) if resume else 0
    source = BatchSource(store, batch=options.batch, isomers=options.isomers, pieces=options.pieces, seed=seed)
    began, losses, figures = time.perf_counter(), [], dict[str, float]()
    log(f"{sum(p.numel() for p in model.parameters())} weights, from step {step}")
    while step < options.steps and not _late(began, options.minutes):
        losses.append(_step(model, optimizer, source.draw(step), _rate(step, options), seed * 1_000_003 + step))
        step += 1
        if step % options.report == 0 or step == options.steps:
            figures = evaluate(model, store) | {"loss": float(np.mean(losses))}
            losses = []
            save(out / CHECKPOINT, model, optimizer, step, seed)
            log(f"step {step}: {_text(figures)}, {time.perf_counter() - began:.0f} s")
    save(out / CHECKPOINT, model, optimizer, step, seed)
    figures |= {"steps": float(step), "seconds": time.perf_counter() - began}
    export(model, sizes, out, seed=seed, figures=figures)
    return figures


def evaluate(model: DualEncoderModel, store: EncoderStore, *, most: int = HELD_OUT) -> dict[str, float]:
    """Return how often a held-out spectrum finds its molecule first among all held-out ones."""
    held = np.flatnonzero(store.validation[store.owners])
    random = np.random.default_rng(0)
    chosen = [random.permutation(held[store.measured[held] == kind])[:most] for kind in (True, False)]
    owners = np.unique(store.owners[np.concatenate(chosen)])
    if not len(owners):
        return {}
    model.eval()
    with torch.no_grad():
        molecules = model.molecule(MoleculePicker(store.molecules).pick(owners))
        figures = {}
        for name, examples in zip(("measured", "simulated"), chosen, strict=True):
            if len(examples):
                best = (model.spectrum(spectra_of(store, examples, None)) @ molecules.T).argmax(dim=1).numpy()
                figures[f"recall_at_1_{name}"] = float(np.mean(owners[best] == store.owners[examples]))
    model.train()
    return figures | {"held_out_molecules": float(len(owners))}


def _step(model: DualEncoderModel, optimizer: torch.optim.Optimizer, batch: Batch, rate: float, seed: int) -> float:
    torch.manual_seed(seed)  # dropout depends on the step alone, so that a resumed training repeats it
    for group in optimizer.param_groups:
        group["lr"] = rate
    contrastive, pieces = losses_of(model, batch)
    optimizer.zero_grad()
    (contrastive + PIECE_WEIGHT * pieces).backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return float(contrastive.detach())


def _rate(step: int, options: TrainingOptions) -> float:
    if step < options.warm_up:
        return options.rate * (step + 1) / options.warm_up
    return options.rate * 0.5 * (1.0 + cos(pi * step / options.steps))


def _late(began: float, minutes: float | None) -> bool:
    return minutes is not None and time.perf_counter() - began > 60.0 * minutes


def _text(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description="Train the molecule-spectrum encoder")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, prepared data and checkpoints")
    parser.add_argument("--steps", type=int, default=TrainingOptions().steps)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    options = TrainingOptions(steps=given.steps, minutes=given.minutes)
    figures = train(
        given.data,
        given.out,
        seed=given.seed,
        options=options,
        resume=given.resume,
        log=lambda line: print(line, flush=True),
    )
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
