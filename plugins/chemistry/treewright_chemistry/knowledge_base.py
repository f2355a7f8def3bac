"""The knowledge base ``chemistry/substructures``: substructures of any list of molecules, and the molecules.

treewright kb build chemistry/substructures --source molecules.smi --out kb --set workers=2
treewright kb search kb 'c1ccc2[nH]ccc2c1'                     molecules that contain it, smallest first
treewright kb search kb 'formula=C8H8O3; c13=191.0, 151.8, 147.2; evidence=soft'     substructures by spectrum
treewright kb search kb @spectrum.yaml                         the same, the spectrum from a file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from treewright_registry import ConfigurationError, Hit, KnowledgeBase, KnowledgeBuild

if TYPE_CHECKING:
    from treewright_chemistry.knowledge_queries import OpenedKnowledge


class Substructures(KnowledgeBase):
    """Rings, ring systems, chains, functional and charged groups, counted; found by spectrum or by substructure.

    Args:
        least: how often a substructure must occur to be kept.
        most: how many substructures are kept, the most common ones.
        largest: heavy atoms a molecule may have; larger ones are refused and listed.
        exclude: leave out the molecules kept for evaluation (benchmarks, held-out and demonstration compounds),
            and substructures that are one of them with hydrogen at their open places. Without, the knowledge
            base is an open book, and retrievers use it only with ``open_book: true``.
        excluded: a file with the first InChIKey blocks of further molecules to leave out; empty for none.
        vectors: encode the substructures, so that they are found by spectrum through the trained encoder.
        windows: note where the carbons of each substructure are expected, by the shift tables.
        molecules: keep the molecules themselves for substructure search.
        find: what a SMARTS or SMILES query looks in; substructures are also what a knowledge base without
            molecules looks in.
        workers: processes that read molecules; the result does not depend on it.
        licence: of the sources, for the manifest.
    """

    def __init__(
        self,
        *,
        least: int = 5,
        most: int = 100_000,
        largest: int = 60,
        exclude: bool = True,
        excluded: str = "",
        vectors: bool = True,
        windows: bool = True,
        molecules: bool = True,
        find: Literal["molecules", "substructures"] = "molecules",
        workers: int = 1,
        licence: str = "",
    ) -> None:
        for name, value in (("least", least), ("most", most), ("largest", largest), ("workers", workers)):
            if value < 1:
                raise ConfigurationError(f"{name}: must be at least 1, not {value}")
        self._least, self._most, self._largest = least, most, largest
        self._exclude, self._excluded = exclude, excluded
        self._vectors, self._windows, self._molecules = vectors, windows, molecules
        self._find: Literal["molecules", "substructures"] = find
        self._workers = workers
        self._licence = licence
        self._opened: dict[Path, OpenedKnowledge] = {}

    def build(self, order: KnowledgeBuild) -> Mapping[str, Any]:
        """Build the store; returns how many molecules were read, left out and refused.

        Raises:
            DataError: a source cannot be read, no line of it is a molecule, or no substructure is common enough.
            LeakError: a molecule kept for evaluation would have got in.
        """
        from treewright_chemistry.knowledge_building import build_knowledge
        from treewright_chemistry.reserved_molecules import reserved_molecules
        from treewright_chemistry.substructure_harvest import CAPACITY, HarvestSettings

        reserved = reserved_molecules(self._excluded) if self._exclude else None
        settings = HarvestSettings(
            names=tuple(path.name for path in order.sources),
            largest=self._largest,
            reserved=reserved.blocks if reserved is not None else None,
            windows=self._windows,
            molecules=self._molecules,
            capacity=max(CAPACITY, 2 * self._most),
        )
        figures = build_knowledge(
            order,
            settings,
            least=self._least,
            most=self._most,
            vectors=self._vectors,
            workers=self._workers,
            licence=self._licence,
        )
        return {**figures, "kept out": reserved.text if reserved is not None else "nothing"}

    def search(self, folder: Path, query: str, k: int) -> Sequence[Hit]:
        """Find by SMARTS or SMILES, or by spectrum (an object, ``formula=…; c13=…``, or ``@FILE``).

        A knowledge base is opened and compared with its checksums once, at the first query.

        Raises:
            DataError: the query cannot be read, or the knowledge base cannot be used.
        """
        from treewright_chemistry.knowledge_queries import OpenedKnowledge

        if folder not in self._opened:
            self._opened[folder] = OpenedKnowledge.open(folder)
        return self._opened[folder].search(query, k, self._find)

    def shipped(self) -> Path:
        """The substructures that come with the plugin, as a store that is built when first asked for.

        Raises:
            DataError: the user's cache cannot be written.
        """
        from treewright_chemistry.shipped_knowledge import shipped_store

        return shipped_store()
