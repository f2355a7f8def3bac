"""Writes a trained model as an ordinary Hugging Face folder: float16 weights, config, tokenizer."""

import copy
from pathlib import Path
from typing import Any

from treewright_math.embedded_world import tokenizer as tokenizer_files


def export(model: Any, folder: Path) -> None:
    """Write ``config.json``, ``generation_config.json``, ``model.safetensors`` and the tokenizer's files."""
    folder.mkdir(parents=True, exist_ok=True)
    copy.deepcopy(model).half().save_pretrained(folder)
    tokenizer_files.save(folder)


def load_causal(folder: Path) -> tuple[Any, Any]:
    """Model (float32) and plain tokenizer of an exported folder, for figures."""
    import torch
    from tokenizers import Tokenizer
    from transformers import Qwen2ForCausalLM

    model: Any = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))
