"""The recipe of all that predicts shifts: tables, the network that refines them, and plausibility.

``train(data_dir, out_dir)`` makes ``shifts.npz``, ``shift_network.npz`` and ``commonness.npz`` with their
checksums, and ``shifts_figures.json`` with the errors on held-out molecules beside those on training
molecules. Torch is needed to train, not to predict.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from treewright_chemistry.commonness import FILE as COMMONNESS_FILE
from treewright_chemistry.commonness import count_environments
from treewright_chemistry.shift_data import load_training_molecules
from treewright_chemistry.shift_training import ROUNDS, train_tables

FIGURES = "shifts_figures.json"
DEFAULT_EPOCHS = 30


def train(
    data_dir: Path,
    out_dir: Path,
    seed: int = 0,
    *,
    rounds: int = ROUNDS,
    epochs: int = DEFAULT_EPOCHS,
    pool: bool = True,
    resume: bool = False,
    log: Callable[[str], None] = print,
) -> dict[str, float]:
    """Train all parts; takes about 15 minutes on one core, under 3 GB of memory.

    Args:
        data_dir: the data folder; its ``chemistry`` part is read.
        out_dir: folder for models and checkpoints; made if needed.
        seed: of the network; tables and plausibility have no random part.
        rounds: of assignment in the tables.
        epochs: of the network; 0 leaves the network out.
        pool: count the environments of the SMILES pool too (three of the fifteen minutes).
        resume: go on from the checkpoints in ``out_dir``; the result equals that of an uninterrupted run.
        log: receives progress lines.

    Returns:
        Mean absolute errors in ppm, counts and seconds, as written to ``shifts_figures.json``.

    Raises:
        LeakError: the training data contain a reserved molecule.
    """
    began = time.perf_counter()
    out_dir.mkdir(parents=True, exist_ok=True)
    molecules = load_training_molecules(data_dir)
    log(f"{len(molecules)} training molecules after {time.perf_counter() - began:.0f} s")
    atoms, observed, figures = train_tables(molecules, out_dir, rounds=rounds, resume=resume, log=log)
    figures["molecules"] = len(molecules)
    if epochs:
        # Torch is imported only where a network is trained: prediction does without it.
        from treewright_chemistry.shift_network_training import NetworkOptions, train_network

        options = NetworkOptions(epochs=epochs)
        figures |= train_network(atoms, observed, out_dir, seed=seed, options=options, resume=resume, log=log)
    if pool and not (resume and (out_dir / COMMONNESS_FILE).exists()):
        figures["pool_molecules"] = count_environments(data_dir, out_dir)
    figures["seconds"] = round(time.perf_counter() - began, 1)
    (out_dir / FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures
