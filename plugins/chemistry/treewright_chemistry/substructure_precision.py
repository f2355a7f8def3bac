"""Both retrievers of substructures side by side: ``python -m treewright_chemistry.substructure_precision DATA_DIR``.

Precision@5 of ``chemistry/substructures`` (shift windows) and ``chemistry/spectrum-encoder`` (cosine), each asked
as a search asks it, on spectra whose molecules no table, encoder or list of substructures has seen. *Contained*:
the molecule matches the substructure, open places on any heavy atom. *Cut*: the cutting rule of the knowledge base
yields it from the molecule.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from treewright_chemistry.cutting import cut_molecule
from treewright_chemistry.encoder_queries import query_of
from treewright_chemistry.encoder_retriever import EncoderRetriever
from treewright_chemistry.molgraph import UnsupportedMolecule
from treewright_chemistry.ranking import Case, calculated_cases, measured_cases
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import Mol, constitution, parse_structure
from treewright_chemistry.substructure_file import shipped_substructures
from treewright_chemistry.substructure_retriever import SubstructureRetriever
from treewright_registry import RetrieveRequest

NEAREST: Final = 5

Floats = npt.NDArray[np.float64]


def precisions(retriever: Any, cases: Iterable[Case]) -> Floats:
    """Return the shares of contained and of cut substructures among the hits, shape (cases, 2)."""
    queries = {each.smiles: query_of(each) for each in shipped_substructures()}
    codec, rows = SpectrumCodec(), []
    for case in cases:
        [hits] = retriever.retrieve([RetrieveRequest(codec.encode(case.spectrum), NEAREST)])
        molecule = Chem.MolFromSmiles(constitution(parse_structure(case.truth)))
        pieces = pieces_of(molecule)
        contained = sum(molecule.HasSubstructMatch(queries[hit.id]) for hit in hits)
        rows.append((contained / NEAREST, sum(hit.id in pieces for hit in hits) / NEAREST))
    return np.array(rows).reshape(-1, 2)


def pieces_of(molecule: Mol) -> frozenset[str]:
    """Return the SMILES of the pieces that the cutting rule yields; none for molecules that it cannot hold."""
    try:
        return frozenset(piece.smiles for piece in cut_molecule(molecule))
    except UnsupportedMolecule:
        return frozenset()


def interval(values: Floats) -> str:
    """Return mean and 95 % interval (normal law) as text."""
    half = 1.96 * float(values.std()) / max(len(values), 1) ** 0.5
    mean = float(values.mean()) if len(values) else 0.0
    return f"{mean:.3f} ({mean - half:.3f} to {mean + half:.3f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each retriever and kind of spectra."""
    parser = argparse.ArgumentParser(description="Precision@5 of both retrievers of substructures")
    parser.add_argument("data", type=Path, help="the data folder")
    parser.add_argument("--encoder", default="", help="folder of the encoder; the shipped one if absent")
    given = parser.parse_args(arguments)
    kinds = {
        "measured": list(measured_cases(given.data)),
        "calculated": list(calculated_cases(given.data)),
    }
    retrievers = {"substructures": SubstructureRetriever(), "spectrum-encoder": EncoderRetriever(encoder=given.encoder)}
    for kind, cases in kinds.items():
        for name, retriever in retrievers.items():
            found = precisions(retriever, cases)
            contained, cut = interval(found[:, 0]), interval(found[:, 1])
            print(f"{kind:11s} {name:17s} n {len(found)}  contained {contained}  cut {cut}", flush=True)


if __name__ == "__main__":
    main()
