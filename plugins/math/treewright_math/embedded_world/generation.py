"""Plain batched generation with an embedded model, for figures during and after training.

Runs of the engine use a language policy; this is the shortest exact way to the same greedy solutions.
"""

from collections.abc import Sequence
from typing import Any

import torch

from treewright_math.embedded_world.prompts import IM_END, PAD


@torch.inference_mode()
def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str],
    *,
    temperature: float = 0.0,
    samples: int = 1,
    most: int = 176,
    seed: int = 0,
    batch: int = 64,
) -> list[list[str]]:
    """Solutions of each prompt, without the end mark.

    Args:
        model: a causal language model of ``transformers``.
        tokenizer: a ``tokenizers.Tokenizer``.
        prompts: complete prompts.
        temperature: 0 for the likeliest token at each place.
        samples: of each prompt.
        most: tokens of a solution; longer ones are cut.
        seed: of the samples.
        batch: sequences at once.
    """
    torch.manual_seed(seed)
    encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in prompts]
    order = sorted((i for i in range(len(prompts)) for _ in range(samples)), key=lambda i: (len(encoded[i]), i))
    solutions: list[list[str]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        texts = _batch(model, tokenizer, [encoded[i] for i in chosen], temperature, most)
        for index, text in zip(chosen, texts, strict=True):
            solutions[index].append(text)
    return solutions


def _batch(model: Any, tokenizer: Any, rows: list[list[int]], temperature: float, most: int) -> list[str]:
    pad, end = tokenizer.token_to_id(PAD), tokenizer.token_to_id(IM_END)
    longest = max(map(len, rows))
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    made = model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=most, eos_token_id=end, pad_token_id=pad, **sampling
    )
    return [_until(row[longest:].tolist(), end, tokenizer) for row in made]


def _until(ids: list[int], end: int, tokenizer: Any) -> str:
    kept = ids[: ids.index(end)] if end in ids else ids
    text: str = tokenizer.decode(kept, skip_special_tokens=False)
    return text
