"""Each check of components fails for the component that breaks its rule, and for no other."""

import inspect

import pytest

from tests.testing_kit.broken_components import BROKEN
from tests.testing_kit.parts import CHECKS, GOOD, subject
from treewright.testing import Outcome, batch_checks, perform


def failures(kind, component_class):
    # a fresh component for each check: some breakages count their calls
    outcomes = [perform(check, kind, subject(kind, component_class())) for check in CHECKS[kind]]
    return [outcome.id.partition("::")[2] for outcome in outcomes if outcome.failure]


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_component_passes_every_check(kind):
    outcomes = [perform(check, kind, subject(kind, GOOD[kind]())) for check in CHECKS[kind]]
    assert [str(outcome) for outcome in outcomes if outcome.failure or outcome.skipped] == []


@pytest.mark.parametrize(("kind", "check"), BROKEN, ids=lambda part: part)
def test_a_broken_component_fails_exactly_its_check(kind, check):
    assert failures(kind, BROKEN[kind, check]) == [check]


def test_no_check_lacks_a_component_that_breaks_it():
    known = {check.__name__ for checks in CHECKS.values() for check in checks}
    assert known == {check for _, check in BROKEN}


@pytest.mark.parametrize("check", {check for checks in CHECKS.values() for check in checks})
def test_every_check_states_rule_and_repair(check):
    text = inspect.getdoc(check)
    assert text.startswith("Rule: ") and "\nRepair: " in text


def test_a_failure_is_told_with_rule_and_repair():
    broken = BROKEN["scorer", "check_empty_batch"]
    outcome = perform(batch_checks.check_empty_batch, "scorer:toy/x", subject("scorer", broken()))
    assert str(outcome) == (
        "FAILED   scorer:toy/x::check_empty_batch\n"
        "    an empty batch gave 1 results\n"
        "    Rule: no requests, no results.\n"
        "    Repair: return an empty list when the list of requests is empty."
    )


def test_a_component_that_raises_fails_its_check_with_the_cause():
    class Raises(GOOD["scorer"]):
        def score(self, requests):
            raise RuntimeError("no model")

    outcome = perform(batch_checks.check_empty_batch, "s", subject("scorer", Raises()))
    assert outcome.failure == "raised RuntimeError: no model"


def test_an_asynchronous_component_is_awaited():
    class Waits(GOOD["scorer"]):
        async def score(self, requests):
            return super().score(requests)

    outcomes = [perform(check, "s", subject("scorer", Waits())) for check in CHECKS["scorer"]]
    assert [outcome for outcome in outcomes if outcome.failure] == []


def test_a_component_that_nothing_can_be_asked_is_skipped_with_the_reason():
    nothing = subject("policy", GOOD["policy"]())
    nothing.requests = ()
    outcome = perform(batch_checks.check_one_result_per_request, "p", nothing)
    assert outcome == Outcome(
        "p::check_one_result_per_request",
        skipped="no task of the plugin gives two requests to ask it with",
        rule=outcome.rule,
    )
