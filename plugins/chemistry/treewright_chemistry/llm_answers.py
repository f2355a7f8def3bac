"""A structure out of the text that a language model wrote. The text is data: nothing in it is run or obeyed.

Read in this order, the last of a kind first: ``<smiles>…</smiles>``, a fenced block, a line that
begins with "SMILES:" or "answer:", the last line. Only the end of a long text is read, only so many
places are tried, and every text passes the limits of ``parse_structure`` before RDKit builds
anything. If no place holds a structure, the complaint is about the first place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from treewright_chemistry.errors import StructureError
from treewright_chemistry.structures import MAX_TEXT, Mol, constitution, parse_structure

MOST_READ: Final = 20_000
"""Characters at the end of an answer that are looked at."""
MOST_TRIED: Final = 8
"""Places of an answer that are tried as SMILES."""

_TAGGED: Final = re.compile(rf"<smiles>([^<>]{{1,{MAX_TEXT}}})</smiles>", re.IGNORECASE)
_FENCED: Final = re.compile(rf"```[A-Za-z]{{0,12}}\n([^`]{{1,{MAX_TEXT}}})```")
_LABELLED: Final = re.compile(
    rf"^[\s*_>#-]{{0,12}}(?:final |the )?(?:smiles|answer|structure)[\s*_]{{0,6}}[:=](?:\*\*)?(.{{1,{MAX_TEXT}}})$",
    re.IGNORECASE | re.MULTILINE,
)
_WRAPPING: Final = " \t\r\"'`,;"
_ALPHABET: Final = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:.%/\\~*]+")
_REPAIR: Final = "Write one molecule as SMILES between <smiles> and </smiles>"


@dataclass(frozen=True, slots=True)
class FoundStructure:
    """A structure read from an answer, with the canonical SMILES of its constitution."""

    smiles: str
    molecule: Mol


def read_structure(text: str) -> FoundStructure:
    """The structure that an answer gives.

    Raises:
        StructureError: there is none, or it is no single ordinary molecule; the text says what is wrong.
    """
    complaint: StructureError | None = None
    for number, place in enumerate(_places(text[-MOST_READ:])):
        if number == MOST_TRIED:
            break
        try:
            return _structure(place)
        except StructureError as error:
            complaint = complaint or error
    if complaint is None:
        raise StructureError("there is no SMILES in it", field="answer", repair=_REPAIR)
    raise complaint


def _places(text: str) -> Iterator[str]:
    """What may be a SMILES, likeliest first."""
    for pattern in (_TAGGED, _FENCED, _LABELLED):
        for content in reversed(pattern.findall(text)):
            yield from (line for line in reversed(content.splitlines()) if line.strip())
    lines = text.strip().splitlines()
    if lines and lines[-1].strip():
        yield lines[-1]


def _structure(place: str) -> FoundStructure:
    text = place.strip(_WRAPPING)
    if len(text) > 4 and text[:2] == text[-2:] == "**":  # bold; a single star is an open place of a SMILES
        text = text[2:-2].strip(_WRAPPING)
    if ":" in text and " " in text:  # "SMILES: CCO" inside a fence
        text = text.rpartition(" ")[2].strip(_WRAPPING)
    if not _ALPHABET.fullmatch(text):
        shown = repr(text if len(text) <= 60 else text[:57] + "...")
        raise StructureError(f"{shown} is not a SMILES", field="answer", repair=_REPAIR)
    molecule = parse_structure(text, field="answer")
    _check_single(molecule)
    smiles = constitution(molecule)
    return FoundStructure(smiles, parse_structure(smiles, field="answer"))


def _check_single(molecule: Mol) -> None:
    from rdkit import Chem

    if len(Chem.GetMolFrags(molecule)) > 1:
        raise StructureError("the SMILES holds several molecules", field="answer", repair=_REPAIR)
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        raise StructureError("the SMILES has an open place (*)", field="answer", repair=_REPAIR)
