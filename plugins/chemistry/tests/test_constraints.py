import time

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


def partners(couplings):
    """Names of the pairs among groups of one hydrogen at 1, 2, 3, … ppm with these couplings."""
    text = ", ".join(f"{shift} (1H, {'d' * len(js)}, J = {', '.join(map(str, js))} Hz)" for shift, js in couplings)
    found = constraints_of(Spectrum(parse_formula("C90H100O10"), (), parse_groups(text, "1H"), "soft"))
    return [constraint.name for constraint in found if constraint.name.startswith("partners-")]


def test_partners_share_a_coupling_that_no_third_group_has():
    assert partners([(1, [8.0]), (2, [8.25]), (3, [12.0])]) == ["partners-1-2"]
    assert partners([(1, [8.0]), (2, [8.25]), (3, [8.5])]) == ["partners-1-2"]  # seen from 1; 2 has two near it
    assert partners([(1, [8.0]), (2, [8.0]), (3, [8.0])]) == []
    assert partners([(1, [8.0]), (2, [8.4])]) == []
    assert partners([(1, [4.0]), (2, [4.0])]) == []
    assert partners([(1, [15.0, 8.0]), (2, [8.0]), (3, [15.0])]) == ["partners-1-2", "partners-1-3"]


def test_hundreds_of_groups_are_compared_within_seconds_and_told_in_bounds():
    began = time.process_time()
    found = partners([(f"{n / 60:.2f}", [round(5 + n * 0.013, 1), round(7 + n * 0.017, 1)]) for n in range(1, 400)])
    assert time.process_time() - began < 5  # pair by pair it did not end
    assert len(found) <= 60
    assert len(partners([(f"{n / 20:.2f}", [5 + n // 2]) for n in range(300)])) == 60


def test_exact_demands_come_first():
    found = [constraint.kind for constraint in constraints_of(ethanol("exact"))]
    assert found == sorted(found, key=lambda kind: kind != "exact")
