"""Queries in words to a knowledge base of substructures: SMARTS, SMILES, or a spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from rdkit import Chem, rdBase

from treewright_chemistry.data_paths import existing_file
from treewright_chemistry.errors import ChemistryError
from treewright_chemistry.molecule_library import PLACES, FoundMolecule, MoleculeLibrary
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.substructure_knowledge import SubstructureKnowledge
from treewright_knowledge import KnowledgeStore
from treewright_registry import DataError, Hit, as_text

__all__ = ["OpenedKnowledge", "pattern_of", "spectrum_of"]

LONGEST_PATTERN: Final = 500
"""Characters of a SMARTS or SMILES query; the time of matching can grow steeply with them."""
_QUERY_SIGNS: Final = frozenset("[*~!&,;$?")
LONGEST_FILE: Final = 1_000_000
"""Bytes of a file with a spectrum."""


class OpenedKnowledge:
    """An opened knowledge base with everything a query needs; parts are read when first used.

    Attributes:
        store: the records.
        molecules: for substructure search; ``None`` if it was built without.
    """

    def __init__(self, store: KnowledgeStore) -> None:
        self.store = store
        self._by_spectrum: SubstructureKnowledge | None = None
        self.molecules = MoleculeLibrary(store) if PLACES in store.manifest.files else None

    @staticmethod
    def open(folder: Path) -> OpenedKnowledge:
        """Open and compare with the checksums; ``DataError`` names a file that is not as it should be."""
        return OpenedKnowledge(KnowledgeStore.open(folder))

    def search(self, query: str, k: int, find: Literal["molecules", "substructures"] = "molecules") -> Sequence[Hit]:
        """At most ``k`` hits for a query in words, best first.

        Raises:
            DataError: the query cannot be read, or the knowledge base does not hold what it asks for.
        """
        spectrum = spectrum_of(query)
        if spectrum is not None:
            return self.by_spectrum(spectrum, k)
        pattern = pattern_of(query)
        if find == "molecules" and self.molecules is not None:
            return [self._hit(found) for found in self.molecules.containing(pattern, k)]
        return self.substructures(pattern, k)

    def by_spectrum(self, spectrum: Spectrum, k: int) -> list[Hit]:
        """The substructures that go best with a spectrum."""
        if self._by_spectrum is None:
            self._by_spectrum = SubstructureKnowledge(self.store)
        return self._by_spectrum.search(spectrum, k)

    def substructures(self, pattern: Any, k: int) -> list[Hit]:
        """The most common substructures that contain the pattern."""
        found: list[Hit] = []
        for record in self.store:
            mol = Chem.MolFromSmiles(record.id)
            if mol is not None and mol.HasSubstructMatch(pattern):
                share = min(1.0, pattern.GetNumHeavyAtoms() / max(mol.GetNumHeavyAtoms(), 1))
                content = record.content
                text = content["text"] if isinstance(content, Mapping) and "text" in content else as_text(content)
                found.append(Hit(record.id, text, share, record.provenance))
                if len(found) == k:
                    break
        return found

    def _hit(self, found: FoundMolecule) -> Hit:
        source = self.store.manifest.description.sources[found.source].name
        return Hit(found.smiles, found.smiles, found.share, f"{source}:{found.line}")


def pattern_of(query: str) -> Any:
    """The pattern of a query: SMILES if it is one and has no bracket, star or other sign of SMARTS.

    So ``C1=CC=CC=C1`` means benzene, and ``[CH3]`` a methyl group. ``smiles:`` or ``smarts:`` in front decides.

    Raises:
        DataError: it is neither.
    """
    kind, text = _kind_and_text(query.strip())
    if len(text) > LONGEST_PATTERN:
        raise DataError(f"query: {len(text)} characters exceed the limit of {LONGEST_PATTERN} for a substructure")
    with rdBase.BlockLogs():
        one_word = len(text.split()) == 1  # RDKit takes what follows white space for a name
        pattern = Chem.MolFromSmiles(text) if one_word and kind != "smarts" else None
        if pattern is None and one_word and kind != "smiles":
            pattern = Chem.MolFromSmarts(text)
    if pattern is None or not pattern.GetNumAtoms():
        repair = "write a SMARTS, a SMILES, a spectrum 'formula=…; c13=…; evidence=soft', or @FILE with a spectrum"
        raise DataError(f"query {text[:60]!r}: neither SMARTS nor SMILES\n    {repair}")
    return pattern


def _kind_and_text(query: str) -> tuple[str, str]:
    for kind in ("smiles", "smarts"):
        if query.lower().startswith(f"{kind}:"):
            return kind, query[len(kind) + 1 :].strip()
    return ("smarts" if _QUERY_SIGNS.intersection(query) else ""), query


def spectrum_of(query: str) -> Spectrum | None:
    """The spectrum of a query that is a JSON object, ``formula=…; c13=…`` or ``@FILE``; ``None`` for others.

    Raises:
        DataError: it is meant as a spectrum and cannot be read.
    """
    text = query.strip()
    if text.startswith("@"):
        return _decoded(_object(_file_text(text[1:]), text[1:]), text[1:])
    if text.startswith("{"):
        return _decoded(_object(text, "query"), "query")
    if text.lower().startswith(("formula=", "c13=", "h1=")):
        parts = (part.partition("=") for part in text.split(";") if part.strip())
        return _decoded({name.strip().lower(): value.strip() for name, _, value in parts}, "query")
    return None


def _file_text(name: str) -> str:
    path = existing_file(name, "query")
    if path.stat().st_size > LONGEST_FILE:
        raise DataError(f"{path}: larger than {LONGEST_FILE:,} bytes; give picked peaks, not raw spectra")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text: {error}") from error


def _object(text: str, where: str) -> Any:
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{where}: not a YAML or JSON object: {' '.join(str(error).split())}") from error
    entries = content if isinstance(content, list) else [content]
    if len(entries) != 1:
        raise DataError(f"{where}: holds {len(entries)} spectra; a query is one spectrum")
    return entries[0]


def _decoded(fields: Any, where: str) -> Spectrum:
    try:
        return SpectrumCodec().decode(fields)
    except ChemistryError as error:
        raise DataError(f"{where}: {error}") from error
