"""What a run pays for, counted by role."""

from dataclasses import dataclass, field, fields
from typing import NamedTuple


class Usage(NamedTuple):
    """What a component reports beside its result; the engine counts the rest itself.

    Attributes:
        prompt_tokens: tokens read.
        scored_tokens: tokens judged or whose likelihood was computed.
        inner_evaluations: the component's own evaluations behind this result.
        cached_calls: calls answered from the component's cache.
        generated_tokens: tokens written that stand in no returned step: of a sample that is of no use, or of
            a server that scores a text only while it writes on. Those of steps are counted by the engine.
    """

    prompt_tokens: int = 0
    scored_tokens: int = 0
    inner_evaluations: int = 0
    cached_calls: int = 0
    generated_tokens: int = 0


NO_USAGE = Usage()


@dataclass(slots=True)
class Cost:
    """Counters of one role, or a sum of them.

    Attributes:
        calls: requests sent to components (of any kind).
        candidates: steps that policies returned.
        reward_calls: requests to scorers; a scorer that asks another one counts in its role, and the other in its own.
        failed_calls: requests without a usable result.
        prompt_tokens, generated_tokens, scored_tokens: as reported.
        inner_evaluations: components' own evaluations.
        cached_calls: calls answered from a cache or a journal.
        seconds: time spent inside components.
    """

    calls: int = 0
    candidates: int = 0
    reward_calls: int = 0
    failed_calls: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0
    scored_tokens: int = 0
    inner_evaluations: int = 0
    cached_calls: int = 0
    seconds: float = 0.0

    def add(self, other: "Cost") -> None:
        """Add ``other``'s counters to these."""
        for name in COUNTERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_dict(self) -> dict[str, float]:
        """Counter name → value."""
        return {name: getattr(self, name) for name in COUNTERS}


COUNTERS = tuple(item.name for item in fields(Cost))


@dataclass(slots=True)
class Ledger:
    """Costs by role, e.g. ``draft``, ``target``, ``scorer``."""

    roles: dict[str, Cost] = field(default_factory=dict)

    def of(self, role: str) -> Cost:
        """The counters of ``role``, made when first asked for."""
        cost = self.roles.get(role)
        if cost is None:
            cost = self.roles[role] = Cost()
        return cost

    def total(self) -> Cost:
        """The sum over all roles."""
        total = Cost()
        for cost in self.roles.values():
            total.add(cost)
        return total

    def add(self, other: "Ledger") -> None:
        """Add ``other``'s counters, role by role."""
        for role, cost in other.roles.items():
            self.of(role).add(cost)

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Role → counter → value."""
        return {role: cost.as_dict() for role, cost in sorted(self.roles.items())}

    @classmethod
    def from_dict(cls, data: dict[str, dict[str, float]]) -> "Ledger":
        """The ledger that ``as_dict`` wrote."""
        return cls({role: Cost(**counters) for role, counters in data.items()})  # type: ignore[arg-type]
