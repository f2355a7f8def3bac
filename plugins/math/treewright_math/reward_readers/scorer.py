"""Scorer ``math/prm``: any of the reward models in ``catalogue``, read in one pass over all steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from treewright_language.checkpoints import Precision, resolve
from treewright_language.conversation import messages_of
from treewright_language.device_name import check_device
from treewright_math.reward_readers.aggregation import PROBABILITIES_ONLY, Aggregation, aggregated
from treewright_math.reward_readers.catalogue import RECIPES, RecipeName
from treewright_math.step_splitting import per_step
from treewright_registry import (
    Capability,
    ConfigurationError,
    Context,
    ProposeRequest,
    Score,
    ScoreRequest,
    Trajectory,
    Usage,
    as_text,
)

if TYPE_CHECKING:
    from treewright_math.reward_readers.reader import Reading

_NAN = float("nan")
_INF = float("inf")
_FOLDER = "model: takes the folder of a checkpoint, 'package:folder' or a hub name 'owner/model'"
_STEPWISE = frozenset({Capability.PARTIAL, Capability.STEP_SCORES})


class PrmScorer:
    """Judges answers with a process or outcome reward model from a local folder.

    One forward pass reads all steps of an answer. ``Score.steps`` has one value per step of the trajectory: where such
    a step holds several reasoning steps, theirs are combined by the same rule as the answer's value is. An answer that
    has no place in the recipe's format, or is longer than the model reads, gets a failed score with the reason.
    Retrieved records that a search shows the scorer stand before the problem, as for a policy.

    Args:
        model: folder, ``package:folder`` or hub name in the local cache.
        recipe: how the model is read; ``null`` guesses it from the model's name, config and files.
        reference: the reference model; for the recipes of implicit rewards only.
        aggregation: the answer's value from its steps'; ``null`` takes the vendor's way.
        split: where trajectory steps are cut into reasoning steps; ``null`` takes the separator that the model's
            config.json names, or else the recipe's; ``""`` takes each step as it is.
        mark: what is written behind each reasoning step, for the recipes that leave it open (``pure*``, ``trl``);
            ``null`` takes the mark that config.json names, or else the recipe's. ``trl`` writes the separator.
        device: ``auto`` takes an accelerator if there is one.
        dtype: of the backbone; heads compute in float32. ``auto`` is float32 on a CPU.
        batch_tokens: at most so many tokens a forward pass, padding included; 1 reads each answer by itself and
            whole, and its score is then the same to the last bit whatever else is in the batch or was read before.
        max_tokens: longest input; ``null`` takes what recipe and backbone allow.
        strict_ids: whether token ids that the vendor has written down must be this tokenizer's; switch it off for
            models of one's own in a vendor's format. It also lets SPRM's tokenizers lack the thinking tags.
        cache_mib: memory for what was read, in MiB, so that an answer that goes on costs its new tokens only; 0
            keeps nothing. The least recently used goes first.

    Attributes:
        level, range, link: as the recipe says (the class itself promises the least).
        threshold: a step below it counts as wrong, by the recipe.

    Raises:
        ConfigurationError: model, recipe, tokenizer or options do not fit together.
    """

    level: Literal["step", "outcome"] = "outcome"
    range: tuple[float, float] = (-_INF, _INF)
    link: Literal["probability", "logit", "real"] = "real"
    capabilities: frozenset[str] = _STEPWISE
    expensive: ClassVar[bool] = True

    @staticmethod
    def check_options(options: Mapping[str, Any]) -> None:
        """Refuse options out of range, no devices, and folders that are not there or no checkpoints; loads nothing.

        Raises:
            ConfigurationError, ValueError: say which, and what to do.
        """
        given: dict[str, Any] = {**(PrmScorer.__init__.__kwdefaults__ or {}), **options}
        _check_counts(given["batch_tokens"], given["max_tokens"], given["cache_mib"])
        check_device(given["device"])
        for model in (given["model"], given["reference"]):
            place = None if model is None else resolve(model)
            if isinstance(place, Path) and not (place / "config.json").is_file():
                missing = f"there is no config.json in {place.absolute()}"
                raise ConfigurationError(f"model '{model}': {missing}\n    {_FOLDER}")

    @staticmethod
    def capabilities_for(options: Mapping[str, Any]) -> frozenset[str]:
        """Steps and unfinished answers, unless the recipe is one of whole answers."""
        recipe = RECIPES.get(options.get("recipe") or "")
        return frozenset() if recipe is not None and recipe.level == "outcome" else _STEPWISE

    def __init__(
        self,
        *,
        model: str,
        recipe: RecipeName | None = None,
        reference: str | None = None,
        aggregation: Aggregation | None = None,
        split: str | None = None,
        device: str = "auto",
        dtype: Precision = "auto",
        batch_tokens: int = 16384,
        max_tokens: int | None = None,
        strict_ids: bool = True,
        mark: str | None = None,
        cache_mib: int = 512,
    ) -> None:
        _check_counts(batch_tokens, max_tokens, cache_mib)
        from treewright_math.reward_readers.reader import Reader

        self._reader = Reader(
            model,
            RECIPES[recipe] if recipe else None,
            reference=reference,
            device=device,
            dtype=dtype,
            batch_tokens=batch_tokens,
            max_tokens=max_tokens,
            strict_ids=strict_ids,
            mark=mark,
            cache_mib=cache_mib,
        )
        chosen = self._reader.recipe
        self._split = split
        self._rule: Aggregation = aggregation or chosen.aggregation
        self.recipe = chosen.name
        self.level, self.link, self.threshold = chosen.level, chosen.link, chosen.threshold
        self.range = value_range(chosen.range, self._rule, chosen.name)
        self.capabilities = self.capabilities_for({"recipe": chosen.name})

    def self_check(self) -> list[str]:
        """What was loaded, and on which scale it scores."""
        low, high = self.range
        longest = self._reader.max_tokens
        return [
            f"recipe {self.recipe} ({self.level} level), {self._reader.recipe.source}",
            f"scores: {self.link} in [{low:g}, {high:g}]; answers by {self._rule}; wrong below {self.threshold:g}",
            f"reads at most {longest} tokens" if longest else "reads answers of any length",
        ]

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """A score for each request; ``usage.scored_tokens`` counts its input, kept or not."""
        answers = [
            (_problem_text(request), [as_text(step.content) for step in request.trajectory.steps])
            for request in requests
        ]
        readings = self._reader.read(answers, self._split)
        return [self._score(reading, len(steps)) for reading, (_, steps) in zip(readings, answers, strict=True)]

    def _score(self, reading: Reading, depth: int) -> Score:
        if reading.reason is not None:
            return Score(_NAN, reason=reading.reason)
        usage = Usage(scored_tokens=reading.tokens)
        before = self._reader.recipe.without_reads
        if not reading.scores:
            if before is None:
                return Score(_NAN, reason="the reward model found nothing to read", usage=usage)
            return Score(before, (before,) * depth, usage=usage)
        if any(score != score or abs(score) == _INF for score in reading.scores):
            return Score(_NAN, reason=f"the reward model gave {reading.scores}", usage=usage)
        low, high = self._reader.recipe.range  # float32 sums of probabilities may miss 1 by a rounding
        scores = [min(max(score, low), high) for score in reading.scores]
        value = aggregated(scores, self._rule)
        if self.level == "outcome":
            return Score(value, usage=usage)
        steps = per_step(scores, reading.owners, depth, lambda part: aggregated(part, self._rule), before)
        return Score(value, steps, usage=usage)


def _check_counts(batch_tokens: int, max_tokens: int | None, cache_mib: int) -> None:
    if cache_mib < 0:
        raise ValueError(f"cache_mib must be at least 0, not {cache_mib}; 0 keeps nothing")
    if batch_tokens < 1 or (max_tokens is not None and max_tokens < 1):
        raise ValueError(f"batch_tokens and max_tokens must be at least 1, not {batch_tokens} and {max_tokens}")


def _problem_text(request: ScoreRequest) -> str:
    """The problem; where the search shows the scorer retrieved records, behind them as a policy would see it."""
    root = Trajectory(request.trajectory.problem)
    if not request.context.hits:
        return as_text(root.problem.prompt)
    shown = ProposeRequest(root, 1, 0, context=Context(request.context.hits))
    return str(messages_of(shown, "", None, None)[-1]["content"])


def value_range(steps: tuple[float, float], rule: Aggregation, recipe: str) -> tuple[float, float]:
    """Lowest and highest value that a rule makes of steps in a range.

    Raises:
        ConfigurationError: the rule makes no sense for scores below 0.
    """
    low, high = steps
    if rule in PROBABILITIES_ONLY and low < 0:
        raise ConfigurationError(
            f"aggregation '{rule}' needs scores of at least 0; those of recipe '{recipe}' lie in [{low:g}, {high:g}]"
            "\n    use min, mean, last or sum"
        )
    if rule == "sum":
        return (-_INF if low < 0 else low, _INF)
    return steps
