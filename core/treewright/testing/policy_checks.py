"""Checks of policies."""

import json
import math

from treewright.testing.outcomes import Broken, Check
from treewright.testing.subjects import ComponentSubject
from treewright_registry import Step, to_json


def check_at_most_n_steps(subject: ComponentSubject) -> None:
    """Rule: a request for n steps gets at most n.

    Repair: cut the list of steps to request.n.
    """
    for request, proposals in zip(subject.requests, subject.ask(subject.requests), strict=False):
        if len(proposals.steps) > request.n:
            raise Broken(f"{request.n} steps were asked for, {len(proposals.steps)} came")


def check_steps_are_well_formed(subject: ComponentSubject) -> None:
    """Rule: a step has JSON content, a log-probability of at most 0, tokens ≥ 0, a known finish.

    Repair: build steps as Step(content, log_probability, tokens, finish) with finish "step", "stop"
    or "length"; where the probability is not known, leave it None.
    """
    for proposals in subject.ask(subject.requests):
        for step in proposals.steps:
            fault = _fault(step)
            if fault:
                raise Broken(f"{step!r}: {fault}")


def _fault(step: Step) -> str | None:
    if not isinstance(step, Step):
        return "is not a Step"
    if step.finish not in ("step", "stop", "length"):
        return f"finish is {step.finish!r}"
    if step.tokens < 0:
        return "tokens is negative"
    likely = step.log_probability
    if likely is not None and not (math.isfinite(likely) and likely <= 1e-6):
        return "log_probability is no number of at most 0"
    return _not_json(step)


def _not_json(step: Step) -> str | None:
    try:
        json.dumps(to_json(step.content), allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"content is no payload: {error}"
    return None


def check_declared_log_probability(subject: ComponentSubject) -> None:
    """Rule: a policy with the capability log_probability gives every step its log-probability.

    Repair: set log_probability on each step, or take the capability away.
    """
    if "log_probability" not in getattr(subject.component, "capabilities", ()):
        return
    for proposals in subject.ask(subject.requests):
        for step in proposals.steps:
            if step.log_probability is None:
                raise Broken(f"the step {step.content!r} has none")


CHECKS: tuple[Check, ...] = (
    check_at_most_n_steps,
    check_steps_are_well_formed,
    check_declared_log_probability,
)
