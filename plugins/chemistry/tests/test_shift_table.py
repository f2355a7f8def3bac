"""Predicted against observed shifts: equivalent atoms share their lines, and what is left is listed."""

import time

import pytest

from treewright_chemistry.formula import formula_of
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.measured_task import demo_cases
from treewright_chemistry.shift_table import ShiftTable, shift_table
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import parse_structure, symmetry_classes

NITROBENZENE = "O=[N+]([O-])c1ccccc1"  # atoms 3 ipso, 4 and 8 ortho, 5 and 7 meta, 6 para
VANILLIN = "COc1cc(C=O)ccc1O"


def table(smiles: str, formula: str, c13: str, h1: str) -> ShiftTable:
    spectrum = SpectrumCodec().decode({"formula": formula, "c13": c13, "h1": h1, "evidence": "soft"})
    return shift_table(SpectrumFit(spectrum, ShiftTables.load()), parse_structure(smiles))


def lines(found: ShiftTable, nucleus: str) -> dict[int, tuple[float, ...]]:
    return {row.atom: row.lines for row in found.rows if row.nucleus == nucleus}


@pytest.mark.parametrize(
    ("h1", "para", "left"),
    [
        ("8.23 (2H), 7.70 (1H), 7.55 (2H)", 7.70, ()),
        ("8.23 (2H), 7.70 (1H), 7.55 (2H), 12.0", 7.70, (12.0,)),
    ],
)
def test_equivalent_hydrogens_share_their_line_and_counts_decide(h1: str, para: float, left: tuple[float, ...]) -> None:
    found = table(NITROBENZENE, "C6H5NO2", "148.3, 134.6, 129.3, 123.5", h1)
    assert lines(found, "1H") == {4: (8.23,), 5: (7.55,), 6: (para,), 7: (7.55,), 8: (8.23,)}
    assert found.unassigned == {"13C": (), "1H": left}


def test_equivalent_carbons_share_their_line() -> None:
    found = lines(table(NITROBENZENE, "C6H5NO2", "148.3, 134.6, 129.3, 123.5, 33.0", ""), "13C")
    assert (found[3], found[4], found[5]) == ((148.3,), found[8], found[7])


def test_a_line_that_no_atom_was_given_is_listed() -> None:
    found = table("CCO", "C2H6O", "58.3, 18.4, 128.0", "3.70 (2H), 1.20 (3H), 2.61 (1H)")
    assert lines(found, "13C") == {0: (18.4,), 1: (58.3,)}
    assert lines(found, "1H") == {0: (1.20,), 1: (3.70,)}
    assert found.unassigned == {"13C": (128.0,), "1H": (2.61,)}


def test_a_multiplet_may_serve_all_that_it_counts() -> None:
    found = table("Cc1ccccc1", "C7H8", "137.9, 129.1, 128.2, 125.3, 21.4", "7.20 (5H, m), 2.35 (3H, s), 1.56 (2H)")
    assert lines(found, "1H") == {0: (2.35,), 2: (7.2,), 3: (7.2,), 4: (7.2,), 5: (7.2,), 6: (7.2,)}
    assert found.unassigned["1H"] == (1.56,)


def test_a_counted_line_is_not_booked_twice() -> None:
    h1 = "9.83 (1H, s), 7.43 (1H, d), 7.42 (1H, d), 7.04 (1H, d), 6.4 (1H, br), 3.96 (3H, s)"
    found = table(VANILLIN, "C8H8O3", "191.0, 151.8, 147.2, 129.8, 127.5, 114.5, 108.8, 56.1", h1)
    assert sorted(value for value in lines(found, "1H").values()) == [(3.96,), (7.04,), (7.42,), (7.43,), (9.83,)]
    assert found.unassigned == {"13C": (), "1H": (6.4,)}


def test_hydrogens_of_one_carbon_may_have_lines_of_their_own() -> None:
    found = table("CC(Br)CBr", "C3H6Br2", "", "4.14 (1H), 3.83 (1H), 3.55 (1H), 1.83 (3H)")
    assert lines(found, "1H")[3] == (3.55, 3.83)
    row = next(row for row in found.rows if row.atom == 3 and row.nucleus == "1H")
    assert row.observed == pytest.approx(3.69)
    assert row.difference == pytest.approx(3.69 - row.predicted)


@pytest.mark.parametrize("case", list(demo_cases()), ids=lambda case: case.name)
def test_lines_are_used_once_by_classes_of_equivalent_atoms_or_listed(case) -> None:  # type: ignore[no-untyped-def]
    molecule = parse_structure(case.smiles)
    found = shift_table(SpectrumFit(case.spectrum, ShiftTables.load()), molecule)
    classes = symmetry_classes(molecule)
    protons = [row for row in found.rows if row.nucleus == "1H"]
    assert len({(classes[row.atom], row.lines) for row in protons}) == len({classes[row.atom] for row in protons})
    for nucleus, groups in (("13C", case.spectrum.carbon), ("1H", case.spectrum.proton)):
        observed = {peak.shift for group in groups for peak in group.peaks}
        used = {line for row in found.rows if row.nucleus == nucleus for line in row.lines}
        assert used.isdisjoint(found.unassigned[nucleus])
        assert used | set(found.unassigned[nucleus]) <= observed


def test_one_line_may_serve_any_number_of_atoms() -> None:
    found = lines(table("C" * 19, "C19H40", "29.7", "1.25"), "13C")
    assert found == {atom: (29.7,) for atom in range(19)}  # ten kinds of carbon


def test_hundreds_of_lines_are_assigned_within_seconds() -> None:
    smiles = "c1ccccc1".join(["CC(=O)", *(f"C{'C' * n}O" for n in range(7)), ""]) + "C"
    molecule = parse_structure(smiles)
    carbon = ", ".join(f"{shift / 2:.1f}" for shift in range(1, 401))
    proton = ", ".join(f"{shift / 40:.3f} (1H)" for shift in range(1, 401))
    fields = {"formula": str(formula_of(molecule)), "c13": carbon, "h1": proton, "evidence": "soft"}
    fit = SpectrumFit(SpectrumCodec().decode(fields), ShiftTables.load())
    began = time.process_time()
    found = shift_table(fit, molecule)
    assert time.process_time() - began < 5  # some 0.1 s; cost by cost it took 23 s
    assert sum(row.nucleus == "13C" and row.observed is not None for row in found.rows) == fit.spectrum.formula["C"]


def test_right_structures_are_near_and_nonsense_is_far() -> None:
    for case in demo_cases():
        fit = SpectrumFit(case.spectrum, ShiftTables.load())
        assert shift_table(fit, parse_structure(case.smiles)).far_share < 0.1
    assert table("CC(=O)c1ccccc1C", "C9H10O", "5.0, 7.0, 250.0, 300.0", "14.0, 15.0").far_share > 0.8
