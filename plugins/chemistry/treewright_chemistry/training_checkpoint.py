"""Checkpoints of trainings, to go on from: whole or not there, and of the same seed (needs torch)."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from treewright_chemistry.errors import TableError

__all__ = ["read_checkpoint", "write_checkpoint"]

_REPAIR: Final = "Delete it, or train without --resume"


def write_checkpoint(path: Path, state: Mapping[str, Any], *, seed: int) -> None:
    """Write a checkpoint; one that is cut off leaves the last one as it was."""
    draft = path.with_name(path.name + ".part")
    torch.save({**state, "seed": seed}, draft)
    draft.replace(path)


def read_checkpoint(path: Path, *, seed: int) -> dict[str, Any] | None:
    """The state that was written; ``None`` where there is none.

    Raises:
        TableError: it is damaged, or belongs to another seed; names the file.
    """
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0][:100]
        what = f"the checkpoint is truncated or corrupted ({reason})"
        raise TableError(what, field=str(path), repair=_REPAIR) from error
    made_with = state.get("seed", seed)  # those of earlier versions do not tell
    if made_with != seed:
        what = f"the checkpoint was made with seed {made_with}, not {seed}"
        raise TableError(what, field=str(path), repair=f"Set seed={made_with}, or train without --resume")
    return state
