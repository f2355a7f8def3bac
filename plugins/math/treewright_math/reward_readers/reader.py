"""A reward model with its recipe, ready to read answers. Usable without an engine, e.g. in a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from treewright_language.checkpoints import Precision, load_causal_lm, load_tokenizer
from treewright_language.hidden_states import HiddenStates
from treewright_math.reward_readers.checkpoint import check_backbone, folder_of, load_headed, read_config
from treewright_math.reward_readers.guessing import guess, own_word
from treewright_math.reward_readers.one_pass import HeadReader, LikelihoodHeadReader, LogRatioReader, Scored, TokenHead
from treewright_math.reward_readers.recipe import Answer, CannotBeLaidOut, Head, LaidOut, LogRatio, Recipe, TokenLogits
from treewright_math.reward_readers.vocabulary import Vocabulary
from treewright_math.step_splitting import Piece, pieces_of
from treewright_registry import ConfigurationError

_MIB = 1 << 20


class Reading(NamedTuple):
    """What a reward model says of one answer.

    Attributes:
        scores: one for each place that was read: a reasoning step, or a mark.
        owners: the trajectory step that each belongs to, ascending.
        tokens: how many tokens were read.
        reason: why there are no scores; ``None`` where there may be.
    """

    scores: tuple[float, ...] = ()
    owners: tuple[int, ...] = ()
    tokens: int = 0
    reason: str | None = None


class Reader:
    """A reward model and how it is read.

    Args:
        model: folder, ``package:folder`` or hub name in the local cache.
        recipe: how it is read; ``None`` guesses.
        reference: the reference model of implicit rewards.
        device, dtype: as in ``language/transformers``.
        batch_tokens: at most so many tokens a forward pass, padding included.
        max_tokens: longer inputs are refused; ``None`` takes the recipe's and the backbone's limits.
        strict_ids: whether token ids that a vendor has written down must be the tokenizer's.
        mark: what is written behind each reasoning step; ``None`` takes config.json's, or else the recipe's.
        cache_mib: memory for what was read, in MiB; 0 keeps nothing from call to call.

    Raises:
        ConfigurationError: model, recipe and tokenizer do not fit together; says which and what to do.
    """

    def __init__(
        self,
        model: str,
        recipe: Recipe | None = None,
        *,
        reference: str | None = None,
        device: str = "auto",
        dtype: Precision = "auto",
        batch_tokens: int = 16384,
        max_tokens: int | None = None,
        strict_ids: bool = True,
        mark: str | None = None,
        cache_mib: int = 512,
    ) -> None:
        folder = folder_of(model)
        self.recipe = recipe or guess(model, folder)
        config = read_config(folder)
        check_backbone(config, self.recipe, folder)
        tokenizer = load_tokenizer(str(folder))
        self.vocabulary = Vocabulary(tokenizer, self.recipe.name, self.recipe.tokens, strict=strict_ids)
        self.networks = 2 if isinstance(self.recipe.output, LogRatio) else 1
        self.separator = str(own_word(config).get("separator", self.recipe.separator))
        self._mark = self._chosen_mark(own_word(config).get("mark") if mark is None else mark)
        limits = (max_tokens, self.recipe.max_tokens, config.get("max_position_embeddings"))
        self.max_tokens = min(limit for limit in limits if limit) if any(limits) else None
        self._probe()
        # an answer that is read by itself has the same last bits whatever was read before: nothing is kept for it
        self._room = 0 if batch_tokens == 1 else cache_mib * _MIB // self.networks
        self._reader = self._load(folder, reference, device, dtype, batch_tokens)

    def read(self, answers: Sequence[tuple[str, Sequence[str]]], separator: str | None = None) -> list[Reading]:
        """What the model says of each answer.

        Args:
            answers: problem and trajectory steps of each, as text.
            separator: where steps are cut into reasoning steps; ``None`` takes the model's, or else the recipe's.
        """
        cut = self.separator if separator is None else separator
        laid = [self._laid_out(problem, tuple(steps), cut) for problem, steps in answers]
        good = [item for item in laid if isinstance(item, LaidOut)]
        scores = iter(self._reader.read(good))
        return [
            item
            if isinstance(item, Reading)
            else Reading(tuple(next(scores)), item.owners, len(item.ids) * self.networks)
            for item in laid
        ]

    def _laid_out(self, problem: str, steps: tuple[str, ...], separator: str) -> LaidOut | Reading:
        pieces = pieces_of(steps, separator)
        if not pieces:
            return Reading(reason="there is no step to judge")
        try:
            laid = self.recipe.layout(self.vocabulary, Answer(problem, steps, pieces, self._mark_behind(separator)))
        except CannotBeLaidOut as error:
            return Reading(reason=f"recipe {self.recipe.name}: {error}")
        if self.max_tokens and len(laid.ids) > self.max_tokens:
            return Reading(reason=f"the answer has {len(laid.ids)} tokens with its problem; {self.max_tokens} are read")
        return laid

    def _chosen_mark(self, mark: object) -> str | None:
        """The mark that option or config.json ask for, if any."""
        if mark is None or mark == "":
            return self.recipe.mark or None
        if self.recipe.mark is None:
            raise ConfigurationError(
                f"recipe '{self.recipe.name}' fixes what stands behind a step\n    leave out  mark:"
            )
        return str(mark)

    def _mark_behind(self, separator: str) -> str:
        """What is written behind each step of an answer that is cut at ``separator``."""
        return self._mark or separator or self.separator or self.recipe.separator

    def _probe(self) -> None:
        """Lay out an answer now: what is wrong with tokenizer and template shows before the weights are loaded."""
        steps = ("1 + 1 = 2.\n\n", "The answer is 2.")
        pieces = tuple(Piece(step.strip(), owner) for owner, step in enumerate(steps))
        try:
            mark = self._mark_behind(self.separator)
            self.recipe.layout(self.vocabulary, Answer("What is 1 + 1?", steps, pieces, mark))
        except CannotBeLaidOut as error:
            raise ConfigurationError(
                f"recipe '{self.recipe.name}' cannot write its input with this tokenizer: {error}"
                "\n    use the checkpoint's own tokenizer files and chat template"
            ) from error

    def _load(self, folder: Path, reference: str | None, device: str, dtype: Precision, batch_tokens: int) -> Any:
        recipe, output = self.recipe, self.recipe.output
        if reference is not None and not isinstance(output, LogRatio):
            raise ConfigurationError(f"recipe '{recipe.name}' has no reference model\n    leave out  reference:")
        if isinstance(output, Head):
            backbone, head = load_headed(recipe, output, folder, device=device, dtype=dtype)
            kind = LikelihoodHeadReader if output.likelihoods else HeadReader
            return kind(HiddenStates(backbone, self._room), _in_float32(head), recipe.measure, batch_tokens)
        model: Any = load_causal_lm(str(folder), device=device, dtype=dtype)
        mine = self._scored(model)
        if isinstance(output, TokenLogits):
            tokens = [self.vocabulary.id_of(text) for text in output.tokens]
            return HeadReader(mine.backbone, TokenHead(mine.output, tokens), recipe.measure, batch_tokens)
        other = load_causal_lm(self._reference(reference), device=device, dtype=dtype)
        return LogRatioReader(mine, self._scored(other), output, recipe.measure, batch_tokens)

    def _scored(self, model: Any) -> Scored:
        return Scored(HiddenStates(model.base_model, self._room), model.get_output_embeddings())

    def _reference(self, reference: str | None) -> str:
        if reference is None:
            raise ConfigurationError(
                f"recipe '{self.recipe.name}' compares with a reference model"
                "\n    set  reference:  to the model that the reward model was trained from"
            )
        folder = folder_of(reference)
        check_backbone(read_config(folder), self.recipe, folder)
        if (folder / "tokenizer.json").is_file():
            self._check_same_ids(self.vocabulary.tokenizer.get_vocab(), load_tokenizer(str(folder)).get_vocab())
        return str(folder)

    def _check_same_ids(self, mine: Mapping[str, int], theirs: Mapping[str, int]) -> None:
        different = [token for token, number in mine.items() if theirs.get(token, number) != number]
        if different:
            raise ConfigurationError(
                f"recipe '{self.recipe.name}': model and reference number their tokens differently,"
                f" e.g. {different[0]!r}"
                "\n    their probabilities cannot be compared; use the model that the reward model was trained from"
            )


def _in_float32(head: Any) -> Any:
    """The head, fed in float32 whatever the backbone computes in."""
    return lambda hidden: head(hidden.float())
