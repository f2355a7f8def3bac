"""A pipeline as data: which component fills which role, with which options and limits.

The configuration makes it from YAML; the engine builds components from it, also in worker
processes. It knows nothing of YAML and nothing of running.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from inspect import iscoroutinefunction
from typing import Any, Literal

from treewright_registry import Descriptor, Need

CallStyle = Literal["synchronous", "asynchronous", "composite", "uncalled"]


@dataclass(frozen=True, slots=True)
class CallSettings:
    """How the engine calls a component.

    Attributes:
        batch: most requests in one call of a synchronous component.
        concurrency: most requests in flight at once, for asynchronous components. With several
            processes each has its part of it, and of ``rate``.
        deadline: seconds until a call counts as failed; a synchronous component with a deadline
            runs in a worker process that is killed and replaced. ``None``: no limit.
        retries: further attempts after a failed call of an asynchronous component.
        rate: most requests a minute to an asynchronous component, evenly spaced, retries included.
            ``None``: no limit.
        patience: most seconds that a request waits because its server asked for it (``RetryLater``,
            HTTP 429); after that it has failed.
    """

    batch: int = 64
    concurrency: int = 32
    deadline: float | None = None
    retries: int = 2
    rate: float | None = None
    patience: float = 300.0


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """One component: its descriptor, its options, and how it is called.

    Attributes:
        descriptor: what it is.
        options: keyword arguments of its constructor.
        call: limits.
        roles: for composite components, role of its own → name of a role of the pipeline.
        place: where the configuration names it (``file:line:column``), for messages.
    """

    descriptor: Descriptor
    options: Mapping[str, Any] = field(default_factory=dict)
    call: CallSettings = CallSettings()
    roles: Mapping[str, str] = field(default_factory=dict)
    place: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The registered name, ``plugin/name``."""
        return self.descriptor.name

    def build(self) -> Any:
        """The component itself; this is where heavy libraries load."""
        return self.descriptor.load()(**self.options)


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """A complete pipeline.

    Attributes:
        task, search, aggregator: the three components that every pipeline has.
        roles: role → policy, scorer or retriever, e.g. ``policy``, ``draft``, ``scorer``.
        budget: counter (``candidates``) or role and counter (``target.generated_tokens``) → limit,
            for each problem.
        seed: the run's seed.
        live: how many problems are searched at the same time in one process; it changes no answer.
        source: what the user asked for (pipeline name or file), for messages.
    """

    task: ComponentSpec
    search: ComponentSpec
    aggregator: ComponentSpec
    roles: Mapping[str, ComponentSpec]
    budget: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    live: int = 64
    source: str = ""


#: the call settings that mean something, by how a component is called
SETTINGS: Mapping[CallStyle, tuple[str, ...]] = {
    "synchronous": ("batch", "deadline"),
    "asynchronous": ("concurrency", "deadline", "retries", "rate", "patience"),
    "composite": (),
    "uncalled": (),
}
_CALLED = {"policy": "propose", "scorer": "score", "retriever": "retrieve"}


def call_style(kind: str, component: object, options: Mapping[str, Any]) -> CallStyle:
    """How the engine calls a component (class or instance) of ``kind``.

    Searches, aggregators and tasks are not called through ports; composite components run in place.
    """
    if kind not in _CALLED:
        return "uncalled"
    if needs_of(component, options):
        return "composite"
    return "asynchronous" if iscoroutinefunction(getattr(component, _CALLED[kind], None)) else "synchronous"


_MANY, _FEW = 64, 4


def default_live(roles: Mapping[str, ComponentSpec]) -> int:
    """How many problems to search at once where the configuration does not say.

    Components that run in the engine's own thread gain nothing from many problems at once, and
    those few come to their end earlier. Everything else wants full batches or full pipes.
    """
    return _FEW if all(_runs_inline(spec) for spec in roles.values()) else _MANY


def _runs_inline(spec: ComponentSpec) -> bool:
    component = spec.descriptor.load()
    style = call_style(spec.descriptor.kind, component, spec.options)
    if style == "composite":
        return True  # it asks other roles, and they are looked at too
    elsewhere = spec.call.deadline is not None or getattr(component, "expensive", False)
    asked_for_batches = spec.call.batch not in (1, CallSettings().batch)
    return style == "synchronous" and not elsewhere and not asked_for_batches


def share_of(pipeline: PipelineSpec, workers: int) -> PipelineSpec:
    """The pipeline as one of several processes runs it: with its part of each role's concurrency and rate.

    So a server sees no more of a run with ``--workers N`` than of one without, as long as
    concurrency is at least N.
    """
    if workers <= 1:
        return pipeline
    roles = {role: replace(spec, call=_share(spec.call, workers)) for role, spec in pipeline.roles.items()}
    return replace(pipeline, roles=roles)


def _share(call: CallSettings, workers: int) -> CallSettings:
    rate = None if call.rate is None else call.rate / workers
    return replace(call, concurrency=max(1, call.concurrency // workers), rate=rate)


def needs_of(component: object, options: Mapping[str, Any] | None = None) -> Mapping[str, Need]:
    """The roles that a component (class or instance) declares; empty for simple components.

    A class whose needs depend on its options says so in a static method ``needs_for(options)``.
    """
    needs_for = getattr(component, "needs_for", None)
    if needs_for is not None and options is not None:
        depending: Mapping[str, Need] = needs_for(options)
        return depending
    needs: Mapping[str, Need] = getattr(component, "needs", {})
    return needs


def expected_of(component: object, options: Mapping[str, Any]) -> Mapping[str, Need]:
    """What a pipeline must have for a component (class or instance) that does not call it itself.

    A policy that works with retrieved records says so in a static method ``expects_for(options)``: the search
    retrieves them.
    """
    expects_for = getattr(component, "expects_for", None)
    expected: Mapping[str, Need] = expects_for(options) if expects_for is not None else {}
    return expected


def capabilities_of(component: object, options: Mapping[str, Any] | None = None) -> frozenset[str]:
    """What a component (class or instance) can do: declared, or plain from its methods.

    A class whose capabilities depend on its options says so in a static method
    ``capabilities_for(options)``; its method ``log_likelihood``, if it has one, then proves nothing by itself.
    """
    capabilities_for = getattr(component, "capabilities_for", None)
    if capabilities_for is not None and options is not None:
        capabilities = set(capabilities_for(options))
    else:
        capabilities = set(getattr(component, "capabilities", ()))
    if getattr(component, "level", None) == "step":
        capabilities.add("partial")
    if capabilities_for is None and hasattr(component, "log_likelihood"):
        capabilities.add("log_likelihood")
    return frozenset(capabilities)


def bind_roles(needs: Mapping[str, Need], mapping: Mapping[str, str], available: Mapping[str, Any]) -> dict[str, str]:
    """A component's own role names → the pipeline's roles; optional roles left empty are absent."""
    bound = {own: mapping.get(own, own) for own in needs}
    return {own: role for own, role in bound.items() if role in available}
