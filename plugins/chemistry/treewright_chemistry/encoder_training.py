"""Training of the dual encoder (needs torch).

The loss is NT-Xent in both directions (Chen et al., ICML 2020, temperature 0.07): a spectrum against the
molecules of its batch, isomers of its own formula among them, and against edited isomers; a molecule
against the spectra. A third term, one sigmoid per pair, draws a spectrum towards the substructures that
its molecule contains.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from treewright_chemistry.cosine_fit import fit_cosine
from treewright_chemistry.encoder_batches import Batch, BatchSource, spectra_of
from treewright_chemistry.encoder_data import DataOptions, load_store
from treewright_chemistry.encoder_file import write_encoder
from treewright_chemistry.encoder_model import DualEncoderModel, EncoderSizes
from treewright_chemistry.encoder_pieces import fit_pieces
from treewright_chemistry.encoder_store import EncoderStore, MoleculePicker, read_store, write_store
from treewright_chemistry.environments import scheme_fingerprint
from treewright_chemistry.shifts import ShiftTables

CHECKPOINT: Final = "encoder_checkpoint.pt"
STORE: Final = "encoder_store.npz"
TAU: Final = 0.07
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
        TableError: the prepared data are damaged.
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
    step = _restore(out / CHECKPOINT, model, optimizer) if resume else 0
    source = BatchSource(store, batch=options.batch, isomers=options.isomers, pieces=options.pieces, seed=seed)
    began, losses, figures = time.perf_counter(), [], dict[str, float]()
    log(f"{sum(p.numel() for p in model.parameters())} weights, from step {step}")
    while step < options.steps and not _late(began, options.minutes):
        losses.append(_step(model, optimizer, source.draw(step), _rate(step, options), seed * 1_000_003 + step))
        step += 1
        if step % options.report == 0 or step == options.steps:
            figures = evaluate(model, store) | {"loss": float(np.mean(losses))}
            losses = []
            _save(out / CHECKPOINT, model, optimizer, step)
            log(f"step {step}: {_text(figures)}, {time.perf_counter() - began:.0f} s")
    _save(out / CHECKPOINT, model, optimizer, step)
    figures |= {"steps": float(step), "seconds": time.perf_counter() - began}
    export(model, sizes, out, seed=seed, figures=figures)
    return figures


def losses_of(model: DualEncoderModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the contrastive and the substructure loss of a batch."""
    spectra = model.spectrum(batch.spectra)
    molecules = model.molecule(batch.molecules)
    number = len(spectra)
    same = torch.from_numpy(batch.same)
    twins = same & ~torch.eye(number, dtype=torch.bool)
    whole = molecules[: number + batch.negatives]
    logits = spectra @ whole.T / TAU
    logits = logits.masked_fill(functional.pad(twins, (0, batch.negatives)), -1e4)
    own = torch.arange(number)
    forth = functional.cross_entropy(logits, own)
    back = functional.cross_entropy(logits[:, :number].T, own)
    return (forth + back) / 2.0, _piece_loss(model, spectra, molecules[number + batch.negatives :], batch)


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


def export(model: DualEncoderModel, sizes: EncoderSizes, out: Path, *, seed: int, figures: Mapping[str, float]) -> None:
    """Write the weights and what is needed to rebuild the networks."""
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    config: dict[str, Any] = {
        "sizes": sizes.as_dict(),
        "scheme": scheme_fingerprint(),
        "seed": seed,
        "training": dict(figures),
    }
    write_encoder(out, weights, config)


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


def _piece_loss(model: DualEncoderModel, spectra: Tensor, pieces: Tensor, batch: Batch) -> Tensor:
    known = torch.from_numpy(batch.known)
    if not len(pieces) or not known.any():
        return spectra.sum() * 0.0
    logits = model.piece_scale[0].exp() * (spectra[known] @ pieces.T) + model.piece_scale[1]
    return functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.holds)[known].float())


def _rate(step: int, options: TrainingOptions) -> float:
    if step < options.warm_up:
        return options.rate * (step + 1) / options.warm_up
    return options.rate * 0.5 * (1.0 + cos(pi * step / options.steps))


def _late(began: float, minutes: float | None) -> bool:
    return minutes is not None and time.perf_counter() - began > 60.0 * minutes


def _save(path: Path, model: DualEncoderModel, optimizer: torch.optim.Optimizer, step: int) -> None:
    draft = path.with_name(path.name + ".part")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, draft)
    draft.replace(path)


def _restore(path: Path, model: DualEncoderModel, optimizer: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


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
