import numpy as np

from treewright_chemistry.unequal_pairs import separate_pairs

KEYS = np.array([[5, 9, 5, 7, 7, 7]], dtype=np.uint64)


def test_only_pairs_with_a_known_difference_are_parted():
    offsets, keys = separate_pairs(KEYS, np.array([[4.0, 0.0, 4.0, 2.0, 2.0, 2.0]]))
    assert sorted(offsets[0, [0, 2]].tolist()) == [-4.0, 4.0]
    assert offsets[0, [1, 3, 4, 5]].tolist() == [0.0] * 4
    assert keys[0, 0] != keys[0, 2]
    assert keys[0, 3] == keys[0, 4] == keys[0, 5] == 7


def test_nothing_changes_without_differences():
    offsets, keys = separate_pairs(KEYS, np.zeros((1, 6)))
    assert not offsets.any()
    assert np.array_equal(keys, KEYS)
