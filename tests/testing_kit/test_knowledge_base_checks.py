"""Checks of knowledge bases, and what is said where a plugin's data are missing."""

import pytest

from tests.testing_kit.parts import CHECKS, GoodTask, subject
from treewright.testing import perform
from treewright.testing.knowledge_base_checks import CHECKS as KNOWLEDGE_CHECKS
from treewright.testing.subjects import knowledge_base_subject
from treewright_knowledge import Description, KnowledgeStore, Record
from treewright_registry import DataError


class Good:
    folder = None

    def build(self, order):
        return {}

    def search(self, folder, query, k):
        with KnowledgeStore.open(folder) as store:
            return store.search([[1.0]], k)[0]

    def shipped(self):
        return self.folder


class CannotBuild(Good):
    build = None


class FindsNothingAnywhere(Good):
    def search(self, folder, query, k):
        return []


class HidesThePlace(Good):
    def search(self, folder, query, k):
        raise DataError("cannot be read")


def outcomes(component):
    subject = knowledge_base_subject("toy/words", component)
    return {check.__name__: perform(check, "knowledge_base", subject) for check in KNOWLEDGE_CHECKS}


def failures(component):
    return [name for name, outcome in outcomes(component).items() if outcome.failure]


def shipping(folder, component):
    KnowledgeStore.build(folder, [Record("a", "b")], None, Description(component=component)).close()
    good = Good()
    good.folder = folder
    return good


def test_a_good_knowledge_base_passes_every_check(tmp_path):
    made = outcomes(shipping(tmp_path / "kb", "toy/words"))
    assert [str(each) for each in made.values() if each.failure or each.skipped] == []


def test_one_that_ships_nothing_is_not_checked_for_it():
    assert outcomes(Good())["check_shipped_store_is_whole"].skipped == "it ships no store"


@pytest.mark.parametrize(
    ("component", "check"),
    [
        (CannotBuild, "check_build_search_and_shipped"),
        (FindsNothingAnywhere, "check_a_folder_that_is_no_store_is_refused"),
        (HidesThePlace, "check_a_folder_that_is_no_store_is_refused"),
    ],
)
def test_a_broken_knowledge_base_fails_exactly_its_check(component, check):
    assert failures(component()) == [check]


def test_a_shipped_store_that_is_damaged_or_of_another_component_fails(tmp_path):
    assert failures(shipping(tmp_path / "other", "toy/else")) == ["check_shipped_store_is_whole"]
    damaged = shipping(tmp_path / "kb", "toy/words")
    (tmp_path / "kb" / "records.jsonl").write_bytes(b"")
    assert failures(damaged) == ["check_shipped_store_is_whole"]
    assert "records.jsonl: truncated" in outcomes(damaged)["check_shipped_store_is_whole"].failure


class WithoutData(GoodTask):
    def problems(self):
        raise DataError("task.path: $ABSENT/file: the environment variable ABSENT is not set\n    set it")


def test_a_task_whose_data_are_missing_is_not_checked_and_says_why():
    made = [perform(check, "task", subject("task", WithoutData())) for check in CHECKS["task"]]
    reason = "its data are not here: task.path: $ABSENT/file: the environment variable ABSENT is not set"
    assert {outcome.skipped for outcome in made} == {reason}
