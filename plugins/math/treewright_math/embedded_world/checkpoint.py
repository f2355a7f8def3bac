"""Training state in one file, replaced in one move: a kill leaves the old checkpoint or the new one."""

import os
from pathlib import Path
from typing import Any

import torch

FILE = "checkpoint.pt"


def save_checkpoint(folder: Path, model: Any, optimizers: list[Any], place: tuple[int, ...]) -> None:
    """Write weights, optimizer states and the place in the data."""
    state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "place": list(place)}
    partial = folder / f"{FILE}.partial"
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / FILE)


def load_checkpoint(folder: Path, model: Any, optimizers: list[Any]) -> tuple[int, ...] | None:
    """Put a saved state back; ``None`` if there is none."""
    if not (folder / FILE).exists():
        return None
    state = torch.load(folder / FILE, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return tuple(int(number) for number in state["place"])
