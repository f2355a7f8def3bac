"""What a recipe is: everything that has to be known to read one vendor's reward model, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from treewright_math.reward_readers.aggregation import Aggregation
from treewright_math.step_splitting import Piece

if TYPE_CHECKING:
    from treewright_math.reward_readers.vocabulary import Vocabulary

Measure: TypeAlias = Callable[[Any], Any]
"""From the head's numbers at the read positions, a float tensor (reads, classes), to scores (reads,)."""


class Answer(NamedTuple):
    """What is to be judged.

    Attributes:
        problem: the problem's text.
        steps: the texts of the trajectory's steps, as they are.
        pieces: the same as reasoning steps; at least one.
        mark: what is written behind each reasoning step, where the recipe lets that be chosen.
    """

    problem: str
    steps: tuple[str, ...]
    pieces: tuple[Piece, ...]
    mark: str = ""


class LaidOut(NamedTuple):
    """An answer as a reward model's input.

    Attributes:
        ids: the tokens.
        reads: positions in ``ids`` whose output is read, ascending, one for each score.
        owners: for each read the trajectory step that it judges.
        start: position of the answer's first token (used where likelihoods are summed).
    """

    ids: tuple[int, ...]
    reads: tuple[int, ...]
    owners: tuple[int, ...]
    start: int = 0


Layout: TypeAlias = "Callable[[Vocabulary, Answer], LaidOut]"


class CannotBeLaidOut(ValueError):
    """This answer has no place in the recipe's format; the text says why. It costs that answer only."""


class VendorToken(NamedTuple):
    """A token that a recipe relies on.

    Attributes:
        text: its text; the tokenizer must make exactly this one token of it (see ``Vocabulary.id_of``).
        id: the id that the vendor's own code has written down, ``None`` where that looks it up too.
        may_lack: whether a tokenizer may have no such token where ids are not checked strictly.
    """

    text: str
    id: int | None = None
    may_lack: bool = False


class Layer(NamedTuple):
    """A linear layer of a head, by the names of its tensors in the vendor's file.

    Attributes:
        weight: name of the weight, shape (outputs, inputs).
        bias: name of the bias.
        outputs: how many numbers it gives; 0 where that is a multiple of the hidden size.
        times_hidden: that multiple.
        bias_optional: whether the file may lack the bias.
    """

    weight: str
    bias: str
    outputs: int = 0
    times_hidden: int = 0
    bias_optional: bool = False

    def width(self, hidden: int) -> int:
        """How many numbers the layer gives on a backbone of this hidden size."""
        return self.outputs or self.times_hidden * hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A small network on top of the backbone: linear layers with ReLU between them.

    Attributes:
        forms: accepted forms, each a tuple of layers; the first one whose weights are all there is taken.
        file: stem of a file beside the backbone (``score_module``), empty where the head lies among its tensors.
        hidden: which of the backbone's hidden states it reads: ``last`` (after the final norm) or ``penultimate``
            (what goes into the last layer).
        likelihoods: how many numbers beside the hidden state the head gets (``likelihood_head``); 0 for none.
    """

    forms: tuple[tuple[Layer, ...], ...]
    file: str = ""
    hidden: Literal["last", "penultimate"] = "last"
    likelihoods: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogits:
    """The language model's own logits of a few tokens.

    Attributes:
        tokens: their texts, in the order of the classes.
    """

    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRatio:
    """How much likelier the answer's tokens are than under a reference model, summed since its beginning.

    Attributes:
        beta: factor.
        single: whether each step gets its own sum instead of the one since the beginning.
    """

    beta: float
    single: bool


Output: TypeAlias = Head | TokenLogits | LogRatio


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one vendor's reward model is read.

    Attributes:
        name: as in the option ``recipe``.
        checkpoints: published models that it reads.
        source: where the format was learnt.
        model_types: transformers' names of the backbones it may have.
        separator: where answers are cut into reasoning steps; ``""`` not at all.
        mark: what is written behind each reasoning step, where that can be chosen: ``""`` writes the separator
            that steps are cut at; ``None`` where the format leaves no choice.
        layout: makes the input.
        output: what is read.
        measure: makes scores of it.
        tokens: tokens that are checked when the tokenizer is loaded.
        range, link: of the scores, as in the scorer's contract.
        level: ``step`` reads one score per reasoning step, ``outcome`` one for the answer.
        aggregation: the vendor's way from steps to the answer (where none is known, the README's table says so).
        threshold: a step below it counts as wrong.
        max_tokens: the longest input that the vendor allows, ``None`` for the backbone's own limit.
        without_reads: the score of an answer without anything to read; ``None`` where there always is something.
    """

    name: str
    checkpoints: tuple[str, ...]
    source: str
    model_types: tuple[str, ...]
    layout: Layout
    output: Output
    measure: Measure
    range: tuple[float, float]
    link: Literal["probability", "logit", "real"]
    aggregation: Aggregation
    threshold: float
    separator: str = "\n\n"
    mark: str | None = None
    tokens: tuple[VendorToken, ...] = ()
    level: Literal["step", "outcome"] = "step"
    max_tokens: int | None = None
    without_reads: float | None = None

    def __post_init__(self) -> None:
        low, high = self.range
        if not low <= self.threshold <= high:
            raise ValueError(f"recipe {self.name}: threshold {self.threshold} is outside of [{low}, {high}]")


Recipes: TypeAlias = Mapping[str, Recipe]
