"""Where treequest is installed: the stored trees are still the ones that it grows."""

import pytest

from tests.searches import treequest_trees


def test_stored_trees_and_pulls_are_those_of_the_installed_version() -> None:
    pytest.importorskip("treequest", reason="treequest is not installed; make laws compares with it")
    assert treequest_trees.everything() == treequest_trees.stored()


def test_stored_pulls_are_those_of_the_reference_numbers() -> None:
    pulled = [int(arm) for arm in treequest_trees.stored()["pulls"][1]]
    assert treequest_trees.pulls_until(pulled, 3, 500) == [291, 133, 76]
