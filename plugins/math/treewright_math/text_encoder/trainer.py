"""``treewright train math/text-encoder``: trains, judges by held-out records, writes file and figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar


class TextEncoderTrainer:
    """Trains the embedded text encoder on a CPU, resumable.

    Args:
        data: the data folder, with ``math/gsm8k_train.jsonl.gz`` and ``math/math_pool_4500.jsonl.gz``.
        exclude: files of problems to leave out, separated by commas: those that its retrieval is to be judged on.
        seed: same seed, same weights (with the same number of threads).
        steps: batches.
        features: that are known.
        dimension: of the vectors.
        subject_weight: of the term that draws problems of one subject together; 0 uses no labels.
        threads: of torch.
    """

    free_on_resume: ClassVar[frozenset[str]] = frozenset({"data", "threads"})

    def __init__(
        self,
        *,
        data: str = "$TREEWRIGHT_DATA",
        exclude: str = "",
        seed: int = 0,
        steps: int = 4000,
        features: int = 16_384,
        dimension: int = 160,
        subject_weight: float = 0.2,
        threads: int = 1,
    ) -> None:
        if min(steps, features, dimension, threads) < 1 or subject_weight < 0 or seed < 0:
            raise ValueError("steps, features, dimension and threads must be at least 1, seed and weights not negative")
        self._data, self._seed, self._steps, self._threads = data, seed, steps, threads
        self._exclude = exclude
        self._features, self._dimension, self._subject_weight = features, dimension, subject_weight

    def train(self, out: Path, resume: bool) -> Mapping[str, Any]:
        """Write ``text_encoder.safetensors``, and ``text_encoder.json``; returns the measured figures."""
        import torch

        from treewright_math.data_files.places import existing_file
        from treewright_math.text_encoder.embedded_encoder import FILE, EmbeddedTextEncoder, write_encoder
        from treewright_math.text_encoder.encoder_figures import figures_of, write_account
        from treewright_math.text_encoder.training import TrainingOptions, train
        from treewright_math.text_encoder.training_texts import FILES, read_texts, split

        folder = existing_file(f"{self._data}/math/{FILES[0]}", "trainer.data").parents[1]
        out.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(self._threads)
        options = TrainingOptions(
            features=self._features, dimension=self._dimension, steps=self._steps, seed=self._seed,
            subject_weight=self._subject_weight,
        )  # fmt: skip
        kept, held_out = split(read_texts(folder, self._exclude))
        hashes, rows, seconds = train(kept, out, options, resume=resume, log=lambda line: print(line, flush=True))
        write_encoder(out / FILE, hashes, rows)
        figures = figures_of(EmbeddedTextEncoder.load(out / FILE), kept, held_out)
        write_account(out, folder, options, figures, seconds, self._exclude)
        return {**figures, "seconds": seconds, "bytes": (out / FILE).stat().st_size}
