"""What is kept of training the dual encoder: checkpoints to go on from, and the finished weights (needs torch)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from treewright_chemistry.encoder_file import write_encoder
from treewright_chemistry.encoder_model import DualEncoderModel, EncoderSizes
from treewright_chemistry.environments import scheme_fingerprint
from treewright_chemistry.training_checkpoint import read_checkpoint, write_checkpoint

__all__ = ["CHECKPOINT", "export", "restore", "save"]

CHECKPOINT: Final = "encoder_checkpoint.pt"


def save(path: Path, model: DualEncoderModel, optimizer: torch.optim.Optimizer, step: int, seed: int) -> None:
    """Write a checkpoint."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    write_checkpoint(path, state, seed=seed)


def restore(path: Path, model: DualEncoderModel, optimizer: torch.optim.Optimizer, seed: int) -> int:
    """Read a checkpoint into model and optimiser; returns its step, 0 where there is none.

    Raises:
        TableError: it is damaged, or belongs to another seed.
    """
    state = read_checkpoint(path, seed=seed)
    if state is None:
        return 0
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


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
