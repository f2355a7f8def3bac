"""Every law holds, and its control fails. ``make laws`` writes the same figures, of more draws, into the docs."""

import pytest

from tests.laws.catalogue import all_laws
from tests.laws.law import FAILS, PASSES, Law

LAWS = all_laws()
THOROUGH = [law for law in LAWS if law.thorough > law.draws]


@pytest.mark.parametrize(
    "law", [pytest.param(law, marks=[pytest.mark.slow] if law.slow else [], id=law.name) for law in LAWS]
)
def test_law_holds_and_its_control_fails(law: Law) -> None:
    found, control = law.check(law.draws, law.seed), law.control(law.draws, law.seed)
    assert found.p > PASSES, found
    assert control.p < FAILS, f"the control ({law.control_says}) passes: {control}"


@pytest.mark.slow
@pytest.mark.parametrize("law", THOROUGH, ids=lambda law: law.name)
def test_law_holds_for_many_more_draws_of_another_seed(law: Law) -> None:
    found = law.check(law.thorough, law.seed + 1)
    assert found.p > PASSES, found


def test_laws_have_different_names() -> None:
    assert len({law.name for law in LAWS}) == len(LAWS)
