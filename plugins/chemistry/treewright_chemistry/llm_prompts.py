"""The prompts of the policy ``chemistry/llm``: text files with ``$names``, filled in one pass.

What is filled in is never read as a template again, so no answer of a model, no record and no
SMILES can place a field of its own. A paragraph whose field is empty disappears.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from string import Template
from typing import Final, Literal

PromptName = Literal["draft", "critique", "rewrite", "repair"]

_BLANK_LINES: Final = re.compile(r"\n{3,}")
_FOLDER: Final = "prompts"


def filled(name: PromptName, **fields: str) -> str:
    """The prompt ``prompts/NAME.txt`` with its fields.

    Raises:
        KeyError: the file has a field that was not given.
    """
    return _BLANK_LINES.sub("\n\n", _template(name).substitute(fields)).strip()


@cache
def _template(name: PromptName) -> Template:
    return Template(resources.files(__package__).joinpath(_FOLDER, f"{name}.txt").read_text(encoding="utf-8"))
