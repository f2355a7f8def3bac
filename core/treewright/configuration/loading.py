"""From what the user asked for to a checked pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from treewright.configuration.blocks import BlockReader
from treewright.configuration.complaints import Complaints
from treewright.configuration.document import path_of, read_document
from treewright.configuration.efforts import chosen, levels_of
from treewright.configuration.filling import filled_text
from treewright.configuration.laws import check_laws
from treewright.configuration.nodes import Node, Place, empty_mapping
from treewright.configuration.overrides import Override, apply, parse_setting
from treewright.configuration.reader import read_file
from treewright.configuration.requirements import check_requirements
from treewright.configuration.sources import is_file, read_source
from treewright.configuration.trial import check_constructors, check_outside
from treewright.pipeline import ComponentSpec, PipelineSpec
from treewright_registry import Registry


@dataclass(frozen=True, slots=True)
class LoadedPipeline:
    """A pipeline that can run.

    Attributes:
        spec: what the engine builds from.
        filled: YAML text with every default written out; it loads as the same pipeline.
        efforts: the effort levels that the pipeline offers.
        notes: what is odd in it, each with its place; none of it keeps it from running.
    """

    spec: PipelineSpec
    filled: str
    efforts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def load_pipeline(
    source: str,
    registry: Registry,
    *,
    overrides: Sequence[str | Override] = (),
    effort: str | None = None,
    outside: bool = False,
) -> LoadedPipeline:
    """Read, complete and check a pipeline; nothing is built but search and aggregator, on trial.

    Args:
        source: ``plugin/name``, a bare unambiguous name, or a path to a ``.yaml`` file.
        registry: the components and pipelines there are.
        overrides: as after ``--set``: ``search.width=4``.
        effort: ``low``, ``medium`` or ``high``, if the pipeline offers levels.
        outside: whether components also check, as far as they can without being built, what the options name:
            that a model's folder is there.

    Raises:
        ConfigurationError: listing everything that is wrong, each with its place.
    """
    complaints = Complaints()
    root = read_source(source, registry, complaints)
    settings = _settings(overrides, complaints)
    if root is None:
        complaints.raise_if_any()
    assert root is not None
    levels = levels_of(root, complaints)
    apply(root, [*chosen(levels, effort, source, complaints)], complaints)
    apply(root, settings, complaints)
    document = read_document(root, registry, complaints)
    notes = check_requirements(document, registry, complaints)
    complaints.raise_if_any()
    assert document.search and document.aggregator
    check_constructors({"search": document.search, "aggregator": document.aggregator}, document.reader, complaints)
    if outside:
        named = {path_of(document.kinds[role], role): filling for role, filling in document.roles.items()}
        check_outside(named, document.reader, complaints)
    complaints.raise_if_any()
    if outside:
        check_laws(document, complaints)
        complaints.raise_if_any()
    spec = document.spec(_text(root, "name") or _name(source, registry))
    filled = filled_text(spec, document.kinds, _text(root, "summary"), registry)
    return LoadedPipeline(spec, filled, tuple(levels), tuple(notes))


def load_component(
    kind: str, source: str, registry: Registry, *, overrides: Sequence[str | Override] = ()
) -> ComponentSpec:
    """Read and check one component by itself, e.g. a training recipe.

    Args:
        kind: what is wanted.
        source: a registered name, or a YAML file that holds the component's block.
        registry: the components there are.
        overrides: as after ``--set``: ``epochs=3``.

    Raises:
        ConfigurationError: listing everything that is wrong, each with its place.
    """
    complaints = Complaints()
    place = Place(source)
    root: Node | None = (named := empty_mapping(place))
    if is_file(source):
        root = read_file(Path(source), complaints)
    else:
        named.put("use", Node(place, source), place)
    if root is None:
        complaints.raise_if_any()
    assert root is not None
    if isinstance(root.value, dict):
        root.value.pop("versions", None)  # a saved config.yaml has them
    apply(root, _settings(overrides, complaints), complaints)
    spec = BlockReader(registry, complaints).read(kind, kind, root)
    complaints.raise_if_any()
    assert spec is not None
    return spec


def _settings(overrides: Sequence[str | Override], complaints: Complaints) -> list[Override]:
    parsed = (item if isinstance(item, Override) else parse_setting(item, complaints) for item in overrides)
    return [item for item in parsed if item is not None]


def _text(root: Node, key: str) -> str:
    node = root.get(key)
    return node.value if node is not None and isinstance(node.value, str) else ""


def _name(source: str, registry: Registry) -> str:
    """The pipeline's full name; a file goes by its name without folders, so that it may move."""
    return Path(source).name if is_file(source) else registry.find("pipeline", source).name
