"""A tokenizer as recipes see it, and the check that it is the one a recipe was made for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from treewright_math.reward_readers.recipe import CannotBeLaidOut, VendorToken
from treewright_registry import ConfigurationError

Message = dict[str, str]
T = TypeVar("T")

_FORMS: Final = "the checkpoint's own tokenizer files (tokenizer.json, tokenizer_config.json)"


class Vocabulary:
    """Text to tokens, for one recipe.

    Args:
        tokenizer: a transformers tokenizer.
        recipe: the recipe's name, for messages.
        tokens: what the recipe relies on.
        strict: whether ids that a vendor has written down must be the tokenizer's; if not, the tokenizer's count, and
            it may lack tokens that a recipe can do without.

    Raises:
        ConfigurationError: a token is none, or has another id; names recipe, what was expected and what was found.
    """

    def __init__(self, tokenizer: Any, recipe: str, tokens: Sequence[VendorToken] = (), *, strict: bool = True) -> None:
        self.tokenizer = tokenizer
        self.recipe = recipe
        self._controls = tuple(sorted(_control_tokens(tokenizer), key=len, reverse=True))
        self._ids = {token.text: self._checked(token, strict) for token in tokens if strict or not token.may_lack}
        self._remembered: dict[str, Any] = {}

    def id_of(self, text: str) -> int:
        """The id of a token that the recipe declared."""
        return self._ids[text]

    def single(self, text: str) -> int | None:
        """The token that a text is, ``None`` where it is several."""
        ids = self.encode(text)
        return ids[0] if len(ids) == 1 else None

    def remembered(self, name: str, compute: Callable[[Vocabulary], T]) -> T:
        """What ``compute`` makes of this vocabulary, computed once."""
        if name not in self._remembered:
            self._remembered[name] = compute(self)
        found: T = self._remembered[name]
        return found

    @property
    def bos(self) -> str:
        """Text of the token that begins a sequence.

        Raises:
            ConfigurationError: the tokenizer has none.
        """
        if not self.tokenizer.bos_token:
            raise ConfigurationError(
                f"recipe '{self.recipe}' begins its input with the tokenizer's bos token, and this tokenizer has none"
                f"\n    use {_FORMS}"
            )
        return str(self.tokenizer.bos_token)

    def encode(self, text: str, *, begin: bool = False) -> list[int]:
        """Tokens of a text; ``begin`` adds what the tokenizer itself puts around a text."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=begin, verbose=False)["input_ids"]
        return ids

    def encode_with_places(self, text: str) -> tuple[list[int], list[int]]:
        """Tokens of a text, and where in the text each begins (characters)."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return encoded["input_ids"], [start for start, _ in encoded["offset_mapping"]]

    def chat(self, messages: Sequence[Message], *, answer_follows: bool = False) -> str:
        """A conversation as the checkpoint's chat template writes it.

        Raises:
            ConfigurationError: there is no template, or it refuses the conversation.
        """
        if not self.tokenizer.chat_template:
            raise ConfigurationError(
                f"recipe '{self.recipe}' writes a chat, and this tokenizer has no chat template\n    use {_FORMS}"
            )
        try:
            text = self.tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=answer_follows
            )
        except Exception as error:  # a template is a program of its own and may raise anything
            raise ConfigurationError(f"recipe '{self.recipe}': the chat template failed: {error}") from error
        return str(text)

    def refuse_control_tokens(self, text: str, what: str, allowed: Sequence[str] = ()) -> None:
        """See that a text cannot write marks or turns of its own into the input.

        Args:
            text: from a task or a policy.
            what: its name, for the message.
            allowed: control tokens that belong in such a text.

        Raises:
            CannotBeLaidOut: it holds the text of a control token.
        """
        for control in self._controls:
            if control in text and control not in allowed:
                raise CannotBeLaidOut(f"{what} holds the control token {control!r}, which would be read as a mark")

    def _checked(self, token: VendorToken, strict: bool) -> int:
        found = self.encode(token.text)
        expected = "one token" if token.id is None else f"token {token.id}"
        if len(found) == 1 and (token.id in (None, found[0]) or not strict):
            return found[0]
        raise ConfigurationError(
            f"recipe '{self.recipe}' expects {token.text!r} to be {expected}; this tokenizer makes {found} of it"
            f"\n    use {_FORMS}, or another recipe"
        )


def _control_tokens(tokenizer: Any) -> set[str]:
    """Texts that the tokenizer turns into special tokens wherever they stand."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return {text for text in added | set(tokenizer.all_special_tokens) if text.strip()}
