"""Checkpoints of trainings: whole or not there, and of one seed; options of trainers that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from treewright_chemistry.encoder_trainer import EncoderTrainer
from treewright_chemistry.errors import TableError
from treewright_chemistry.shift_trainer import ShiftTrainer
from treewright_registry import ConfigurationError

torch = pytest.importorskip("torch")

from treewright_chemistry.training_checkpoint import read_checkpoint, write_checkpoint  # noqa: E402  # it needs torch


def test_a_checkpoint_is_read_back_and_there_may_be_none(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    assert read_checkpoint(path, seed=3) is None
    write_checkpoint(path, {"step": 7, "weights": torch.arange(3)}, seed=3)
    state = read_checkpoint(path, seed=3)
    assert state is not None
    assert (state["step"], state["weights"].tolist()) == (7, [0, 1, 2])
    assert [each.name for each in tmp_path.iterdir()] == ["a.pt"]


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_named_with_what_to_do(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "a.pt"
    write_checkpoint(path, {"weights": torch.arange(1000)}, seed=0)
    path.write_bytes(path.read_bytes()[:-2000] if damage is None else damage)
    with pytest.raises(
        TableError, match=r"a\.pt: the checkpoint is truncated.*\. Delete it, or train without --resume"
    ):
        read_checkpoint(path, seed=0)


def test_a_checkpoint_of_another_seed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    write_checkpoint(path, {}, seed=1)
    with pytest.raises(TableError, match=r"made with seed 1, not 2\. Set seed=1, or train without --resume"):
        read_checkpoint(path, seed=2)


@pytest.mark.parametrize("options", [{"steps": 0}, {"minutes": 0.0}, {"minutes": float("nan")}])
def test_an_encoder_training_without_steps_or_time_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="steps must be at least 1, and minutes more than 0"):
        EncoderTrainer(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"rounds": 0}, {"epochs": -1}])
def test_a_training_of_tables_without_rounds_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="rounds must be at least 1, and epochs must not be negative"):
        ShiftTrainer(**options)  # type: ignore[arg-type]
