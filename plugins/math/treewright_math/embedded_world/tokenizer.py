"""The embedded models' tokenizer: bytes, and the words of the embedded world as whole tokens.

A byte-level BPE without merges whose vocabulary holds whole words: a word that is a token is one,
anything else is spelt in bytes (``ignore_merges``, as in Llama 3's tokenizer). So any text makes the
round trip, digits are tokens of their own (the first of a number together with the space before it),
and so is the line end.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from treewright_math.embedded_world.facts import draw_fact
from treewright_math.embedded_world.problem import draw_problem
from treewright_math.embedded_world.prompts import (
    CHAT_TEMPLATE,
    END_OF_TEXT,
    IM_END,
    IM_START,
    PAD,
    STEP_MARK,
    fact_record,
    step_record,
    user_message,
    worked_record,
)
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution

SPECIAL = (END_OF_TEXT, IM_START, IM_END, PAD, STEP_MARK)
PIECES = r" ?[0-9]| ?[A-Za-z]+|\n| ?[^A-Za-z0-9\s]+|\s"
MOST_PROBLEMS = 6000
LONGEST = 2048  # tokens the models take


def build() -> Any:
    """The tokenizer (``tokenizers.Tokenizer``), the same on every machine."""
    from tokenizers import AddedToken, Tokenizer, decoders, models

    vocabulary = {entry: index for index, entry in enumerate(_entries())}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = _splitting()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in SPECIAL])
    return tokenizer


@cache
def _entries() -> tuple[str, ...]:
    """The vocabulary in order: special tokens, bytes, words."""
    from tokenizers import pre_tokenizers

    return (*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *_words(_corpus(), _splitting()))


def _splitting() -> Any:
    from tokenizers import Regex, pre_tokenizers

    by_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PIECES), "isolated"), by_bytes])


def save(folder: Path) -> None:
    """Build the tokenizer and write it."""
    write(build(), folder)


def write(tokenizer: Any, folder: Path) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` with the chat template.

    ``AutoTokenizer`` reads them as they stand in folders of the language models (see ``export``). In that of the
    reward model, a Qwen2 by its config, it does not; ``math/prm`` takes the file by itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": IM_END,
        "pad_token": PAD,
        "additional_special_tokens": [END_OF_TEXT, IM_START, STEP_MARK],
        "clean_up_tokenization_spaces": False,
        "model_max_length": LONGEST,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _corpus() -> Iterable[str]:
    """Texts that show every word: problems told both ways, solutions, records, the frame around them."""
    draw = Random(20260101)
    yield "user\nassistant\nsystem\n"
    for number in range(MOST_PROBLEMS):
        problem = draw_problem(Recipe(facts=0.5, distractors=2), draw, "train")
        records = [
            fact_record(draw_fact(draw, evaluation=False).text),
            worked_record(problem.text, solution(problem)),
            step_record(solution(problem).partition("\n")[0]),
        ]
        yield user_message(problem.text, records) if number % 2 else f"{problem.text}\n{solution(problem)}"


def _words(corpus: Iterable[str], splitting: Any) -> list[str]:
    """All pieces of two or more bytes in alphabetical order, which no change of their frequencies disturbs."""
    return sorted({piece for text in corpus for piece, _ in splitting.pre_tokenize_str(text) if len(piece) > 1})
