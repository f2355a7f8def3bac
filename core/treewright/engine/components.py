"""Put each component of a pipeline behind the right port."""

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from treewright.engine.component_building import build
from treewright.engine.endpoint import EndpointPort
from treewright.engine.env import Composite
from treewright.engine.invoke import METHODS, invoke
from treewright.engine.killable import KillableWorker
from treewright.engine.ports import InlinePort, Port, ThreadedPort
from treewright.pipeline import ComponentSpec, PipelineSpec, bind_roles, needs_of
from treewright_registry import ConfigurationError


def build_roles(pipeline: PipelineSpec, blobs: Path | None = None) -> dict[str, Port | Composite]:
    """Role → port, or composite component, for every role of the pipeline."""
    built: dict[str, Port | Composite] = {}
    for role, spec in pipeline.roles.items():
        built[role] = _place(role, spec, pipeline.roles, blobs)
    return built


def journalled_roles(pipeline: PipelineSpec) -> frozenset[str]:
    """Roles whose answers are worth keeping in the journal.

    A component class says so in ``journalled``; by default these are asynchronous and expensive
    components. A composite has no answers of its own: those of its inner calls are kept.
    """
    return frozenset(role for role, spec in pipeline.roles.items() if _journalled(spec))


def _journalled(spec: ComponentSpec) -> bool:
    cls = spec.descriptor.load()
    if needs_of(cls, spec.options):
        return False
    declared: bool | None = getattr(cls, "journalled", None)
    if declared is not None:
        return declared
    method = getattr(cls, METHODS[spec.descriptor.kind][0], None)
    return inspect.iscoroutinefunction(method) or bool(getattr(cls, "expensive", False))


def _place(role: str, spec: ComponentSpec, roles: Mapping[str, ComponentSpec], blobs: Path | None) -> Port | Composite:
    cls = spec.descriptor.load()
    needs = needs_of(cls, spec.options)
    if needs:
        return Composite(role, build(spec, blobs), bind_roles(needs, spec.roles, roles))
    method = METHODS[spec.descriptor.kind][0]
    if inspect.iscoroutinefunction(getattr(cls, method, None)):
        return EndpointPort(role, build(spec, blobs), spec.call)
    if spec.call.deadline is not None:
        worker = KillableWorker(spec, spec.call.deadline, blobs)
        return ThreadedPort(role, _declared(spec, cls), spec.call, worker.run, worker.stop)
    component = build(spec, blobs)
    if getattr(component, "expensive", False):
        return ThreadedPort(role, component, spec.call, partial(invoke, component))
    return InlinePort(role, component, spec.call)


def _declared(spec: ComponentSpec, cls: type[Any]) -> Any:
    """What stands here for a component that lives in another process: its class's declarations."""
    if spec.descriptor.kind == "scorer" and not hasattr(cls, "range"):
        raise ConfigurationError(
            f"{spec.name} sets its range when it is built; with a deadline it must be a class attribute"
        )
    return cls
