"""``treewright train chemistry/shifts``: the shift recipe as a trainer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from treewright_registry import ConfigurationError


class ShiftTrainer:
    """Trains the shift tables by EM, the table of common environments and the graph network.

    Args:
        data: the data folder; ``$TREEWRIGHT_DATA`` is expanded.
        seed: of the network's weights and batches.
        rounds: of expectation and maximisation.
        epochs: of the network; None for the recipe's own number, 0 leaves the network out.

    Raises:
        ConfigurationError: no rounds, or fewer than no epochs.
    """

    free_on_resume: ClassVar[frozenset[str]] = frozenset({"data"})

    def __init__(
        self, *, data: str = "$TREEWRIGHT_DATA", seed: int = 0, rounds: int = 5, epochs: int | None = None
    ) -> None:
        if rounds < 1 or (epochs is not None and epochs < 0):
            raise ConfigurationError("rounds must be at least 1, and epochs must not be negative")
        self._data = data
        self._seed = seed
        self._rounds = rounds
        self._epochs = epochs

    def train(self, out: Path, resume: bool) -> Mapping[str, Any]:
        """Write the tables to ``out``; returns training and held-out errors in ppm."""
        from treewright_chemistry.data_paths import existing_file
        from treewright_chemistry.nmrshiftdb import FILE
        from treewright_chemistry.shift_recipe import DEFAULT_EPOCHS, train

        measured = existing_file(f"{self._data}/{FILE}", "trainer.data")
        out.mkdir(parents=True, exist_ok=True)
        epochs = DEFAULT_EPOCHS if self._epochs is None else self._epochs
        return train(measured.parents[1], out, self._seed, rounds=self._rounds, epochs=epochs, resume=resume)
