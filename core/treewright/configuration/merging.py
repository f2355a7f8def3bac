"""One configuration laid over another: ``extends``."""

from treewright.configuration.nodes import Node, empty_mapping

NOT_INHERITED = ("extends", "name", "summary", "versions")


def merged(base: Node, over: Node) -> Node:
    """``over`` laid on ``base``: mappings merge, everything else replaces.

    A block that names another component (``use``) replaces the whole block, and so does a mapping
    of roles laid on a single block, or the other way round.
    """
    if not (base.is_mapping and over.is_mapping) or replaces(base, over):
        return over
    result = empty_mapping(over.place)
    for key, child in base.items():
        result.put(key, child, base.key_place(key))
    for key, child in over.items():
        below = base.get(key)
        result.put(key, merged(below, child) if below else child, over.key_place(key))
    return result


def inherited(base: Node) -> Node:
    """What another pipeline takes over from ``base``."""
    result = empty_mapping(base.place)
    for key, child in base.items():
        if key not in NOT_INHERITED:
            result.put(key, child, base.key_place(key))
    return result


def replaces(base: Node, over: Node) -> bool:
    """Whether block ``over`` replaces block ``base`` instead of adding to it."""
    new, old = over.get("use"), base.get("use")
    if new is not None:
        return old is None or not _same_component(old.value, new.value)
    return old is not None and holds_roles(over)


def holds_roles(node: Node) -> bool:
    """Whether a ``policy``, ``scorer`` or ``retriever`` maps role names to blocks."""
    return node.get("use") is None and any(child.get("use") for _, child in node.items())


def _same_component(old: object, new: object) -> bool:
    """Whether two names mean the same; a bare name equals the full name that ends with it."""
    if old == new or not (isinstance(old, str) and isinstance(new, str)):
        return old == new
    if ("/" in old) == ("/" in new):
        return False
    return old.rpartition("/")[2] == new.rpartition("/")[2]
