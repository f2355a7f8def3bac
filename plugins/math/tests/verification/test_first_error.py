import pytest

from treewright_math.verification.first_error import Graded, best_threshold, f1, figures, first_error
from treewright_math.verification.prm_score import (
    StepCounts,
    clustered,
    counted,
    f1_of_right,
    f1_of_wrong,
    prm_score,
)


@pytest.mark.parametrize(
    ("scores", "threshold", "first"),
    [([0.9, 0.4, 0.1], 0.5, 1), ([0.9, 0.5], 0.5, -1), ([], 0.5, -1), ([-2.0, 3.0], -0.05, 0), ([0.1], 0.0, -1)],
)
def test_the_first_step_below_the_threshold(scores, threshold, first):
    assert first_error(scores, threshold) == first


def test_figures_worked_out_by_hand():
    solutions = [
        Graded(1, [0.9, 0.2, 0.9]),
        Graded(2, [0.9, 0.2, 0.1]),
        Graded(0, None),
        Graded(-1, [0.9, 0.8]),
        Graded(-1, [0.9, 0.3]),
    ]
    found = figures(solutions, 0.5)
    assert found["acc_err"]["value"] == found["first_error_accuracy"]["value"] == 1 / 3
    assert found["acc_cor"]["value"] == 1 / 2
    assert found["f1"]["value"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (5 / 6))
    assert (found["acc_err"]["n"], found["acc_cor"]["n"], found["f1"]["n"]) == (3, 2, 5)
    assert found["f1"]["low"] < found["f1"]["value"] < found["f1"]["high"]


def test_f1_is_zero_rather_than_undefined():
    assert f1(0.0, 0.0) == 0.0
    assert f1(1.0, 0.0) == 0.0


def test_a_set_of_wrong_solutions_has_no_f1():
    assert set(figures([Graded(0, [0.1])], 0.5, "tuned_")) == {"tuned_first_error_accuracy", "tuned_acc_err"}


def test_the_chosen_threshold_is_the_best_there_is():
    solutions = [Graded(1, [5.0, 2.0]), Graded(0, [1.0, 4.0]), Graded(-1, [3.0, 6.0])]
    threshold = best_threshold(solutions)
    assert 2.0 < threshold < 3.0
    assert figures(solutions, threshold)["f1"]["value"] == 1.0
    assert figures(solutions, 0.5)["f1"]["value"] == 0.0  # the default is on another scale


def test_where_all_solutions_are_right_nothing_is_called_wrong():
    right = [Graded(-1, [0.2, 0.9]), Graded(-1, [0.4])]
    assert best_threshold(right) == 0.2
    assert best_threshold([Graded(0, [0.2, 0.9]), Graded(0, [0.4])]) > 0.4


def test_without_scores_the_threshold_is_a_half():
    assert best_threshold([Graded(0, None)]) == 0.5


def test_step_counts_and_prm_score_by_hand():
    counts = counted((1, 2), [0.9, 0.2, 0.8, 0.1], 0.5)
    assert counts == StepCounts(1, 1, 1, 1)
    assert f1_of_right(counts) == f1_of_wrong(counts) == prm_score(counts) == 0.5
    assert prm_score(StepCounts(10, 0, 0, 5)) == 1.0
    assert prm_score(StepCounts(10, 0, 5, 0)) == pytest.approx((20 / 25) / 2)  # all called right
    assert prm_score(StepCounts()) == 0.0


def test_the_interval_over_solutions_has_no_width_where_all_are_alike():
    alike = clustered(prm_score, [StepCounts(1, 1, 1, 1)] * 20)
    assert (alike["low"], alike["value"], alike["high"], alike["n"]) == (0.5, 0.5, 0.5, 80)
    mixed = clustered(prm_score, [StepCounts(2, 0, 0, 2), StepCounts(0, 2, 2, 0)] * 20)
    assert mixed["low"] < 0.5 < mixed["high"]
