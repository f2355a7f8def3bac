"""The training of the encoder as a component; the recipe itself stands in `encoder_training`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from treewright_registry import ConfigurationError


class EncoderTrainer:
    """Trains the molecule-spectrum encoder on a CPU, resumable.

    Args:
        data: the data folder; ``$TREEWRIGHT_DATA`` is expanded.
        seed: of weights, batches, noise and dropout; same seed, same weights.
        steps: of the whole training.
        minutes: stop earlier after so many minutes, to be resumed; None sets no limit.

    Raises:
        ConfigurationError: no steps, or no time.
    """

    free_on_resume: ClassVar[frozenset[str]] = frozenset({"data", "minutes"})

    def __init__(
        self,
        *,
        data: str = "$TREEWRIGHT_DATA",
        seed: int = 0,
        steps: int = 5_500,
        minutes: float | None = None,
    ) -> None:
        if steps < 1 or (minutes is not None and not minutes > 0):
            raise ConfigurationError("steps must be at least 1, and minutes more than 0")
        self._data = data
        self._seed, self._steps, self._minutes = seed, steps, minutes

    def train(self, out: Path, resume: bool) -> Mapping[str, Any]:
        """Write the encoder to ``out``; returns held-out recall, loss, steps and seconds."""
        from treewright_chemistry.data_paths import existing_file
        from treewright_chemistry.encoder_training import TrainingOptions, train
        from treewright_chemistry.nmrshiftdb import FILE

        measured = existing_file(f"{self._data}/{FILE}", "trainer.data")
        out.mkdir(parents=True, exist_ok=True)
        options = TrainingOptions(steps=self._steps, minutes=self._minutes)
        return train(measured.parents[1], out, seed=self._seed, options=options, resume=resume)
