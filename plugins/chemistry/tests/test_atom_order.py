"""One constitution has one canonical SMILES, whatever the order of its atoms and however it was written."""

import random

import pytest
from rdkit import Chem

from treewright_chemistry.grading import answer_of, compare
from treewright_chemistry.molgraph import MolGraph
from treewright_chemistry.structures import constitution, parse_structure
from treewright_registry import Problem, Step, Trajectory

HARD = {
    "nitro": "Cc1c([N+](=O)[O-])cc([N+](=O)[O-])cc1[N+](=O)[O-]",
    "sulfone": "Nc1ccc(S(=O)(=O)c2ccc(N)cc2)cc1",
    "sulfonamide": "Cc1ccc(S(=O)(=O)NC(=O)NC2CCCCC2)cc1",
    "sulfoxide": "CS(=O)c1ccc2[nH]c(NC(=O)OC)nc2c1",
    "sulfoximine": "CS(=N)(=O)c1ccccc1",
    "purine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "tetrazole": "Cc1nn[nH]n1",
    "indolizine": "c1ccn2cccc2c1",
    "pyridine N-oxide": "Cc1cccc[n+]1[O-]",
    "nitrone": "CC=[N+]([O-])C(C)(C)C",
    "azide": "OCCN=[N+]=[N-]",
    "betaine": "C[N+](C)(C)CC(=O)[O-]",
    "isocyanide": "[C-]#[N+]C1CCCCC1",
    "azulene": "c1ccc2cccc2cc1",
    "porphyrin": "C1=CC2=CC3=CC=C(N3)C=C3C=CC(=N3)C=C3C=CC(=CC1=N2)N3",
    "cage": "C12C3C4C1C5C2C3C45",
    "ylide": "CP(C)(C)=CC",
}
WITHOUT_GRAPH = ("isocyanide", "betaine")  # charges that the embedded moves do not know


def shuffled(molecule, draw):
    order = list(range(molecule.GetNumAtoms()))
    draw.shuffle(order)
    return Chem.RenumberAtoms(molecule, order)


def written_at_random(molecule, seed):
    """The same molecule as foreign text: atoms in another order, aromatic or with alternating bonds."""
    [text] = Chem.MolToRandomSmilesVect(molecule, 1, randomSeed=seed + 1, kekuleSmiles=bool(seed % 2))
    return text


@pytest.mark.parametrize("name", HARD)
def test_answers_of_one_constitution_are_equal_in_any_order_and_spelling(name):
    molecule, draw = parse_structure(HARD[name]), random.Random(1)
    texts = {constitution(shuffled(molecule, draw)) for _ in range(50)}
    for seed in range(50):
        answer = Trajectory(Problem("p", "?")).extend(Step(written_at_random(molecule, seed), finish="stop"))
        texts.add(answer_of(answer))
    assert texts == {constitution(molecule)}
    assert texts == {constitution(parse_structure(text)) for text in texts}  # and stays so when it is read again


@pytest.mark.parametrize("name", HARD)
def test_grading_is_right_in_any_order_and_spelling(name):
    molecule = parse_structure(HARD[name])
    for seed in range(20):
        verdict = compare(written_at_random(molecule, seed), written_at_random(molecule, seed + 100))
        assert verdict.correct is True
        assert verdict.metrics["morgan"] == 1.0


@pytest.mark.parametrize("name", [name for name in HARD if name not in WITHOUT_GRAPH])
def test_the_policy_knows_a_molecule_again_that_its_edits_built_in_another_order(name):
    molecule, draw = parse_structure(HARD[name]), random.Random(2)
    built = set()
    for _ in range(50):
        graph = MolGraph.from_mol(shuffled(molecule, draw))
        built.add(Chem.MolToSmiles(graph.to_mol()))  # as the burst names its candidates
    assert built == {constitution(molecule)}


def test_marks_are_no_part_of_a_constitution():
    texts = ["[2H]C([2H])O", "[CH3:1][OH:2]", "[13CH3]O", "CO", "[H]OC"]
    assert {constitution(parse_structure(text)) for text in texts} == {"CO"}
    assert compare("[CH3:1][OH:2]", "CO").correct is True
