"""Checks of scorers."""

import math

from treewright.testing.outcomes import Broken, Check
from treewright.testing.subjects import ComponentSubject

LEVELS = ("step", "outcome")
LINKS = ("probability", "logit", "real")


def check_declarations(subject: ComponentSubject) -> None:
    """Rule: a scorer declares level, range (low < high) and link.

    Repair: set the class attributes, e.g. level = "outcome", range = (0.0, 1.0), link = "probability".
    """
    scorer = subject.component
    if getattr(scorer, "level", None) not in LEVELS:
        raise Broken(f"level is {getattr(scorer, 'level', None)!r}; known levels: {', '.join(LEVELS)}")
    if getattr(scorer, "link", None) not in LINKS:
        raise Broken(f"link is {getattr(scorer, 'link', None)!r}; known links: {', '.join(LINKS)}")
    bounds = getattr(scorer, "range", None)
    if not (isinstance(bounds, tuple) and len(bounds) == 2 and bounds[0] < bounds[1]):
        raise Broken(f"range is {bounds!r}")


def check_scores_are_finite(subject: ComponentSubject) -> None:
    """Rule: a score is a finite number, or NaN with a reason.

    Repair: where judging fails, return Score(float("nan"), reason="why").
    """
    for number, score in enumerate(subject.ask(subject.requests)):
        if math.isinf(score.value):
            raise Broken(f"request {number} got {score.value}")
        if math.isnan(score.value) and not score.reason:
            raise Broken(f"request {number} got NaN without a reason")


def check_scores_in_range(subject: ComponentSubject) -> None:
    """Rule: scores lie within the declared range, single steps' scores too.

    Repair: clip or rescale the value, or declare the range that it really has.
    """
    low, high = getattr(subject.component, "range", (-math.inf, math.inf))
    for number, score in enumerate(subject.ask(subject.requests)):
        for value in (score.value, *score.steps):
            if math.isfinite(value) and not low <= value <= high:
                raise Broken(f"request {number} got {value}, outside of [{low}, {high}]")


def check_one_score_per_step(subject: ComponentSubject) -> None:
    """Rule: scores of single steps are as many as the trajectory has steps.

    Repair: fill Score.steps with one value per step, or leave it empty.
    """
    for request, score in zip(subject.requests, subject.ask(subject.requests), strict=False):
        depth = request.trajectory.depth
        if score.steps and len(score.steps) != depth:
            raise Broken(f"a trajectory of {depth} steps got {len(score.steps)} step scores")


CHECKS: tuple[Check, ...] = (
    check_declarations,
    check_scores_are_finite,
    check_scores_in_range,
    check_one_score_per_step,
)
