"""Are all roles filled, by components that can do what is asked? Looks at classes only."""

from typing import Any

from treewright.configuration.complaints import Complaints, nearest
from treewright.configuration.document import Document, path_of
from treewright.configuration.nodes import Place
from treewright.configuration.unused_roles import check_unused, used_roles
from treewright.pipeline import ComponentSpec, capabilities_of, expected_of, needs_of
from treewright_registry import Need, Registry

_PLURALS = {"policy": "policies"}


def check_requirements(document: Document, registry: Registry, complaints: Complaints) -> list[str]:
    """Complain of every role that a component needs and the pipeline does not provide.

    Returns notes: what is odd and does not keep the pipeline from running.
    """
    users: dict[str, ComponentSpec | None] = {"search": document.search, "aggregator": document.aggregator}
    for role, filling in document.roles.items():
        users[path_of(document.kinds[role], role)] = filling
    checker = _Checker(document, registry, complaints, frozenset(used_roles(document, users).values()))
    for path, spec in users.items():
        if spec is not None:
            checker.check(path, spec)
    if document.search is not None:
        _check_budget(document, document.search, complaints)
    return check_unused(document, users, complaints)


def _check_budget(document: Document, search: ComponentSpec, complaints: Complaints) -> None:
    component = document.reader.classes["search"]
    limits: tuple[str, ...] = getattr(component, "own_limits", ())
    set_ = any(search.options.get(name) is not None for name in limits)
    if getattr(component, "needs_budget", False) and not document.budget and not set_:
        own = [f"or set {' or '.join(f'search.{name}' for name in limits)}"] if limits else []
        complaints.add(
            document.reader.places["search"],
            f"search '{search.name}' would never end: the pipeline has no budget",
            "add  budget: {candidates: 64}",
            *own,
        )


class _Checker:
    """Checks the needs of one component after another."""

    def __init__(self, document: Document, registry: Registry, complaints: Complaints, called: frozenset[str]) -> None:
        self.document, self.registry, self.complaints = document, registry, complaints
        self.called = called  # kinds of components that search and aggregator call

    def check(self, path: str, spec: ComponentSpec) -> None:
        place = self.document.reader.places[path]
        needs = needs_of(self.document.reader.classes[path], spec.options)
        for own, need in needs.items():
            if need.kind != "aggregator":  # every pipeline has one
                self._check_role(place, path, spec, own, need)
        for role, need in expected_of(self.document.reader.classes[path], spec.options).items():
            who = f"{spec.descriptor.kind} '{spec.name}'"
            if need.kind not in self.document.kinds.values():
                self._absent(place, who, role, role, need)
            elif need.kind not in self.called and self.document.search is not None:
                self._uncalled(place, who, need, self.document.search)

    def _check_role(self, place: Place, path: str, spec: ComponentSpec, own: str, need: Need) -> None:
        role = spec.roles.get(own, own)
        kind = self.document.kinds.get(role)
        who = f"{spec.descriptor.kind} '{spec.name}'"
        if kind is None:
            if not need.optional or own in spec.roles:
                self._absent(place, who, own, role, need)
        elif kind != need.kind:
            what = f"{who} needs a {need.kind} in role '{role}', and the pipeline has a {kind} there"
            self.complaints.add(place, what, self._renaming(path, own, need))
        else:
            self._check_capabilities(place, who, role, need)

    def _absent(self, place: Place, who: str, own: str, role: str, need: Need) -> None:
        what = f"{who} needs a {need.kind} in role '{role}', and the pipeline has none"
        if need.capabilities:
            what += f" (it must be able to: {', '.join(sorted(need.capabilities))})"
        others = [name for name, kind in self.document.kinds.items() if kind == need.kind]
        where = need.kind if role == need.kind else f"{need.kind}: {{{role}"
        add = f"add  {where}: {{use: plugin/name}}" + ("" if role == need.kind else "}")
        lines = [add]
        if others:
            close = nearest(role, others) or others[0]
            lines.insert(0, f"to use role '{close}' for it, write  roles: {{{own}: {close}}}")
        self.complaints.add(place, what, *lines, self._known(need))

    def _uncalled(self, place: Place, who: str, need: Need, search: ComponentSpec) -> None:
        """What a component works with is there, and nothing would ever call it."""
        what = f"{who} works with what a {need.kind} gives, and nothing calls one: search '{search.name}' does not"
        if search.options.get("hits") == 0:
            self.complaints.add(place, f"{what} with hits: 0", "set search.hits above 0")
        else:
            self.complaints.add(place, what, f"take a search that calls a {need.kind}, or another option here")

    def _renaming(self, path: str, own: str, need: Need) -> str:
        others = [name for name, kind in self.document.kinds.items() if kind == need.kind]
        if others:
            return f"write  roles: {{{own}: {others[0]}}}  in block '{path}'"
        return f"add a {need.kind} and write  roles: {{{own}: NAME}}  in block '{path}'"

    def _known(self, need: Need) -> str:
        able = self._able(need)
        plural = _PLURALS.get(need.kind, f"{need.kind}s")
        label = f"{plural} that can" if need.capabilities else f"known {plural}"
        return f"{label}: {', '.join(able) or 'none'}"

    def _check_capabilities(self, place: Place, who: str, role: str, need: Need) -> None:
        spec = self.document.roles.get(role)
        if spec is None:
            return  # complained of already
        component = self.document.reader.classes[path_of(need.kind, role)]
        lacking = sorted(need.capabilities - capabilities_of(component, spec.options))
        if lacking:
            abilities = " and ".join(f"'{name}'" for name in lacking)
            what = f"{who} needs role '{role}' to be able to {abilities}, which {spec.name} cannot"
            self.complaints.add(place, what, self._known(need))

    def _able(self, need: Need) -> list[str]:
        names = []
        for descriptor in self.registry.of_kind(need.kind):
            try:
                component: Any = descriptor.load() if need.capabilities else None
            except (Exception, SystemExit):  # a broken neighbour is no suggestion, and no new problem
                continue
            if need.capabilities <= capabilities_of(component):
                names.append(descriptor.name)
        return names
