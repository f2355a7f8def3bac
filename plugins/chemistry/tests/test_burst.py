"""The burst finds, keeps the formula, can start anywhere, and repeats itself exactly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from treewright_chemistry.assembly import Composition
from treewright_chemistry.burst import BurstOptions, burst
from treewright_chemistry.fragments import FragmentKit, ready_fragments
from treewright_chemistry.substructures import collect

_GENERATOR = rdFingerprintGenerator.GetMorganGenerator(radius=2)


class Resemblance:
    """Stands in for a spectrum: minus the number of environments that differ from those of a target."""

    def __init__(self, target):
        self.target = _environments(Chem.MolFromSmiles(target))
        self.scored = 0

    def totals(self, molecules):
        self.scored += len(molecules)
        found = [_environments(mol) for mol in molecules]
        return np.array([-sum(((a - self.target) + (self.target - a)).values()) for a in found], float)

    def misfits(self, molecule):
        return [1.0] * molecule.GetNumAtoms()


def _environments(mol):
    return Counter(_GENERATOR.GetCountFingerprint(mol).GetNonzeroElements())


def composition_of(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return Composition.of(Counter(atom.GetAtomicNum() for atom in mol.GetAtoms()))


TARGETS = ["CC(=O)OCCC(C)C", "O=[N+]([O-])CCCCl", "CS(=O)(=O)CC", "CC1CCCC(=O)C1"]


@pytest.mark.parametrize("target", TARGETS)
def test_the_burst_finds_a_structure_that_the_score_singles_out(target):
    result = burst(composition_of(target), Resemblance(target), seed=1, evaluations=700)
    assert result.best[0] == (Chem.CanonSmiles(target), 0.0, result.best[0].move)


def test_every_candidate_has_exactly_the_formula_and_is_canonical_and_distinct():
    target = "CS(=O)(=O)c1ccc(F)cc1[N+](=O)[O-]"
    result = burst(composition_of(target), Resemblance(target), seed=3, evaluations=300, keep=300)
    smiles = [found.smiles for found in result.best]
    assert len(set(smiles)) == 300
    assert {CalcMolFormula(Chem.MolFromSmiles(each)) for each in smiles} == {"C7H6FNO4S"}
    assert not any("." in each for each in smiles)
    scores = [found.score for found in result.best]
    assert scores == sorted(scores, reverse=True)


def test_the_same_seed_gives_the_same_result_and_another_seed_another():
    target = "CCCOC(=O)CC#N"
    runs = [
        burst(composition_of(target), Resemblance(target), seed=seed, evaluations=200, keep=50) for seed in (5, 5, 6)
    ]
    assert runs[0] == runs[1]
    assert runs[0].best != runs[2].best


def test_the_budget_counts_scored_candidates_and_is_not_overrun():
    target = "CCCOC(=O)CC#N"
    fit = Resemblance(target)
    result = burst(composition_of(target), fit, seed=0, evaluations=101)
    assert (result.evaluations, fit.scored) == (101, 101)
    assert result.proposals >= 101


def test_a_burst_starts_from_a_given_structure_and_passes_over_foreign_ones():
    target = "CC(=O)OCCC(C)C"
    starts = ["CCCCCCO", "nonsense", "C[N+](C)(C)C", "CC(C)CCOC(C)=O"]
    result = burst(composition_of(target), Resemblance(target), seed=0, evaluations=1, starts=starts)
    assert result.best == ((Chem.CanonSmiles(target), 0.0, "start"),)


def test_a_formula_with_few_isomers_ends_before_its_budget():
    result = burst(composition_of("CCO"), Resemblance("CCO"), seed=0, evaluations=10_000)
    assert {found.smiles for found in result.best} == {"CCO", "COC"}
    assert result.evaluations == 2


def test_islands_and_fragments_can_be_switched_off():
    target = "CC(=O)OCCC(C)C"
    options = BurstOptions(islands=1, pool=10, fresh_share=0.0, arm_share=0.0)
    result = burst(composition_of(target), Resemblance(target), seed=0, evaluations=500, options=options)
    assert result.evaluations == 500


def test_assembly_from_fragments_reaches_a_molecule_of_two_equal_halves():
    target = "O=C(c1ccc(F)cc1)C(=O)c1ccc(F)cc1"
    pool = ["CC(=O)c1ccc(F)cc1", "O=C(O)c1ccc(F)cc1", "O=C(OC)c1ccc(F)cc1", "CCCc1ccc(F)cc1"]
    fragments = ready_fragments(collect(map(Chem.MolFromSmiles, pool), limit=50))
    composition = composition_of(target)
    kit = FragmentKit(
        fragments,
        Counter(composition.elements),
        composition.unsaturation,
        [192.5] * 2 + [129.4] * 2 + [166.7] * 2 + [132.8] * 4 + [116.4] * 4,
    )
    result = burst(composition, Resemblance(target), seed=0, evaluations=2000, kit=kit)
    assert kit.symmetries == [2]
    assert result.best[0][:2] == (Chem.CanonSmiles(target), 0.0)


@pytest.mark.parametrize(
    ("counts", "unsaturation"),
    [({6: 6, 1: 6}, 4), ({6: 1, 7: 1, 8: 2, 1: 3}, 1), ({6: 2, 16: 1, 8: 2, 1: 6}, 0), ({6: 2, 1: 6}, 0)],
)
def test_unsaturation_counts_atoms_at_their_lowest_valence(counts, unsaturation):
    assert Composition.of(counts).unsaturation == unsaturation


def test_an_element_without_a_valence_model_is_refused():
    with pytest.raises(ValueError, match=r"atomic numbers \[11\]"):
        Composition.of({6: 1, 11: 1, 1: 3})
