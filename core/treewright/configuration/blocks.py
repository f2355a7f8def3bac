"""A component's block → ``ComponentSpec``."""

from typing import Any

from treewright.configuration.calls import read_call, read_roles
from treewright.configuration.complaints import Complaints, nearest
from treewright.configuration.nodes import Node, Place, described
from treewright.configuration.signature import BadSignature, check_types, options_of, read_options
from treewright.pipeline import ComponentSpec, call_style, needs_of
from treewright_registry import Descriptor, Registry, UnknownComponent


class BlockReader:
    """Reads blocks of one pipeline with one registry, gathering complaints.

    Attributes:
        classes: the class of each component that was read.
        places: where each component was named.
        nodes: its block.
    """

    def __init__(self, registry: Registry, complaints: Complaints) -> None:
        self.registry, self.complaints = registry, complaints
        self.classes: dict[str, type[Any]] = {}
        self.places: dict[str, Place] = {}
        self.nodes: dict[str, Node] = {}

    def read(self, kind: str, path: str, node: Node, siblings: tuple[str, ...] = ()) -> ComponentSpec | None:
        """The component of ``kind`` that the block at ``path`` describes; ``None`` after a complaint.

        Args:
            kind: what is wanted.
            path: where in the pipeline (``search``, ``policy.draft``), for messages.
            node: the block.
            siblings: names beside the block's own that were probably meant if it lacks ``use``.
        """
        descriptor = self._descriptor(kind, path, node, siblings)
        component = self._component(descriptor, node) if descriptor else None
        if descriptor is None or component is None:
            return None
        self.classes[path], self.places[path], self.nodes[path] = component, self._place(node), node
        return self._spec(descriptor, component, node)

    def _descriptor(self, kind: str, path: str, node: Node, siblings: tuple[str, ...]) -> Descriptor | None:
        if not node.is_mapping:
            what = f"'{path}' must be a block, not {described(node.plain())}"
            self.complaints.add(node.place, what, f"write  {path}: {{use: plugin/name, option: value}}")
            return None
        use = node.get("use")
        if use is None:
            self._without_use(path, node, siblings)
            return None
        if not isinstance(use.value, str):
            what = f"'{path}.use' must name a {kind}, not {described(use.plain())}"
            self.complaints.add(use.place, what)
            return None
        try:
            return self.registry.find(kind, use.value)
        except UnknownComponent as error:
            first, *more = str(error).split("\n    ")
            self.complaints.add(use.place, first, *more)
            return None

    def _without_use(self, path: str, node: Node, siblings: tuple[str, ...]) -> None:
        name = path.rpartition(".")[2]
        close = nearest(name, siblings)
        help_ = f"did you mean '{close}'?" if close else f"write  {path}: {{use: plugin/name, option: value}}"
        place = next(iter(node.keys.values()), node.place)
        self.complaints.add(place, f"the block '{path}' names no component ('use' is missing)", help_)

    def _component(self, descriptor: Descriptor, node: Node) -> type[Any] | None:
        try:
            component = descriptor.load()
            check_types(options_of(component))
        except BadSignature as error:
            what = f"{descriptor.kind} '{descriptor.name}' has a constructor that cannot be configured"
            self.complaints.add(self._place(node), what, str(error), _report_it(descriptor))
        except (Exception, SystemExit) as error:  # an import may raise anything
            what = f"{descriptor.kind} '{descriptor.name}' cannot be imported"
            cause = f"{type(error).__name__}: {error}"
            self.complaints.add(self._place(node), what, cause, _import_repair(descriptor, error))
        else:
            return component
        return None

    def _spec(self, descriptor: Descriptor, component: type[Any], node: Node) -> ComponentSpec:
        options = read_options(descriptor.name, options_of(component), node, self._place(node), self.complaints)
        own = tuple(needs_of(component, options))
        roles = read_roles(descriptor.name, own, node.get("roles"), self.complaints)
        style = call_style(descriptor.kind, component, options)
        callees = tuple(roles.get(role, role) for role in own)
        call = read_call(descriptor.name, style, callees, node.get("call"), self.complaints)
        return ComponentSpec(descriptor, options, call, roles, str(self._place(node)))

    def _place(self, node: Node) -> Place:
        use = node.get("use")
        return use.place if use else node.place


def _import_repair(descriptor: Descriptor, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"install the module '{error.name}', or reinstall {_owner(descriptor)}"
    return _report_it(descriptor)


def _report_it(descriptor: Descriptor) -> str:
    return f"report it to the author of {_owner(descriptor)}"


def _owner(descriptor: Descriptor) -> str:
    return descriptor.distribution or descriptor.import_string
