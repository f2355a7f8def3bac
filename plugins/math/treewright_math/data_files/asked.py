"""What a row asks: a text, or the last message of the user in a chat."""

from collections.abc import Mapping
from typing import Any

from treewright_math.data_files.fields import PROBLEM, first_of, text_of
from treewright_math.data_files.texts import is_chat, said_last

_PROMPTS = (*PROBLEM, "instruction", "query", "messages")


def asked(fields: Mapping[str, Any]) -> str:
    """The question of a row.

    Raises:
        RowFault: there is none.
    """
    value = first_of(fields, _PROMPTS)
    said = said_last(value, "user") if is_chat(value) else None
    return said if said and said.strip() else text_of(fields, _PROMPTS)
