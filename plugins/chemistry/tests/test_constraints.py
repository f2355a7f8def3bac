from treewright_chemistry.constraints import constraints_of, violations
from treewright_chemistry.formula import parse_formula
from treewright_chemistry.peak_grammar import parse_groups
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import parse_structure

PROTON = "1.18 (3H, t, J = 7.0 Hz), 3.60 (2H, q, J = 7.0 Hz)"


def ethanol(evidence):
    carbon = parse_groups("18.0 (1C, s), 58.0 (1C, s)", "13C")
    return Spectrum(parse_formula("C2H6O"), carbon, parse_groups(PROTON, "1H"), evidence)


def kinds(evidence):
    return {constraint.name: constraint.kind for constraint in constraints_of(ethanol(evidence))}


def test_counts_are_exact_only_for_calculated_spectra():
    assert kinds("exact")["labile-hydrogens"] == "exact"
    assert kinds("soft")["labile-hydrogens"] == "soft"
    assert kinds("soft")["formula"] == "exact"


def test_the_truth_violates_nothing():
    assert violations(constraints_of(ethanol("exact")), parse_structure("CCO")) == []


def test_an_isomer_is_told_what_it_misses():
    found = violations(constraints_of(ethanol("exact")), parse_structure("COC"))
    names = {constraint.name: amount for constraint, amount in found}
    assert names["labile-hydrogens"] == 2.0  # one hydrogen too many on carbon, weight 2
    assert "carbon-classes" in names


def test_texts_name_neighbours_and_partners():
    text = " ".join(constraint.text for constraint in constraints_of(ethanol("exact")))
    assert "5 hydrogens sit on carbon and 1 on O, N or S." in text
    assert "The hydrogens at 1.18 ppm (t) have 2 neighbouring hydrogens." in text
    assert "The hydrogens at 1.18 and 3.6 ppm share J = 7 Hz" in text


def test_exact_demands_come_first():
    found = [constraint.kind for constraint in constraints_of(ethanol("exact"))]
    assert found == sorted(found, key=lambda kind: kind != "exact")
