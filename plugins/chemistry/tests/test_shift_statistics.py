import numpy as np
import pytest

from treewright_chemistry.environments import RADII
from treewright_chemistry.shift_statistics import SHRINKAGE, index_environments, leave_one_out, summarise

# Three atoms in three molecules share the environment at radius 0; the first two share radius 1 as well.
IDENTIFIERS = np.array([[1, 10, 100], [1, 10, 101], [1, 11, 102]], dtype=np.uint64).repeat([1, 1, 4], axis=1)
PRIOR = np.full(3, 50.0)


def index():
    return index_environments(IDENTIFIERS, np.arange(3))


def test_a_prediction_leaves_its_own_molecule_out():
    values = np.array([10.0, 20.0, 30.0])
    estimate = leave_one_out(index(), values, np.ones(3), PRIOR)
    root = (20.0 + 30.0 + SHRINKAGE * 50.0) / (2 + SHRINKAGE)
    assert estimate.mean[0] == pytest.approx((20.0 + SHRINKAGE * root) / (1 + SHRINKAGE))
    assert estimate.radius.tolist() == [1, 1, 0]
    assert estimate.count.tolist() == [1.0, 1.0, 2.0]


def test_molecules_of_one_constitution_are_left_out_together():
    shared = index_environments(IDENTIFIERS, np.array([7, 7, 8]))
    estimate = leave_one_out(shared, np.array([10.0, 20.0, 30.0]), np.ones(3), PRIOR)
    assert estimate.radius.tolist() == [0, 0, 0]
    assert estimate.count.tolist() == [1.0, 1.0, 2.0]


def test_unweighted_values_do_not_count():
    estimate = leave_one_out(index(), np.array([10.0, 999.0, 30.0]), np.array([1.0, 0.0, 1.0]), PRIOR)
    assert estimate.mean[0] == pytest.approx((30.0 + SHRINKAGE * 50.0) / (1 + SHRINKAGE))


def test_radii_can_be_limited():
    estimate = leave_one_out(index(), np.array([10.0, 20.0, 30.0]), np.ones(3), PRIOR, radii=1)
    assert estimate.radius.tolist() == [0, 0, 0]


def test_summary_shrinks_to_the_smaller_environment():
    levels = summarise(index(), np.array([10.0, 20.0, 30.0]), np.ones(3), PRIOR)
    root = (60.0 + SHRINKAGE * 50.0) / (3 + SHRINKAGE)
    first = (30.0 + SHRINKAGE * root) / (2 + SHRINKAGE)
    assert len(levels) == RADII
    assert levels[0].mean.tolist() == pytest.approx([root])
    assert levels[1].mean[0] == pytest.approx(first)
    assert levels[1].count.tolist() == [2.0, 1.0]
    assert levels[1].deviation[0] == pytest.approx((abs(10.0 - first) + abs(20.0 - first)) / 2)
