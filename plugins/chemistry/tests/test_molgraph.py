"""The light graph keeps a molecule's identity and says what it cannot hold."""

from __future__ import annotations

import pytest
from rdkit import Chem

from treewright_chemistry.molgraph import MolGraph, UnsupportedMolecule, hydrogens


@pytest.mark.parametrize(
    "smiles",
    [
        "O=[N+]([O-])c1ccccc1",
        "CCN=[N+]=[N-]",
        "[C-]#[N+]C",
        "[O-][n+]1ccccc1",
        "C[N+]([O-])=Cc1ccccc1",
        "CS(C)(=O)=O",
        "COP(C)(=O)OC",
        "c1ccc2[nH]ccc2c1",
        "[N-]=[N+]=CC(=O)OC",
        "C=C=C",
        "Ic1ccc(F)cc1",
    ],
)
def test_a_molecule_survives_the_round_trip(smiles: str) -> None:
    back = MolGraph.from_smiles(smiles).to_mol()
    assert Chem.MolToSmiles(back) == Chem.CanonSmiles(smiles)


def test_nitro_is_pentavalent_and_carries_no_hydrogen() -> None:
    graph = MolGraph.from_smiles("C[N+](=O)[O-]")
    assert graph.bond_list() == [(0, 1, 1), (1, 2, 2), (1, 3, 2)]
    assert hydrogens(graph) == [3, 0, 0, 0]


def test_hydrogens_tell_an_exceeded_valence() -> None:
    assert hydrogens(MolGraph((6, 8), [{1: 3}, {0: 3}])) == [1, -1]


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C[N+](C)(C)C", "charge"),
        ("[CH3]", "hydrogen"),
        ("[Na]C", "element"),
        ("not a molecule", "SMILES"),
    ],
)
def test_what_the_graph_cannot_hold_is_refused_with_a_reason(smiles: str, reason: str) -> None:
    with pytest.raises(UnsupportedMolecule, match=reason):
        MolGraph.from_smiles(smiles)
