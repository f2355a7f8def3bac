"""Fresh molecules, from atoms, fragments and equal arms: exactly the formula, in one piece, every valence kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from treewright_chemistry.assembly import Composition, assemble, assemble_symmetric, random_isomer
from treewright_chemistry.fragments import Fragment, FragmentKit, ready_fragments
from treewright_chemistry.held_out import benchmark_blocks
from treewright_chemistry.molgraph import MolGraph, charges_fit, hydrogens, is_connected
from treewright_chemistry.structures import inchikey14
from treewright_chemistry.substructure_file import shipped_substructures

MOLECULES = (
    "CC(=O)Oc1ccc(C)cc1C(=O)O",
    "O=[N+]([O-])c1ccc(Cl)c(S(=O)(=O)NC)c1",
    "CS(=O)CCN=[N+]=[N-]",
    "C[Se]CCc1ccccc1",
    "COP(=O)(OC)C=C",
    "FC(F)(F)c1ccc(Br)nc1",
    "CC[Si](C)(C)OB(O)c1ccccc1",
    "O=C(c1ccccc1)C(=O)c1ccc(C)cc1",
    "CCCOC(=O)CC(=O)OCCC",
    "ICC#CCI",
)


def test_no_molecule_here_belongs_to_a_benchmark() -> None:
    assert not benchmark_blocks() & {inchikey14(Chem.MolFromSmiles(smiles)) for smiles in MOLECULES}


@cache
def fragments() -> list[Fragment]:
    return ready_fragments(shipped_substructures())


@cache
def composition_of(smiles: str) -> Composition:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return Composition.of(Counter(atom.GetAtomicNum() for atom in mol.GetAtoms()))


@cache
def kit_of(smiles: str) -> FragmentKit:
    composition = composition_of(smiles)
    carbons = composition.elements.count(6)
    lines = sorted(30.0 + 7.0 * (number // 2) for number in range(carbons))
    return FragmentKit(fragments(), Counter(composition.elements), composition.unsaturation, lines)


MAKERS: dict[str, Callable[[str, Random], MolGraph | None]] = {
    "random": lambda smiles, random: random_isomer(composition_of(smiles), random),
    "fragments": lambda smiles, random: assemble(composition_of(smiles), kit_of(smiles), random),
    "two arms": lambda smiles, random: assemble_symmetric(composition_of(smiles), kit_of(smiles), 2, random),
    "three arms": lambda smiles, random: assemble_symmetric(composition_of(smiles), kit_of(smiles), 3, random),
}


@pytest.mark.parametrize("maker", MAKERS)
@settings(max_examples=60, deadline=None)
@given(smiles=st.sampled_from(MOLECULES), seed=st.integers(0, 2**32))
def test_what_is_assembled_has_the_formula_and_is_whole(maker: str, smiles: str, seed: int) -> None:
    random, composition = Random(seed), composition_of(smiles)
    for _ in range(10):
        graph = MAKERS[maker](smiles, random)
        if graph is None:
            continue
        assert graph.elements == composition.elements
        assert min(hydrogens(graph)) >= 0
        assert sum(hydrogens(graph)) == composition.hydrogens
        assert is_connected(graph)
        assert all(graph.bonds[j][i] == order for i, j, order in graph.bond_list())
        if charges_fit(graph):
            mol = graph.to_mol()
            assert CalcMolFormula(mol) == CalcMolFormula(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize("maker", MAKERS)
def test_every_way_of_assembling_comes_to_molecules(maker: str) -> None:
    smiles = "CCCOC(=O)CC(=O)OCCC"
    made = [graph for seed in range(200) if (graph := MAKERS[maker](smiles, Random(seed))) is not None]
    assert len({Chem.MolToSmiles(graph.to_mol()) for graph in made}) > 20


def test_equal_arms_are_equal() -> None:
    """Few kinds among thirteen heavy atoms: of molecules made otherwise hardly 1 in 100 has at most seven."""
    smiles = "CCCOC(=O)CC(=O)OCCC"
    made = [graph for seed in range(300) if (graph := MAKERS["two arms"](smiles, Random(seed))) is not None]
    carbons = [len(set(Chem.CanonicalRankAtoms(graph.to_mol(), breakTies=False))) for graph in made]
    assert sum(classes <= 7 for classes in carbons) > len(made) / 4
