"""Find plugins, guarded: a broken one is recorded with its cause, the others go on.

Stages, in order: ``import`` the entry module, check its ``api`` version, ``validate`` its hook
implementations, ``register`` its components. Registration is atomic.
"""

import os
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias

import pluggy

from treewright_registry import hooks
from treewright_registry.descriptors import NAME, Collector, Descriptor
from treewright_registry.errors import PluginError

Stage: TypeAlias = Literal["import", "api", "validate", "register"]
ENGINE_PLUGIN = "core"  # the engine's own components: never switched off
SELECTION_VARIABLE = "TREEWRIGHT_PLUGINS"
TRACE_VARIABLE = "TREEWRIGHT_TRACE_PLUGINS"
STRICT_VARIABLE = "TREEWRIGHT_STRICT"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that loaded."""

    name: str
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that did not load, and why.

    Attributes:
        plugin, distribution, version: who.
        stage: how far it came.
        cause: exception class and full message.
        repair: what the user can do.
        details: the traceback.
    """

    plugin: str
    distribution: str
    version: str
    stage: Stage
    cause: str
    repair: str
    details: str = ""


class _Rejected(Exception):
    """A plugin stopped at a stage."""

    def __init__(self, stage: Stage, cause: str, repair: str) -> None:
        super().__init__(cause)
        self.stage, self.cause, self.repair = stage, cause, repair


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything that a look for plugins found."""

    plugins: tuple[Plugin, ...]
    failures: tuple[PluginFailure, ...]
    descriptors: tuple[Descriptor, ...]
    manager: pluggy.PluginManager


def load(entries: Iterable[EntryPoint] | None = None, *, strict: bool = False) -> Loaded:
    """Load the installed plugins (or the given entry points).

    The environment variable ``TREEWRIGHT_PLUGINS`` selects: unset loads all, empty loads none but
    the engine's own components, ``math,puzzle`` only these. ``TREEWRIGHT_TRACE_PLUGINS=1``
    prints each hook call, ``TREEWRIGHT_STRICT=1`` is the strict mode.

    Raises:
        PluginError: in strict mode, if any plugin failed.
    """
    manager = _plugin_manager()
    plugins: list[Plugin] = []
    failures: list[PluginFailure] = []
    descriptors: list[Descriptor] = []
    chosen = _selected(entry_points(group=hooks.ENTRY_POINT_GROUP) if entries is None else entries)
    for entry in chosen:
        distribution, version = _distribution(entry)
        collector = Collector(entry.name, f"{distribution} {version}".strip())
        try:
            if any(plugin.name == entry.name for plugin in plugins):
                raise _name_taken(entry, plugins)
            _register(manager, entry, collector)
        except _Rejected as rejected:
            failures.append(_failure(entry, distribution, version, rejected))
            continue
        plugins.append(Plugin(entry.name, distribution, version))
        descriptors.extend(collector)
    strict = strict or os.environ.get(STRICT_VARIABLE) == "1"
    if strict and failures:
        raise PluginError("\n".join(describe(failure) for failure in failures))
    return Loaded(tuple(plugins), tuple(failures), tuple(descriptors), manager)


def describe(failure: PluginFailure) -> str:
    """The failure as lines for the terminal."""
    who = f"{failure.plugin}  {failure.distribution} {failure.version}".rstrip()
    cause = failure.cause.replace("\n", "\n    ")
    return f"BROKEN {who}  ({failure.stage})\n    {cause}\n    repair: {failure.repair}"


def _plugin_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    if os.environ.get(TRACE_VARIABLE) == "1":
        manager.trace.root.setwriter(sys.stderr.write)
        manager.enable_tracing()
    return manager


def _selected(entries: Iterable[EntryPoint]) -> list[EntryPoint]:
    # the engine first, so that nobody can take its name; then by name, for a stable order
    ordered = sorted(entries, key=lambda entry: (entry.name != ENGINE_PLUGIN, entry.name))
    wanted = os.environ.get(SELECTION_VARIABLE)
    if wanted is None:
        return ordered
    names = {name.strip() for name in wanted.split(",")} - {""}
    return [entry for entry in ordered if entry.name in names or entry.name == ENGINE_PLUGIN]


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist is not None else ("unknown", "")


def _name_taken(entry: EntryPoint, plugins: list[Plugin]) -> _Rejected:
    owner = next(plugin for plugin in plugins if plugin.name == entry.name)
    return _Rejected(
        "register",
        f"the plugin name '{entry.name}' is taken by {owner.distribution} {owner.version}",
        "uninstall one of the two distributions",
    )


def _register(manager: pluggy.PluginManager, entry: EntryPoint, collector: Collector) -> None:
    if not NAME.fullmatch(entry.name):
        raise _Rejected(
            "validate",
            f"the plugin name {entry.name!r} must be lower-case words joined by '-'",
            "rename the entry point in the plugin's pyproject.toml",
        )
    module = _import(entry)
    _check_api(module)
    try:
        _validate(manager, module, entry.name)
        _call_hook(manager, module, collector)
    except BaseException:
        if manager.is_registered(module):
            manager.unregister(module)
        raise


def _import(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (Exception, SystemExit) as error:
        raise _Rejected("import", _cause(error), _import_repair(entry, error)) from error


def _import_repair(entry: EntryPoint, error: BaseException) -> str:
    distribution, _ = _distribution(entry)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"install the module '{error.name}', or reinstall {distribution}"
    return f"report it to the author of {distribution}, or uninstall it"


def _check_api(module: Any) -> None:
    api = getattr(module, "TREEWRIGHT_API", None)
    if api is None:
        raise _Rejected(
            "api",
            f"{module.__name__} does not say which API it is written for",
            f'add TREEWRIGHT_API = "{hooks.API_VERSION}" to {module.__name__}',
        )
    if api != hooks.API_VERSION:
        raise _Rejected(
            "api",
            f"written for API {api}, this is API {hooks.API_VERSION}",
            "install the plugin's release for this API, or the treewright release for that one",
        )


def _validate(manager: pluggy.PluginManager, module: Any, name: str) -> None:
    try:
        manager.register(module, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        repair = "correct the hook's name or arguments: treewright_register(registry)"
        raise _Rejected("validate", _cause(error), repair) from error


def _call_hook(manager: pluggy.PluginManager, module: Any, collector: Collector) -> None:
    others = [plugin for plugin in manager.get_plugins() if plugin is not module]
    try:
        manager.subset_hook_caller("treewright_register", others)(registry=collector)
    except (Exception, SystemExit) as error:
        repair = f"report it to the author of {collector.distribution}, or uninstall it"
        raise _Rejected("register", _cause(error), repair) from error


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _failure(entry: EntryPoint, distribution: str, version: str, rejected: _Rejected) -> PluginFailure:
    details = "".join(traceback.format_exception(rejected.__cause__)) if rejected.__cause__ else ""
    return PluginFailure(entry.name, distribution, version, rejected.stage, rejected.cause, rejected.repair, details)
