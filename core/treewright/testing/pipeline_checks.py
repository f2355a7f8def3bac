"""Checks of the pipelines that a plugin ships."""

from dataclasses import dataclass

from treewright.configuration import LoadedPipeline, load_pipeline
from treewright.configuration.complaints import Complaints
from treewright.configuration.sources import read_source
from treewright.testing.outcomes import Broken, Check, NotChecked
from treewright_registry import ConfigurationError, Registry


@dataclass(frozen=True, slots=True)
class PipelineSubject:
    """A named pipeline.

    Attributes:
        name: its full name.
        registry: where it is registered.
    """

    name: str
    registry: Registry


def is_complete(name: str, registry: Registry) -> bool:
    """Whether the pipeline names a task: those without are made to be extended."""
    complaints = Complaints()
    root = read_source(name, registry, complaints)
    return root is None or bool(complaints) or root.get("task") is not None


def load(subject: PipelineSubject, effort: str | None = None) -> LoadedPipeline:
    """The pipeline, complete and checked."""
    return load_pipeline(subject.name, subject.registry, effort=effort)


def check_configuration(subject: PipelineSubject) -> None:
    """Rule: a shipped pipeline passes 'treewright config check', at every effort level.

    Repair: run  treewright config check NAME  and follow what it says.
    """
    if not is_complete(subject.name, subject.registry):
        raise NotChecked("it names no task: a part for other pipelines to extend")
    try:
        for effort in (None, *load(subject).efforts):
            load(subject, effort)
    except ConfigurationError as error:
        raise Broken(str(error)) from error


CHECKS: tuple[Check, ...] = (check_configuration,)
