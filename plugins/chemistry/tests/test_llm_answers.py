"""Structures out of the texts of language models."""

import pytest

from treewright_chemistry.errors import StructureError
from treewright_chemistry.formula import parse_formula
from treewright_chemistry.llm_answers import MOST_READ, read_structure
from treewright_chemistry.llm_facts import formula_difference
from treewright_chemistry.llm_prompts import filled


@pytest.mark.parametrize(
    ("text", "smiles"),
    [
        ("CCO", "CCO"),
        ("It is ethanol.\n\n**CCO**", "CCO"),
        ("<smiles>OCC</smiles>", "CCO"),
        ("<SMILES>\nOCC\n</SMILES> is my answer.", "CCO"),
        ("First <smiles>COC</smiles>, no: <smiles>CCO</smiles>", "CCO"),
        ("<smiles>nonsense</smiles>\nSMILES: CCO", "CCO"),
        ("```smiles\nCCO\n```\nThat is ethanol.", "CCO"),
        ("```\nSMILES: `CCO`\n```", "CCO"),
        ("**Final answer:** CCO\n\nI am sure of it.", "CCO"),
        ("- SMILES = CCO.\nThank you!", None),
        ("SMILES: C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("<smiles>O=[N+]([O-])c1ccccc1</smiles>", "O=[N+]([O-])c1ccccc1"),
        ("<smiles>[CH3:1][OH:2]</smiles>", "CO"),
    ],
)
def test_the_structure_is_found_where_models_put_it(text, smiles):
    if smiles is None:
        with pytest.raises(StructureError):
            read_structure(text)
    else:
        assert read_structure(text).smiles == smiles


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "answer: there is no SMILES in it."),
        ("   \n\n", "answer: there is no SMILES in it."),
        ("Sorry, I cannot.", "answer: 'Sorry, I cannot.' is not a SMILES."),
        ("<smiles>C1CC</smiles>", "answer: 'C1CC' is not a valid SMILES."),
        (
            "<smiles>C(C)(C)(C)(C)C</smiles>",
            "answer: 'C(C)(C)(C)(C)C' is not a valid SMILES (Explicit valence",
        ),
        ("<smiles>[Na+].[Cl-]</smiles>", "answer: the SMILES holds several molecules."),
        ("<smiles>*C</smiles>", "answer: the SMILES has an open place (*)."),
        ("<smiles>CCO" + " " * MOST_READ, "answer: there is no SMILES in it."),
    ],
)
def test_the_complaint_says_what_is_wrong(text, complaint):
    with pytest.raises(StructureError) as caught:
        read_structure(text)
    assert str(caught.value).startswith(complaint)


def test_only_a_few_places_are_tried():
    wrong = "<smiles>C1CC</smiles>" * 8
    assert read_structure("<smiles>CCO</smiles>" + wrong[21:]).smiles == "CCO"
    with pytest.raises(StructureError):
        read_structure("<smiles>CCO</smiles>" + wrong)


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        ("C2H6O", "no difference"),
        ("C3H8O", "1 C too many, 2 H too many"),
        ("CH5N", "1 C missing, 1 H missing, 1 N too many, 1 O missing"),
    ],
)
def test_formula_differences_are_spelt_out(found, difference):
    assert formula_difference(parse_formula(found), parse_formula("C2H6O")) == difference


def test_what_is_filled_in_is_no_template_and_empty_paragraphs_vanish():
    prompt = filled("repair", prompt="${complaint} $prompt", complaint="")
    assert prompt.startswith("${complaint} $prompt\n\nAn earlier answer to this could not be used:\n\nAnswer again")
