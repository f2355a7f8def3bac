"""Which phases of SPECS the options reach: docs/searches.md says so of the pipeline ``core/specs``."""

import pytest

from tests.engine.every_search import drafting
from tests.engine.toys import pipeline, solve
from treewright.searches.specs import Specs


def written_by_target(**options: object) -> set[bool]:
    spec = pipeline(search=drafting(Specs, n=4, beta=10.0, **options), count=8)
    return {solution.cost["policy"]["candidates"] > 16 for solution in solve(spec).values()}


def test_exact_mode_without_thresholds_never_asks_the_target_for_a_block() -> None:
    assert written_by_target() == {False}  # four drafts for each of four letters, and nothing else


@pytest.mark.parametrize("options", [{"tau_reject": 5.0, "tau_back": 0.3}, {"tau_reject": 7.0}])
def test_thresholds_bring_the_target_in(options: dict[str, float]) -> None:
    assert True in written_by_target(**options)
