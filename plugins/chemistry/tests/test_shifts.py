import numpy as np
import pytest
from rdkit import Chem

from treewright_chemistry.environments import RADII, environments
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.structures import bond_orders, parse_structure


@pytest.fixture(scope="module", params=[False, True], ids=["tables", "network"])
def tables(request):
    return ShiftTables.load(network=request.param)


@pytest.mark.parametrize(
    ("smiles", "carbon", "tolerance"),
    [("CCCCCC", [14.1, 22.7, 31.7, 31.7, 22.7, 14.1], 1.0), ("CC(=O)OC1CCCCC1", [21.3, 170.5], 2.0)],
)
def test_common_molecules_have_their_known_shifts(tables, smiles, carbon, tolerance):
    prediction = tables.predict(parse_structure(smiles))
    assert prediction.carbon.mean[: len(carbon)] == pytest.approx(carbon, abs=tolerance)


def test_hydrogens_are_predicted_on_their_carbon(tables):
    prediction = tables.predict(parse_structure("COc1ccccc1CCCC"))
    assert prediction.carbons.tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert prediction.proton.mean[0] == pytest.approx(3.8, abs=0.15)
    assert prediction.proton.mean[-1] == pytest.approx(0.93, abs=0.1)


def test_equivalent_atoms_get_equal_shifts(tables):
    prediction = tables.predict(parse_structure("Cc1cc(C)cc(C)c1"))
    methyls = prediction.carbon.mean[[0, 4, 7]]
    assert methyls == pytest.approx([methyls[0]] * 3, abs=1e-4)


def test_order_of_atoms_does_not_matter(tables):
    molecule = parse_structure("CCOC(=O)c1ccc(N)cc1")
    order = list(np.random.default_rng(1).permutation(molecule.GetNumAtoms()))
    shuffled = Chem.RenumberAtoms(molecule, [int(index) for index in order])
    first, second = tables.predict(molecule), tables.predict(shuffled)
    assert np.sort(first.carbon.mean) == pytest.approx(np.sort(second.carbon.mean), abs=1e-3)


def test_unknown_surroundings_give_a_wide_scale(tables):
    strange = tables.predict(parse_structure("[B-]1=[N+]=C1[Si](F)(F)[Se]C#CI"))
    usual = tables.predict(parse_structure("CCCCCC"))
    assert strange.carbon.scale.min() > usual.carbon.scale.max()


def test_a_batch_equals_single_predictions(tables):
    molecules = [parse_structure(smiles) for smiles in ("CCCCO", "CCOCC", "CC(C)(C)O", "C1CC(O)C1")]
    identifiers = np.concatenate([environments(molecule) for molecule in molecules])
    elements = [atom.GetAtomicNum() for molecule in molecules for atom in molecule.GetAtoms()]
    carbons = np.flatnonzero(np.array(elements) == 6)
    carbon, _ = tables.predict_batch(identifiers, carbons, np.stack([bond_orders(m) for m in molecules]))
    single = np.concatenate([tables.predict(molecule).carbon.mean for molecule in molecules])
    assert carbon.mean == pytest.approx(single, abs=1e-3)


@pytest.mark.parametrize("smiles", ["C", "[Na+].CC", "O", "[H][H]"])
def test_degenerate_molecules_are_predicted_without_error(tables, smiles):
    prediction = tables.predict(parse_structure(smiles))
    assert len(prediction.carbon.mean) == smiles.count("C")


def test_environments_have_one_identifier_per_atom_and_radius():
    assert environments(parse_structure("c1ccccc1O")).shape == (7, RADII)


def test_threads_do_not_disturb_each_other():
    from concurrent.futures import ThreadPoolExecutor

    molecules = [parse_structure("C" * number + "O") for number in range(1, 20)] * 20
    alone = [environments(molecule).tolist() for molecule in molecules]
    with ThreadPoolExecutor(8) as pool:
        together = [rows.tolist() for rows in pool.map(environments, molecules)]
    assert together == alone
