"""All checks of one plugin, in order; used by ``treewright plugins check`` and by plugins' own tests."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from treewright.configuration.complaints import hints
from treewright.testing import (
    batch_checks,
    construction_checks,
    knowledge_base_checks,
    pipeline_checks,
    plugin_checks,
    policy_checks,
    retriever_checks,
    scorer_checks,
    subjects,
    task_checks,
)
from treewright.testing.outcomes import Check, Outcome, perform
from treewright.testing.workbench import Workbench
from treewright_registry import Descriptor, Registry, UnknownComponent
from treewright_registry.hooks import ENTRY_POINT_GROUP
from treewright_registry.loader import describe

_BATCHED = {
    "policy": policy_checks.CHECKS,
    "scorer": scorer_checks.CHECKS,
    "retriever": retriever_checks.CHECKS,
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A check that waits to be made.

    Attributes:
        check: the rule.
        label: what it will look at.
        subject: makes what it looks at; called when the check is made.
    """

    check: Check
    label: str
    subject: Callable[[], Any]

    @property
    def id(self) -> str:
        """As in ``Outcome.id``."""
        return f"{self.label}::{self.check.__name__}"

    def run(self) -> Outcome:
        """Make the check."""

        @functools.wraps(self.check)
        def on_demand(make: Callable[[], Any]) -> None:
            self.check(make())

        return perform(on_demand, self.label, self.subject)


def check_plugin(name: str, registry: Registry, *, module: str | None = None) -> Iterator[Outcome]:
    """Make all checks of a plugin.

    Args:
        name: the plugin's name.
        registry: where it is registered.
        module: its entry module, if it is not an installed entry point.

    Raises:
        UnknownComponent: no plugin has that name.
    """
    broken = [failure for failure in registry.failures if failure.plugin == name]
    if broken:
        yield Outcome(f"plugin:{name}::check_loads", failure=describe(broken[0]))
        return
    for planned in plan(name, registry, module=module):
        yield planned.run()


def plan(name: str, registry: Registry, *, module: str | None = None) -> list[Planned]:
    """The checks of a plugin, none of them made yet.

    Raises:
        UnknownComponent: no plugin has that name.
    """
    descriptors = [item for item in registry if item.name.partition("/")[0] == name]
    module = module or _entry_module(name)
    if module is None and not descriptors:
        names = [plugin.name for plugin in registry.plugins]
        raise UnknownComponent("\n    ".join([f"no plugin is named '{name}'", *hints(name, names, "plugins")]))
    planned: list[Planned] = []
    if module is not None:
        whole = subjects.PluginSubject(name, module, descriptors)
        planned += [Planned(check, f"plugin:{name}", lambda: whole) for check in plugin_checks.CHECKS]
    bench = Workbench(registry, descriptors)
    for descriptor in descriptors:
        planned += _of_component(descriptor, bench, registry)
    return planned


def _of_component(descriptor: Descriptor, bench: Workbench, registry: Registry) -> list[Planned]:
    label = f"{descriptor.kind}:{descriptor.name}"
    if descriptor.kind == "pipeline":
        subject = pipeline_checks.PipelineSubject(descriptor.name, registry)
        return [Planned(check, label, lambda: subject) for check in pipeline_checks.CHECKS]

    def construction() -> construction_checks.ConstructionSubject:
        return construction_checks.ConstructionSubject(descriptor, bench.specs(descriptor))

    planned = [Planned(check, label, construction) for check in construction_checks.CHECKS]
    behaviour = functools.cache(functools.partial(_behaving, descriptor, bench))
    return planned + [Planned(check, label, behaviour) for check in _behaviour_checks(descriptor.kind)]


def _behaviour_checks(kind: str) -> Sequence[Check]:
    if kind == "task":
        return task_checks.CHECKS
    if kind == "knowledge_base":
        return knowledge_base_checks.CHECKS
    return (*batch_checks.CHECKS, *_BATCHED[kind]) if kind in _BATCHED else ()


def _behaving(descriptor: Descriptor, bench: Workbench) -> subjects.ComponentSubject:
    component = bench.built(descriptor)
    if descriptor.kind == "policy":
        return subjects.policy_subject(descriptor.name, component, bench.trajectories(descriptor))
    if descriptor.kind == "scorer":
        return subjects.scorer_subject(descriptor.name, component, bench.trajectories(descriptor))
    if descriptor.kind == "retriever":
        return subjects.retriever_subject(descriptor.name, component, bench.problems(descriptor))
    if descriptor.kind == "knowledge_base":
        return subjects.knowledge_base_subject(descriptor.name, component)
    return subjects.task_subject(descriptor.name, component)


def _entry_module(name: str) -> str | None:
    found = list(entry_points(group=ENTRY_POINT_GROUP, name=name))
    return found[0].module if found else None


def contract_checks(name: str) -> Any:
    """A test for pytest that makes every check of an installed plugin, one test case each.

    test_contract = contract_checks("sudoku")
    """
    import pytest

    try:
        planned = plan(name, Registry.load())
    except UnknownComponent as error:
        return _not_installed(str(error))

    @pytest.mark.parametrize("planned", planned, ids=lambda item: item.id)
    def test_contract(planned: Planned) -> None:
        outcome = planned.run()
        if outcome.skipped:
            pytest.skip(outcome.skipped)
        assert outcome.failure is None, str(outcome)

    return test_contract


def _not_installed(reason: str) -> Callable[[], None]:
    def test_contract() -> None:
        raise AssertionError(f"{reason}\n    install the plugin first: pip install -e .")

    return test_contract
