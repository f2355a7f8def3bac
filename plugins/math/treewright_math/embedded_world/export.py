"""Writes a trained model as an ordinary Hugging Face folder: float16 weights, config, tokenizer.

The language models are trained as Qwen2 and written as Llama with biases in attention (``attention_bias``), which
computes the same: Llama's output projection has a bias too, and it is 0 here. For Qwen2, ``AutoTokenizer`` of
transformers 5 puts that architecture's own pre-tokeniser in the place of the one in ``tokenizer.json``, and would ask
these models, whose words are their own, in wrong tokens. For Llama it reads the file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treewright_math.embedded_world import tokenizer as tokenizer_files

_OUTPUT_BIAS = "self_attn.o_proj.bias"
_SHARED = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "max_position_embeddings",
    "initializer_range",
    "rms_norm_eps",
    "rope_parameters",
    "tie_word_embeddings",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
)  # entries of both configurations that mean the same


def export(model: Any, folder: Path) -> None:
    """Write a ``Qwen2ForCausalLM`` as Llama; its output layer is the embedding and is stored once."""
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    write_folder(folder, as_llama(model.config), "LlamaForCausalLM", with_output_biases(tensors))
    ends = {"eos_token_id": model.config.eos_token_id, "pad_token_id": model.config.pad_token_id}
    (folder / "generation_config.json").write_text(json.dumps(ends, indent=2) + "\n", encoding="utf-8")


def as_llama(config: Any) -> Any:
    """The ``LlamaConfig`` that computes what a ``Qwen2Config`` does, given the same weights."""
    from transformers import LlamaConfig

    return LlamaConfig(attention_bias=True, **{name: getattr(config, name) for name in _SHARED})


def as_qwen2(model: Any) -> Any:
    """The ``Qwen2ForCausalLM`` whose export a ``LlamaForCausalLM`` is, e.g. to go on with its training.

    Raises:
        ValueError: an output projection has a bias other than 0, which Qwen2 cannot have.
    """
    from transformers import Qwen2Config, Qwen2ForCausalLM

    weights = model.state_dict()
    biases = [tensor for name, tensor in weights.items() if name.endswith(_OUTPUT_BIAS)]
    if any(bool(bias.any()) for bias in biases):
        raise ValueError("this Llama has biases in its output projections, so it is no Qwen2")
    made: Any = Qwen2ForCausalLM(Qwen2Config(**{name: getattr(model.config, name) for name in _SHARED}))
    made.load_state_dict({name: tensor for name, tensor in weights.items() if not name.endswith(_OUTPUT_BIAS)})
    return made.to(model.dtype).eval()


def with_output_biases(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The weights of a Qwen2, with output projections that add 0."""
    mark = "self_attn.o_proj.weight"
    biases = {
        name.replace(mark, _OUTPUT_BIAS): weight.new_zeros(weight.shape[0])
        for name, weight in tensors.items()
        if name.endswith(mark)
    }
    return {**tensors, **biases}


def write_folder(folder: Path, config: Any, architecture: str, tensors: Mapping[str, Any], **extra: Any) -> None:
    """Write ``config.json``, ``model.safetensors`` in float16, and the tokenizer's files.

    Args:
        folder: made if it is absent.
        config: of transformers.
        architecture: the class that the weights are of.
        tensors: weights by name.
        extra: further entries of ``config.json``.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    entries = config.to_dict() | {"architectures": [architecture], "dtype": "float16", **extra}
    (folder / "config.json").write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    halves = {name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # readable like the other files
    tokenizer_files.save(folder)


def load_causal(folder: Path) -> tuple[Any, Any]:
    """Model (float32, as it was trained: a ``Qwen2ForCausalLM``) and plain tokenizer of an exported folder."""
    from tokenizers import Tokenizer

    from treewright_language.checkpoints import load_causal_lm

    model: Any = load_causal_lm(str(folder), dtype="float32", device="cpu")
    if model.config.model_type == "llama":
        model = as_qwen2(model)
    return model, Tokenizer.from_file(str(folder / "tokenizer.json"))
