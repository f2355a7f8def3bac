"""Substructure search in the molecules of a knowledge base: RDKit substructure libraries, smallest molecule first.

The molecules are sorted by size on disk, so that neither building nor searching holds all of them unless it must:
the first ``k`` matches in the order of the library are the ``k`` smallest molecules that contain the query.
Files of the store: ``molecules-000.sslib`` … (RDKit's own format, at most ``SHARD`` molecules each) and
``molecules.npy`` (for each molecule its source and line). RDKit reads a damaged library without complaint, so
a library is only read behind the store's checksums.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdSubstructLibrary

from treewright_chemistry.substructure_harvest import FINGERPRINT_BITS, SearchedMolecule
from treewright_knowledge import WorkFolder
from treewright_registry import DataError

if TYPE_CHECKING:
    from treewright_knowledge import KnowledgeStore, StoreBuilder

__all__ = ["FoundMolecule", "MoleculeLibrary", "MoleculeSpool", "write_library"]

SHARD: Final = 50_000
"""Molecules in one file of the library."""
PLACES: Final = "molecules.npy"
_SHARD_NAME: Final = "molecules-{:03}.sslib"
_KEPT: Final = 64
"""Shards kept in memory once read; more are read anew at each query."""


class FoundMolecule(NamedTuple):
    """A molecule that contains the query: SMILES, source, line, and the query's share of its heavy atoms."""

    smiles: str
    source: int
    line: int
    share: float


class MoleculeSpool:
    """Molecules on their way to the library of a store, in one temporary file per size beside it. A context manager.

    What a killed build of the same store left behind goes with the next one.
    """

    def __init__(self, store: Path) -> None:
        self._place = WorkFolder(store.with_name(f"{store.name}.molecules"))
        self._folder = self._place.path
        self._files: dict[int, TextIO] = {}

    def add(self, molecules: Iterable[SearchedMolecule]) -> None:
        """Write molecules to the files of their sizes."""
        for size, *fields in molecules:
            if size not in self._files:
                self._files[size] = (self._folder / str(size)).open("w", encoding="utf-8")
            self._files[size].write("\t".join(map(str, fields)) + "\n")

    def sorted(self) -> Iterator[SearchedMolecule]:
        """All molecules, smallest first, then in the order they came; each SMILES once."""
        for size, file in sorted(self._files.items()):
            file.close()
            seen: set[str] = set()
            with Path(file.name).open(encoding="utf-8") as lines:
                for smiles, source, line, bits in (line.rstrip("\n").split("\t") for line in lines):
                    if smiles not in seen:
                        seen.add(smiles)
                        yield SearchedMolecule(size, smiles, int(source), int(line), bits)

    def __enter__(self) -> MoleculeSpool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        self._place.release()
        shutil.rmtree(self._folder, ignore_errors=True)


def write_library(
    molecules: Iterable[SearchedMolecule], builder: StoreBuilder, progress: Callable[[int], None], shard: int = SHARD
) -> int:
    """Write the molecules, in their order, as files of the store; returns their number."""
    places: list[npt.NDArray[np.uint32]] = []
    count = 0
    for held in _portions(molecules, shard):
        library = _library(held)
        builder.extra(_SHARD_NAME.format(len(places))).write_bytes(library.Serialize())
        places.append(np.array([(each.source, each.line) for each in held], dtype=np.uint32))
        count += len(held)
        progress(count)
    with builder.extra(PLACES).open("wb") as file:
        np.save(file, np.concatenate([np.empty((0, 2), np.uint32), *places]), allow_pickle=False)
    return count


def _library(molecules: Iterable[SearchedMolecule]) -> Any:
    smiles = rdSubstructLibrary.CachedTrustedSmilesMolHolder()
    patterns = rdSubstructLibrary.PatternHolder(FINGERPRINT_BITS)
    for each in molecules:
        bits = DataStructs.ExplicitBitVect(FINGERPRINT_BITS)
        bits.FromBase64(each.fingerprint)
        smiles.AddSmiles(each.smiles)
        patterns.AddFingerprint(bits)
    return rdSubstructLibrary.SubstructLibrary(smiles, patterns)


def _portions(molecules: Iterable[SearchedMolecule], most: int) -> Iterator[list[SearchedMolecule]]:
    held: list[SearchedMolecule] = []
    for each in molecules:
        held.append(each)
        if len(held) == most:
            yield held
            held = []
    if held:
        yield held


class MoleculeLibrary:
    """The molecules of an opened knowledge base; shards are read when a query first comes to them.

    Raises:
        DataError: the knowledge base was built without molecules.
    """

    def __init__(self, store: KnowledgeStore) -> None:
        names = sorted(name for name in store.manifest.files if name.endswith(".sslib"))
        self._shards = [store.extra(name) for name in names]
        self._places: npt.NDArray[np.uint32] = np.load(store.extra(PLACES), mmap_mode="r" if names else None)
        self._read: dict[Path, Any] = {}

    def __len__(self) -> int:
        return len(self._places)

    def containing(self, query: Any, k: int) -> list[FoundMolecule]:
        """The ``k`` smallest molecules that contain the query (an RDKit molecule, also of SMARTS)."""
        found: list[FoundMolecule] = []
        before = 0
        for path in self._shards:
            library = self._shard(path)
            with rdBase.BlockLogs():
                matches = sorted(library.GetMatches(query, numThreads=1, maxResults=k - len(found)))
            found += [self._found(library, index, before + index, query) for index in matches]
            before += len(library)
            if len(found) >= k:
                break
        return found

    def count(self, query: Any) -> int:
        """How many molecules contain the query."""
        return sum(self._shard(path).CountMatches(query, numThreads=1) for path in self._shards)

    def at(self, position: int) -> str:
        """The SMILES of the molecule at a position, 0 ≤ position < len; ``IndexError`` beyond."""
        left = position
        for path in self._shards if position >= 0 else ():
            library = self._shard(path)
            if left < len(library):
                return str(Chem.MolToSmiles(library.GetMol(left)))
            left -= len(library)
        raise IndexError(f"no molecule at {position}, there are {len(self)}")

    def _found(self, library: Any, index: int, position: int, query: Any) -> FoundMolecule:
        mol = library.GetMol(index)
        source, line = self._places[position].tolist()
        share = min(1.0, query.GetNumHeavyAtoms() / mol.GetNumHeavyAtoms())
        return FoundMolecule(Chem.MolToSmiles(mol), source, line, share)

    def _shard(self, path: Path) -> Any:
        library = self._read.get(path)
        if library is None:
            try:
                content: Any = path.read_bytes()  # RDKit's annotation says text; it means bytes
                library = rdSubstructLibrary.SubstructLibrary(content)
            except (RuntimeError, OSError) as error:
                raise DataError(f"{path}: no substructure library of this RDKit: {error}") from error
            if len(self._read) < _KEPT:
                self._read[path] = library
        return library
