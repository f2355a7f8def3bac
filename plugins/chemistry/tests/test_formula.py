import pytest

from treewright_chemistry.errors import FormulaError
from treewright_chemistry.formula import Formula, formula_of, parse_formula
from treewright_chemistry.structures import parse_structure


@pytest.mark.parametrize(
    ("text", "hill", "heavy", "unsaturation"),
    [
        ("C10H14", "C10H14", 10, 4),
        ("C3H7NO2", "C3H7NO2", 6, 1),
        ("CH3CH2OH", "C2H6O", 3, 0),
        ("C₆H₅Br", "C6H5Br", 7, 4),
        ("O2S", "O2S", 3, 1),
        ("BrC6H5", "C6H5Br", 7, 4),
        (" C2 H4 O2 ", "C2H4O2", 4, 1),
    ],
)
def test_formula_is_read_in_hill_order_with_its_unsaturation(text, hill, heavy, unsaturation):
    formula = parse_formula(text)
    assert (str(formula), formula.heavy_atoms, formula.unsaturation) == (hill, heavy, unsaturation)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        ("C5H6N+", "charge"),
        ("C2H5", "odd number of electrons"),
        ("CH6", "more hydrogens"),
        ("C6H6Xx", "not supported"),
        ("C6H(6", "no part of a formula"),
        ("C0H4", "number of atoms"),
        ("C500H1002", "limit"),
        ("C99999H2", "number of atoms"),
        ("benzene", "no part"),
    ],
)
def test_bad_formula_is_refused_with_field_and_repair(text, what):
    with pytest.raises(FormulaError, match=what) as caught:
        parse_formula(text, field="row 3")
    assert caught.value.field == "row 3"
    assert caught.value.repair


def test_formula_of_a_molecule_counts_implicit_hydrogens():
    assert formula_of(parse_structure("C[N+](=O)[O-]")) == parse_formula("CH3NO2")


def test_formulas_compare_by_content():
    assert Formula((("H", 6), ("C", 2))) == parse_formula("C2H6")
    assert parse_formula("C2H6")["Cl"] == 0
