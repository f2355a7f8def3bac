import pickle

import pytest

from treewright_chemistry.errors import StructureError
from treewright_chemistry.structures import constitution, inchikey14, parse_structure


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a molecule",
        "C" * 10_000,
        "C" * 1_500,
        "C1" + "C" * 100 + "1",
        "C(C)(C)(C)(C)C",
        "C1CC",
        "[" * 500,
    ],
)
def test_hostile_smiles_are_refused(text):
    with pytest.raises(StructureError) as caught:
        parse_structure(text, field="answer 2")
    assert str(caught.value).startswith("answer 2:")


def test_constitution_ignores_stereo_isotopes_and_spelling():
    texts = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(O)=O", "OC(=O)C(C)N", "[13CH3]C(N)C(=O)O"]
    assert {constitution(parse_structure(text)) for text in texts} == {"CC(N)C(=O)O"}


def test_inchikey_block_names_the_constitution():
    assert inchikey14(parse_structure("CCO")) == "LFQSCWFLJHTTHZ"


def test_error_survives_the_way_between_processes():
    with pytest.raises(StructureError) as caught:
        parse_structure("")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy), copy.field) == (StructureError, str(caught.value), "structure")
