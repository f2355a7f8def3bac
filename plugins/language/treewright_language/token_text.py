"""Text as tokens and back: prompts, steps, and where a step may end.

Text alone does not determine the tokens that were drawn; so a step of this vocabulary keeps its own
(``Step.encoding``), and only steps of others are tokenised, each by itself.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from treewright_language.checkpoints import vocabulary_fingerprint
from treewright_language.conversation import Message
from treewright_registry import CallFailed, Step, as_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ids: TypeAlias = tuple[int, ...]

_KEPT_PROMPTS = 4096
_CONTEXT = 8  # tokens before a step: enough to tell how its first token is written in their company
_HALF_A_CHARACTER = "\ufffd"
_PLAINLY = {"add_special_tokens": False, "verbose": False}
_FIRST_MARK = 0xF0000  # of the private planes: characters that mean nothing


class TokenText:
    """A tokenizer as the policy needs it.

    Args:
        tokenizer: of the model.
        end_ids: further tokens that end an answer, beside the tokenizer's own.
        delimiter: ends a step; ``None`` if steps end otherwise.

    Attributes:
        vocabulary: its fingerprint, see ``Encoding``.
        size: number of tokens; ids are 0 … size − 1.
        ends: tokens that end an answer; the first is appended to given answers that end without one.
        may_complete: for each id, whether the token may complete the delimiter.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", end_ids: Sequence[int], delimiter: str | None) -> None:
        self._tokenizer: Any = tokenizer
        self.vocabulary = vocabulary_fingerprint(tokenizer)
        self.size = max(tokenizer.get_vocab().values()) + 1
        own = tokenizer.eos_token_id
        self.ends: Ids = tuple(dict.fromkeys([own, *end_ids] if isinstance(own, int) else end_ids))
        self.delimiter = delimiter
        self.may_complete = self._completing()
        added = tokenizer.added_tokens_decoder.values()
        self._control = tuple(token.content for token in added if token.special and token.content)
        self._prompts: OrderedDict[tuple[Any, ...], Ids] = OrderedDict()

    def prompt(self, messages: Sequence[Message]) -> Ids:
        """The conversation as tokens, up to where the assistant begins to write.

        Written by the tokenizer's chat template. Without one: the messages' texts, each followed by an
        empty line, after the tokenizer's own beginning-of-text token if it has one.

        Raises:
            CallFailed: a message holds an image, or the template refuses the conversation.
        """
        name = tuple((message["role"], message["content"]) for message in messages)
        if any(not isinstance(content, str) for _, content in name):
            raise CallFailed("the prompt holds an image, which this model cannot read; use a policy that can")
        known = self._prompts.get(name)
        if known is None:
            known = self._prompts[name] = self._written(messages)
            if len(self._prompts) > _KEPT_PROMPTS:
                self._prompts.popitem(last=False)
        return known

    def step(self, step: Step, *, last: bool = False) -> Ids:
        """A step's tokens: as drawn if they are of this vocabulary, else those of its text.

        Where something follows the step, an end-of-answer token at its end is left out (a wrapper went
        on behind a finished answer). As the last step (``last``) a complete answer has one: its own, or
        the first of ``ends``.
        """
        encoding = step.encoding
        if encoding is not None and encoding.vocabulary == self.vocabulary:
            ids = encoding.ids
            return ids if last or not ids or ids[-1] not in self.ends else ids[:-1]
        found = self._as_text(as_text(step.content))
        return (*found, self.ends[0]) if last and step.finish == "stop" and self.ends else found

    def text(self, ids: Sequence[int], before: Sequence[int], *, last: bool = True) -> str:
        """What ``ids`` write after ``before``; an end-of-answer token at the end writes nothing.

        A character whose first bytes end ``before`` is written here. One whose first bytes end ``ids`` is
        left to what follows, unless nothing does (``last``): so the texts of steps join to that of all tokens.
        """
        written = list(ids[:-1] if ids and ids[-1] in self.ends else ids)
        context = self._context(before)
        start, whole = self._decode(context).rstrip(_HALF_A_CHARACTER), self._decode([*context, *written])
        # some tokenizers write a token otherwise at the beginning of a text than after others
        text = whole[len(start) :] if whole.startswith(start) else self._decode(written)
        return text if last else text.rstrip(_HALF_A_CHARACTER)

    def completes(self, ids: Sequence[int], before: Sequence[int]) -> bool:
        """Whether the text of ``ids`` holds the delimiter."""
        return self.delimiter is not None and self.delimiter in self.text(ids, before)

    def _context(self, before: Sequence[int]) -> list[int]:
        """The last tokens of ``before``, as many as hold a character that is complete."""
        size = _CONTEXT
        while size < len(before) and not self._decode(before[-size:]).strip(_HALF_A_CHARACTER):
            size *= 2
        return list(before[-size:])

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def _written(self, messages: Sequence[Message]) -> Ids:
        if self._tokenizer.chat_template is None:
            text = "".join(f"{message['content']}\n\n" for message in messages)
            return tuple(self._tokenizer.encode(text, split_special_tokens=True, verbose=False))
        mask = _Mask(self._control, "".join(message["content"] for message in messages))
        covered = [{**message, "content": mask.covered(message["content"])} for message in messages]
        try:
            text = self._tokenizer.apply_chat_template(covered, add_generation_prompt=True, tokenize=False)
        except Exception as error:  # templates are programs and raise what they like
            raise CallFailed(f"the chat template refuses the conversation: {error}") from error
        return tuple(
            token
            for piece, plain in mask.pieces(text)
            for token in (self._as_text(piece) if plain else self._tokenizer.encode(piece, **_PLAINLY))
        )

    def _as_text(self, text: str) -> Ids:
        """A text's tokens; what looks like a control token in it is text like any other."""
        return tuple(self._tokenizer.encode(text, split_special_tokens=True, **_PLAINLY))

    def _pieces(self) -> list[str]:
        """What each token writes, alone and behind another one: some decoders drop a blank at the beginning."""
        options = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
        first = self._tokenizer.encode("a", add_special_tokens=False)[-1:]
        start = self._decode(first)
        alone = self._tokenizer.batch_decode([[number] for number in range(self.size)], **options)
        behind = self._tokenizer.batch_decode([[*first, number] for number in range(self.size)], **options)
        return [
            one + (other[len(start) :] if other.startswith(start) else "")
            for one, other in zip(alone, behind, strict=True)
        ]

    def _completing(self) -> npt.NDArray[np.bool_]:
        table = np.zeros(self.size, dtype=bool)
        if self.delimiter is not None:
            last = self.delimiter[-1]
            # bytes of a character cut in two may complete it
            halves = _HALF_A_CHARACTER if last > "\x7f" else last
            table[:] = [last in piece or halves in piece for piece in self._pieces()]
        return table


class _Mask:
    """Covers the names of control tokens within messages while the chat template writes the conversation.

    Args:
        control: the names.
        text: all messages; the characters that stand for names are chosen so that they do not occur in it.
    """

    def __init__(self, control: Sequence[str], text: str) -> None:
        found = sorted((name for name in control if name in text), key=len, reverse=True)
        marks = (mark for mark in map(chr, range(_FIRST_MARK, 0x110000)) if mark not in text)
        self._marks = dict(zip(found, marks, strict=False))

    def covered(self, text: str) -> str:
        """The text with a mark in the place of each name."""
        for name, mark in self._marks.items():
            text = text.replace(name, mark)
        return text

    def pieces(self, text: str) -> Iterator[tuple[str, bool]]:
        """The conversation piece by piece, and whether a piece is a name that was covered."""
        if not self._marks:
            yield text, False
            return
        names = {mark: name for name, mark in self._marks.items()}
        for piece in re.split(f"([{''.join(names)}])", text):
            if piece:
                yield names.get(piece, piece), piece in names
