"""Writes a trained model as an ordinary Hugging Face folder: float16 weights, config, tokenizer."""

import json
from pathlib import Path
from typing import Any

from treewright_math.embedded_world import tokenizer as tokenizer_files


def export(model: Any, folder: Path) -> None:
    """Write a ``Qwen2ForCausalLM``; its output layer is the embedding and is stored once."""
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    write_folder(folder, model.config, "Qwen2ForCausalLM", tensors)
    ends = {"eos_token_id": model.config.eos_token_id, "pad_token_id": model.config.pad_token_id}
    (folder / "generation_config.json").write_text(json.dumps(ends, indent=2) + "\n", encoding="utf-8")


def write_folder(folder: Path, config: Any, architecture: str, tensors: dict[str, Any], **extra: Any) -> None:
    """Write ``config.json``, ``model.safetensors`` in float16, and the tokenizer's files.

    Args:
        folder: made if it is absent.
        config: a ``Qwen2Config``.
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
    """Model (float32) and plain tokenizer of an exported folder, for figures."""
    from tokenizers import Tokenizer

    from treewright_language.checkpoints import load_causal_lm

    model = load_causal_lm(str(folder), dtype="float32", device="cpu")
    return model, Tokenizer.from_file(str(folder / "tokenizer.json"))
