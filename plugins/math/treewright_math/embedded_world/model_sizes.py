"""The embedded models' architecture: Qwen2, in two sizes, with the tokenizer of the embedded world."""

from typing import Any, NamedTuple

from treewright_registry import ConfigurationError


class Size(NamedTuple):
    """Width, depth, heads and inner width of a Qwen2."""

    hidden: int
    layers: int
    heads: int
    inner: int


SIZES = {"target": Size(128, 6, 4, 352), "draft": Size(80, 3, 5, 216), "tiny": Size(16, 2, 2, 32)}


def configuration(size: Size, vocabulary: int, eos: int, pad: int) -> Any:
    """The ``Qwen2Config``; context 2,048 tokens, embeddings tied."""
    from transformers import Qwen2Config

    return Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=size.hidden,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=eos,
        pad_token_id=pad,
        bos_token_id=None,
    )


def size_of(config: Any) -> Size:
    """The size that a configuration says."""
    return Size(config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.intermediate_size)


def check_size(model: str, config: Any) -> None:
    """See that a model to begin with is of the size that is trained.

    Raises:
        ConfigurationError: it is of another.
    """
    if size_of(config) != SIZES[model]:
        raise ConfigurationError(
            f"the model in  start  has {size_of(config)}; '{model}' has {SIZES[model]}"
            "\n    begin with one of that size, or set  model  to the one that it is"
        )
