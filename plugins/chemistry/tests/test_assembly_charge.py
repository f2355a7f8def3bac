"""What the embedded policy charges for a burst."""

from treewright_chemistry.assembly_policy import Assembly
from treewright_registry import Problem, ProposeRequest, Trajectory

BROMOPROPANE = {"formula": "C3H7Br", "c13": "44.7 (1C), 28.4 (2C)", "h1": "4.29 (1H), 1.71 (6H)", "evidence": "exact"}
ALCOHOL = {"formula": "C10H14O", "c13": "150.0, 130.0, 127.0, 115.0, 34.0, 31.0", "evidence": "soft"}


def charged(prompt: object, evaluations: int) -> int:
    request = ProposeRequest(Trajectory(Problem("p", prompt, {})), 4, seed=3)
    [proposals] = Assembly(evaluations=evaluations).propose([request])
    return proposals.usage.inner_evaluations


def test_formula_of_two_isomers_still_spends_a_budget() -> None:
    assert 100 <= charged(BROMOPROPANE, 250) <= 250


def test_formula_with_many_isomers_is_charged_by_candidates_alone() -> None:
    assert charged(ALCOHOL, 60) == 60
