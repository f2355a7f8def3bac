"""Checks of knowledge bases."""

from pathlib import Path

from treewright.testing.outcomes import Broken, Check, NotChecked
from treewright.testing.subjects import ComponentSubject
from treewright_registry import DataError, KnowledgeBase


def check_build_search_and_shipped(subject: ComponentSubject) -> None:
    """Rule: a knowledge base can build, search and name the store that comes with it.

    Repair: write the methods build(order), search(folder, query, k) and shipped().
    """
    missing = [name for name in ("build", "search", "shipped") if not callable(getattr(subject.component, name, None))]
    if missing or not isinstance(subject.component, KnowledgeBase):
        raise Broken(f"it has no method {missing[0]}()")


def check_shipped_store_is_whole(subject: ComponentSubject) -> None:
    """Rule: the store that comes with a plugin opens, and names the component that searches it.

    Repair: build it with ``treewright kb build``, and see that all its files are in the wheel.
    """
    from treewright_knowledge import KnowledgeStore

    folder = subject.component.shipped()
    if folder is None:
        raise NotChecked("it ships no store")
    try:
        with KnowledgeStore.open(folder) as store:
            named = store.manifest.description.component
    except DataError as error:
        raise Broken(str(error)) from error
    if named != subject.name:
        raise Broken(f"the manifest in {folder} names '{named}'")


def check_a_folder_that_is_no_store_is_refused(subject: ComponentSubject) -> None:
    """Rule: searching a folder that is no knowledge base raises DataError, which names the folder.

    Repair: open it with KnowledgeStore.open(folder), which says what is wrong.
    """
    folder = Path("no-such-knowledge-base")
    try:
        subject.component.search(folder, "query", 1)
    except DataError as error:
        if folder.name not in str(error):
            raise Broken(f"the error does not name the folder: {error}") from error
        return
    raise Broken("no error is raised")


CHECKS: tuple[Check, ...] = (
    check_build_search_and_shipped,
    check_shipped_store_is_whole,
    check_a_folder_that_is_no_store_is_refused,
)
