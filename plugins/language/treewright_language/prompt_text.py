"""A conversation as one text, for the completions API and for models without a chat template.

The plain layout is every message's text followed by an empty line; what the assistant has written
so far stands at the end as it is::

    the system's instruction

    the user's prompt

    the steps so far
"""

from typing import TYPE_CHECKING

from treewright_language.conversation import Message, opened
from treewright_registry import CallFailed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def plain_text(messages: list[Message]) -> str:
    """The conversation in the plain layout.

    Raises:
        CallFailed: a message holds an image.
    """
    closed, written = opened(messages)
    return "".join(f"{_words(message)}\n\n" for message in closed) + written


def templated_text(messages: list[Message], tokenizer: "PreTrainedTokenizerBase") -> str:
    """The conversation in the tokenizer's chat template, or in the plain layout if it has none.

    Raises:
        CallFailed: a message holds an image, or the template refuses the conversation.
    """
    if not tokenizer.chat_template:
        return plain_text(messages)
    closed, written = opened(messages)
    plain = [{"role": message["role"], "content": _words(message)} for message in closed]
    try:
        text = tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # a template is a program: it may raise anything
        raise CallFailed(f"the chat template refuses the conversation: {error}") from error
    return f"{text}{written}"


def _words(message: Message) -> str:
    content = message["content"]
    if not isinstance(content, str):
        raise CallFailed("the prompt holds an image, which the completions API cannot carry; set  api: chat")
    return content
