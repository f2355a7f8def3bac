"""Builds a plugin's components and finds something to ask them: its own problems and answers."""

import functools
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from treewright.configuration import load_pipeline
from treewright.configuration.signature import options_of
from treewright.engine.component_building import build
from treewright.pipeline import ComponentSpec, PipelineSpec, needs_of
from treewright.testing.calling import ask
from treewright.testing.outcomes import NotChecked
from treewright_registry import (
    TO_END,
    ConfigurationError,
    DataError,
    Descriptor,
    Problem,
    ProposeRequest,
    Registry,
    Trajectory,
)

_TASKS = 2
_PROBLEMS = 2  # of each task: the components under check may be slow
_STEPS = 4


class Workbench:
    """Everything that the checks of one plugin need, made when first asked for.

    Attributes:
        descriptors: what the plugin registered.
    """

    def __init__(self, registry: Registry, descriptors: Sequence[Descriptor]) -> None:
        self.registry = registry
        self.descriptors = descriptors
        self._folder = Path(tempfile.mkdtemp(prefix="treewright-check-"))  # for components' blobs
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    @functools.cached_property
    def pipelines(self) -> list[PipelineSpec]:
        """The plugin's pipelines, as far as they load."""
        found = []
        for descriptor in self._of_kind("pipeline"):
            try:
                found.append(load_pipeline(descriptor.name, self.registry).spec)
            except ConfigurationError:  # a check of its own reports it
                continue
        return found

    def specs(self, descriptor: Descriptor) -> list[ComponentSpec]:
        """How the plugin's pipelines configure a component."""
        return [part for pipeline in self.pipelines for part in _parts(pipeline) if _is(part, descriptor)]

    def built(self, descriptor: Descriptor) -> Any:
        """The component, from the first pipeline that uses it or from its defaults.

        Raises:
            NotChecked: it is composite, or cannot be built (a check of its own reports that).
        """
        if needs_of(descriptor.load()):
            raise NotChecked("composite: it needs an engine around it; run a pipeline that uses it")
        spec = next(iter(self.specs(descriptor)), None) or self._by_default(descriptor)
        if spec is None:
            raise NotChecked("it cannot be built without options")
        return self._build(spec)

    def problems(self, descriptor: Descriptor) -> list[Problem]:
        """Problems for a component: of the pipelines that use it, else of the plugin's tasks.

        Raises:
            NotChecked: no task has the data it needs.
        """
        return [problem for problems, _ in self._partners(descriptor) for problem in problems]

    def trajectories(self, descriptor: Descriptor) -> list[Trajectory]:
        """Roots, unfinished and finished trajectories, made by the plugin's own policies.

        Raises:
            NotChecked: no task has the data it needs.
        """
        found: list[Trajectory] = []
        for problems, policies in self._partners(descriptor):
            for problem in problems:
                found.append(Trajectory(problem))
                for policy in self._simple(policies):
                    found += self._rolled(policy, problem)
        return found

    def _partners(self, descriptor: Descriptor) -> list[tuple[list[Problem], list[ComponentSpec]]]:
        """The first problems of tasks, each with the policies that go with them; tasks without data are left out.

        If no task that a component is used with has data, all tasks of the plugin are tried.
        """
        missing = []
        for pairs in (self._pairs(descriptor), self._pairs()):
            found: list[tuple[list[Problem], list[ComponentSpec]]] = []
            for task, policies in pairs:
                if len(found) == _TASKS:
                    break
                try:
                    found.append((self._first(task), policies))
                except DataError as error:
                    missing.append(str(error).splitlines()[0])
            if found or not missing:
                return found
        raise NotChecked(f"no task has its data here: {missing[0]}")

    def _pairs(self, descriptor: Descriptor | None = None) -> list[tuple[ComponentSpec, list[ComponentSpec]]]:
        """Tasks and policies of the pipelines that use a component, of all without one; else each by default."""
        using = [item for item in self.pipelines if descriptor is None or any(_is(p, descriptor) for p in _parts(item))]
        pairs = {}
        for pipeline in using:
            policies = [part for part in pipeline.roles.values() if part.descriptor.kind == "policy"]
            pairs[_key(pipeline.task)] = (pipeline.task, policies)
        if pairs:
            return list(pairs.values())
        tasks = [self._by_default(item) for item in self._of_kind("task")]
        defaults = [self._by_default(item) for item in self._of_kind("policy")]
        policies = [spec for spec in defaults if spec is not None]
        return [(task, policies) for task in tasks if task is not None]

    def _rolled(self, policy: Any, problem: Problem) -> list[Trajectory]:
        """Made once for all components that want them: a policy may take seconds for each."""
        key = (id(policy), id(problem))
        if key not in self._made:
            self._made[key] = _rolled(policy, Trajectory(problem))
        return self._made[key]

    def _simple(self, specs: Sequence[ComponentSpec]) -> list[Any]:
        return [self._build(spec) for spec in specs if not _needs_more(spec.descriptor.load())]

    def _by_default(self, descriptor: Descriptor) -> ComponentSpec | None:
        options = options_of(descriptor.load())
        if any(option.required for option in options.values()):
            return None
        return ComponentSpec(descriptor, {option.name: option.default for option in options.values()})

    def _build(self, spec: ComponentSpec) -> Any:
        key = _key(spec)
        if key not in self._instances:
            self._instances[key] = build(spec, self._folder)
        return self._instances[key]

    @functools.cached_property
    def _instances(self) -> dict[str, Any]:
        return {}

    def _of_kind(self, kind: str) -> Iterator[Descriptor]:
        return (item for item in self.descriptors if item.kind == kind)

    @functools.cached_property
    def _made(self) -> dict[tuple[int, int], list[Trajectory]]:
        return {}

    def _first(self, task: ComponentSpec) -> list[Problem]:
        """The first problems of a task, always the same objects."""
        built = self._build(task)
        if id(built) not in self._problems:
            self._problems[id(built)] = list(islice(iter(built.problems()), _PROBLEMS))
        return self._problems[id(built)]

    @functools.cached_property
    def _problems(self) -> dict[int, list[Problem]]:
        return {}


def _key(spec: ComponentSpec) -> str:
    return repr((spec.name, spec.descriptor.kind, sorted(spec.options.items(), key=lambda item: item[0])))


def _needs_more(component: type[Any]) -> bool:
    """Whether a component cannot be asked on its own: it is composite, or needs something from outside."""
    return bool(needs_of(component) or getattr(component, "needs_outside", None))


def _parts(pipeline: PipelineSpec) -> list[ComponentSpec]:
    return [pipeline.task, pipeline.search, pipeline.aggregator, *pipeline.roles.values()]


def _is(spec: ComponentSpec, descriptor: Descriptor) -> bool:
    return (spec.descriptor.kind, spec.name) == (descriptor.kind, descriptor.name)


def _rolled(policy: Any, root: Trajectory) -> list[Trajectory]:
    """Trajectories that a policy makes from a root: step by step, and to the end at once."""
    made: list[Trajectory] = []
    try:
        [whole] = ask(policy.propose, [ProposeRequest(root, 2, 0, TO_END)])
        made += [root.extend(step) for step in whole.steps]
        current = root
        for seed in range(_STEPS):
            [proposals] = ask(policy.propose, [ProposeRequest(current, 2, seed)])
            children = [current.extend(step) for step in proposals.steps]
            made += children
            if not children or children[0].finished:
                break
            current = children[0]
    except Exception:  # the policy's own checks report what is wrong with it
        return made
    return made
