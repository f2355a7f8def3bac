"""Which encoder an option means."""

from functools import lru_cache
from pathlib import Path

from treewright_knowledge import SentenceEncoder, TextEncoder
from treewright_math.text_encoder.embedded_encoder import FILE, shared_encoder
from treewright_registry import ConfigurationError


@lru_cache(maxsize=4)
def encoder_named(name: str) -> TextEncoder:
    """The encoder for an option's value, loaded once in a process.

    Args:
        name: ``embedded``; the folder of an embedded encoder of one's own; else a model of sentence-transformers as in
            ``SentenceEncoder``.
    """
    if name == "embedded":
        return shared_encoder()
    if (Path(name) / FILE).is_file():
        return shared_encoder(name)
    try:
        return SentenceEncoder(name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}\n    or take the one that comes with the plugin: embedded") from error
