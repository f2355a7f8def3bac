"""Plugins that observe hear of everything, and cannot harm a run."""

from typing import Any

import pluggy
import pytest

from treewright.run.hook_observer import HookObserver
from treewright.run.observer import Silent
from treewright.run.records import Record
from treewright_registry import hookimpl, hooks


def relay(plugin: object) -> Any:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(plugin)
    return manager.hook


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    @hookimpl
    def treewright_on_event(self, event: str, details: dict[str, Any]) -> None:
        self.heard.append((event, details))


def test_observing_plugin_hears_start_problems_and_end() -> None:
    listener = Listener()
    observer = HookObserver(Silent(), relay(listener))
    observer.started(3, 1)
    observer.finished(Record("a", answer="x", correct=True))
    observer.ended({"n": 3})
    assert [event for event, _ in listener.heard] == ["run_started", "problem_finished", "run_finished"]
    assert listener.heard[0][1] == {"total": 3, "already_done": 1}
    assert listener.heard[1][1]["answer"] == "x"


class Broken:
    @hookimpl
    def treewright_on_event(self, event: str) -> None:
        raise RuntimeError("dashboard is down")


def test_observing_plugin_that_raises_is_reported_once_and_ignored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    observer = HookObserver(Silent(), relay(Broken()))
    observer.started(2, 0)
    observer.finished(Record("a"))
    assert capsys.readouterr().err == ("an observing plugin failed and is ignored: RuntimeError: dashboard is down\n")
