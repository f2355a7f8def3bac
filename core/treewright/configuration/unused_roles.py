"""Roles that a pipeline fills and nothing uses."""

from collections.abc import Mapping

from treewright.configuration.complaints import Complaints, nearest
from treewright.configuration.document import Document, path_of
from treewright.pipeline import ComponentSpec, needs_of


def check_unused(document: Document, users: Mapping[str, ComponentSpec | None], complaints: Complaints) -> list[str]:
    """A note for each role that nothing uses; a complaint where it looks like a slip of the pen.

    A role too many does no harm: one set of roles may serve several searches in turn. A misspelt
    one does, if the role that was meant may be left empty.

    Args:
        document: what was read.
        users: path of the block → component, for search, aggregator and all roles.
        complaints: takes what is wrong.
    """
    used = used_roles(document, users)
    empty = {role: kind for role, kind in used.items() if role not in document.kinds}
    notes = []
    for role, kind in document.kinds.items():
        path = path_of(kind, role)
        if role in used or path not in document.reader.places:
            continue
        place = document.reader.places[path]
        meant = nearest(role, [name for name, wanted in empty.items() if wanted == kind])
        known = f"roles that are used: {', '.join(used) or 'none'}"
        if meant is not None:
            what = f"nothing uses the {kind} in role '{role}'; did you mean '{meant}'?"
            complaints.add(place, what, known)
        else:
            notes.append(f"{place}: note: nothing uses the {kind} in role '{role}'\n    {known}")
    return notes


def used_roles(document: Document, users: Mapping[str, ComponentSpec | None]) -> dict[str, str]:
    """Role → kind of all that search and aggregator use, themselves or through what they use."""
    used: dict[str, str] = {}
    waiting = ["search", "aggregator"]
    while waiting:
        path = waiting.pop()
        spec = users.get(path)
        if spec is None:
            continue
        for own, need in needs_of(document.reader.classes[path], spec.options).items():
            role = spec.roles.get(own, own)
            if role not in used and need.kind != "aggregator":
                used[role] = need.kind
                waiting.append(path_of(document.kinds.get(role, need.kind), role))
    return used
