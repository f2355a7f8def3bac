"""From lines of SMILES to counted substructures and molecules to search in, chunk by chunk, in several processes.

Chunks are formed and joined in the order of the lines, so the result does not depend on the number of processes.
At most a few chunks per process are in flight: memory does not grow with the list.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem.rdmolops import PatternFingerprint

from treewright_chemistry.deferred_interrupt import DeferredInterrupt, deaf_children
from treewright_chemistry.errors import StructureError
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.smiles_lists import SmilesLine
from treewright_chemistry.structures import MAX_RING, inchikey14
from treewright_chemistry.substructures import SubstructureCounter
from treewright_registry import DataError

__all__ = ["CAPACITY", "Harvest", "HarvestSettings", "Refused", "SearchedMolecule", "carbon_shifts", "harvests"]

CHUNK: Final = 1_000
"""Lines worked on at once by one process."""
CAPACITY: Final = 200_000
"""Different substructures held at once; beyond it the rarest are forgotten."""
AHEAD: Final = 2
"""Chunks per process that wait or are worked on."""
SOON: Final = 0.1
"""Seconds after which Ctrl-C is looked for again."""
LETTERS_PER_ATOM: Final = 20
"""Characters of SMILES allowed per heavy atom allowed; a longer text is refused before RDKit sees it."""
FINGERPRINT_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class HarvestSettings:
    """What to harvest.

    Attributes:
        names: of the files, for provenance.
        largest: heavy atoms a molecule may have.
        reserved: first InChIKey blocks of molecules to drop; ``None`` keeps all and computes none.
        windows: whether to predict where the carbons of substructures resonate.
        molecules: whether to prepare the molecules themselves for substructure search.
        capacity: different substructures held at once.
    """

    names: tuple[str, ...]
    largest: int
    reserved: frozenset[str] | None
    windows: bool
    molecules: bool
    capacity: int


class SearchedMolecule(NamedTuple):
    """A molecule for substructure search: size, canonical SMILES, where from, its pattern fingerprint in base 64."""

    heavy_atoms: int
    smiles: str
    source: int
    line: int
    fingerprint: str


class Refused(NamedTuple):
    """A line that could not be used, and why."""

    source: int
    line: int
    text: str
    reason: str


@dataclass(slots=True)
class Harvest:
    """What one chunk gave.

    Attributes:
        lines: how many lines it had.
        counter: substructures and their counts.
        molecules: for substructure search.
        refused: lines that could not be used.
        dropped: number of reserved molecules left out.
        blocks: first InChIKey blocks of the molecules used, where reserved ones are dropped.
    """

    lines: int
    counter: SubstructureCounter
    molecules: list[SearchedMolecule] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    dropped: int = 0
    blocks: list[str] = field(default_factory=list)


def harvests(lines: Iterable[SmilesLine], settings: HarvestSettings, workers: int) -> Iterator[Harvest]:
    """The harvest of each chunk, in order; ``workers`` processes, 1 works in this one.

    Raises:
        DataError: a process was killed.
    """
    chunks = _chunks(lines)
    if workers == 1:
        harvester = Harvester(settings)
        yield from (harvester.harvest(chunk) for chunk in chunks)
        return
    try:
        with DeferredInterrupt() as interrupt:
            yield from _pooled(chunks, settings, workers, interrupt)
    except BrokenProcessPool as error:
        what = "a process that reads molecules was killed, perhaps for want of memory"
        raise DataError(
            f"{what}\n    take fewer: --set workers=1, or refuse large molecules: --set largest=40"
        ) from error


def _pooled(
    chunks: Iterable[list[SmilesLine]], settings: HarvestSettings, workers: int, interrupt: DeferredInterrupt
) -> Iterator[Harvest]:
    context = multiprocessing.get_context("spawn")  # torch and threads of the caller do not survive a fork
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(settings,))
    try:
        waiting: deque[Future[Harvest]] = deque()
        for chunk in chunks:
            with deaf_children():  # the pool starts its processes when they are first needed
                waiting.append(pool.submit(_harvest, chunk))
            if len(waiting) >= AHEAD * workers:
                yield _result(waiting.popleft(), interrupt)
        while waiting:
            yield _result(waiting.popleft(), interrupt)
    finally:
        pool.shutdown(cancel_futures=True)


def _result(future: Future[Harvest], interrupt: DeferredInterrupt) -> Harvest:
    interrupt.check()
    while not wait([future], timeout=SOON).done:
        interrupt.check()
    return future.result()


class Harvester:
    """Works on chunks with one set of tables."""

    def __init__(self, settings: HarvestSettings) -> None:
        self._settings = settings
        self._tables = ShiftTables.load(network=False) if settings.windows else None

    def harvest(self, chunk: Sequence[SmilesLine]) -> Harvest:
        """Read, drop, cut and count."""
        shifts = self._shifts if self._tables is not None else None
        found = Harvest(len(chunk), SubstructureCounter(capacity=self._settings.capacity, shifts=shifts))
        with rdBase.BlockLogs():
            for line in chunk:
                try:
                    self._add(line, found)
                except StructureError as error:
                    found.refused.append(Refused(line.source, line.line, line.text[:60], error.what))
        return found

    def _add(self, line: SmilesLine, found: Harvest) -> None:
        mol = _molecule(line.text, self._settings.largest)
        if self._settings.reserved is not None:
            block = inchikey14(mol)  # refused without: nobody could tell whether it is reserved
            if block in self._settings.reserved:
                found.dropped += 1
                return
            found.blocks.append(block)
        if self._settings.molecules:
            bits = DataStructs.ExplicitBitVect.ToBase64(PatternFingerprint(mol, FINGERPRINT_BITS))
            smiles = Chem.MolToSmiles(mol)
            found.molecules.append(SearchedMolecule(mol.GetNumHeavyAtoms(), smiles, line.source, line.line, bits))
        found.counter.add(mol, f"{self._settings.names[line.source]}:{line.line}")

    def _shifts(self, mol: Any) -> Sequence[float | None]:
        return carbon_shifts(self._tables, mol) if self._tables is not None else []


def carbon_shifts(tables: ShiftTables, molecule: Any) -> list[float | None]:
    """Expected 13C shift of each atom in ppm, None for other elements."""
    shifts: list[float | None] = [None] * molecule.GetNumAtoms()
    prediction = tables.predict(molecule)
    for atom, mean in zip(prediction.carbons.tolist(), prediction.carbon.mean.tolist(), strict=True):
        shifts[atom] = mean
    return shifts


def _molecule(text: str, largest: int) -> Any:
    """The molecule of a SMILES; its size is known before anything expensive is done with it."""
    if len(text) > LETTERS_PER_ATOM * largest:
        raise _refusal(f"its {len(text)} or more characters exceed the limit of {LETTERS_PER_ATOM * largest}")
    if len(text) > largest:  # there are at most as many atoms as letters
        raw = Chem.MolFromSmiles(text, sanitize=False)
        if raw is not None and raw.GetNumHeavyAtoms() > largest:
            raise _refusal(f"{raw.GetNumHeavyAtoms()} heavy atoms exceed the limit of {largest}")
    mol = Chem.MolFromSmiles(text)
    if mol is None or not mol.GetNumHeavyAtoms():
        raise _refusal("not a valid SMILES")
    ring = max(map(len, mol.GetRingInfo().AtomRings()), default=0)
    if ring > MAX_RING:
        raise _refusal(f"a ring of {ring} atoms exceeds the limit of {MAX_RING}")
    return mol


def _refusal(what: str) -> StructureError:
    return StructureError(what, field="SMILES", repair="Leave the line out")


def _chunks(lines: Iterable[SmilesLine]) -> Iterator[list[SmilesLine]]:
    stream = iter(lines)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


_harvester: Harvester | None = None  # of a worker process


def _begin(settings: HarvestSettings) -> None:
    global _harvester
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked (Windows): the first process tells us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _harvester = Harvester(settings)


def _end_with_parent() -> None:
    """A killed parent says nothing to its workers; without this they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _harvest(chunk: Sequence[SmilesLine]) -> Harvest:
    if _harvester is None:
        raise RuntimeError("a worker process was not begun")
    return _harvester.harvest(chunk)
