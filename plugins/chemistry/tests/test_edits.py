"""Every graph edit keeps formula, valences and connectivity."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from treewright_chemistry.crossover import copy_arm, exchange_arms, find_arms
from treewright_chemistry.edits import EDITS, apply_edit
from treewright_chemistry.held_out import benchmark_blocks
from treewright_chemistry.molgraph import ELEMENTS, MolGraph, hydrogens, is_connected
from treewright_chemistry.structures import inchikey14

# Every element of the valence model, every charged or hypervalent group, rings, cages, triple bonds. Moves are tried on
# them hundreds of times, so none may be a molecule of a benchmark.
MOLECULES = (
    "CC(=O)Oc1ccc(C)cc1C(=O)O",
    "O=[N+]([O-])c1ccc(Cl)c(S(=O)(=O)NC)c1",
    "CS(=O)CCN=[N+]=[N-]",
    "[C-]#[N+]c1ccc(F)cc1Br",
    "Cn1ccccc1=O",
    "[O-][n+]1ccc(CCI)cc1",
    "COP(=O)(OC)C=C",
    "CC12CCC(CC1)C2(C)C#N",
    "C#CCOc1ccsc1",
    "CN1C=NC2=C1C(=O)N(C)C(=O)N2C",
    "OCC1OC(O)C(O)C(O)C1O",
    "CC[Si](C)(C)OB(O)c1ccccc1",
    "C[Se]CCc1ccccc1",
)


def test_the_molecules_hold_every_element_and_are_in_no_benchmark() -> None:
    molecules = [Chem.MolFromSmiles(smiles) for smiles in MOLECULES]
    assert {atom.GetAtomicNum() for mol in molecules for atom in mol.GetAtoms()} == set(ELEMENTS) - {0, 1}
    assert not benchmark_blocks() & {inchikey14(mol) for mol in molecules}


def formula_of(graph: MolGraph) -> str:
    mol = graph.to_mol()
    assert mol is not None, "RDKit refuses the molecule"
    return str(CalcMolFormula(mol))


def assert_intact(before: MolGraph, after: MolGraph) -> None:
    assert after.elements == before.elements
    assert is_connected(after)
    assert min(hydrogens(after)) >= 0
    assert sum(hydrogens(after)) == sum(hydrogens(before))
    assert all(after.bonds[j][i] == order for i, j, order in after.bond_list())
    assert formula_of(after) == formula_of(before)


@pytest.mark.parametrize("name", sorted(EDITS))
@settings(max_examples=60, deadline=None)
@given(smiles=st.sampled_from(MOLECULES), seed=st.integers(0, 2**32))
def test_a_move_keeps_formula_valence_and_connectivity(name: str, smiles: str, seed: int) -> None:
    graph = MolGraph.from_smiles(smiles)
    random = Random(seed)
    aim = [random.random() + 0.1 for _ in graph.elements]
    before = graph.bond_list()
    for _ in range(20):
        changed = apply_edit(name, graph, random, aim)
        if changed is not None:
            assert_intact(graph, changed)
    assert graph.bond_list() == before, "the move changed its input"


@settings(max_examples=40, deadline=None)
@given(smiles=st.sampled_from(MOLECULES), seed=st.integers(0, 2**32), steps=st.integers(1, 25))
def test_a_chain_of_moves_keeps_formula_valence_and_connectivity(smiles: str, seed: int, steps: int) -> None:
    start = graph = MolGraph.from_smiles(smiles)
    random = Random(seed)
    for _ in range(steps):
        graph = apply_edit(random.choice(sorted(EDITS)), graph, random, [1.0] * len(graph.elements)) or graph
    assert_intact(start, graph)


@settings(max_examples=60, deadline=None)
@given(smiles=st.sampled_from(MOLECULES), seed=st.integers(0, 2**32))
def test_exchanging_and_copying_arms_keeps_the_formula(smiles: str, seed: int) -> None:
    graph = MolGraph.from_smiles(smiles)
    random = Random(seed)
    other = apply_edit("arms", graph, random, [1.0] * len(graph.elements)) or graph
    for changed in (
        exchange_arms(graph, find_arms(graph), other, find_arms(other), random),
        copy_arm(graph, find_arms(graph), random),
    ):
        if changed is not None:
            assert_intact(graph, changed)


def test_copying_the_only_repeated_arm_makes_the_two_places_equal() -> None:
    graph = MolGraph.from_smiles("CC(C)CCOCCCCC")
    found = {Chem.MolToSmiles(changed.to_mol()) for seed in range(200) if (changed := _copied(graph, seed))}
    assert "CC(C)CCOCCC(C)C" in found
    assert "CCCCCOCCCCC" in found


def _copied(graph: MolGraph, seed: int) -> MolGraph | None:
    return copy_arm(graph, find_arms(graph), Random(seed))


@pytest.mark.parametrize("name", sorted(EDITS))
def test_every_move_reaches_something(name: str) -> None:
    graph = MolGraph.from_smiles("CS(=O)CCC(=O)OCC(C)CCl")
    made = {
        Chem.MolToSmiles(changed.to_mol())
        for seed in range(200)
        if (changed := apply_edit(name, graph, Random(seed), [1.0] * len(graph.elements)))
    }
    made.discard(Chem.MolToSmiles(graph.to_mol()))
    assert len(made) >= 2


def test_an_oxide_oxygen_can_leave_and_return() -> None:
    sulfone = MolGraph.from_smiles("CS(=O)(=O)C")
    made = {
        Chem.MolToSmiles(changed.to_mol())
        for seed in range(100)
        if (changed := apply_edit("oxide", sulfone, Random(seed), [1.0] * 5))
    }
    assert made == {"COS(C)=O", "CS(=O)CO"}
