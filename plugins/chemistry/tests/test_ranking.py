import pytest

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.formula import parse_formula
from treewright_chemistry.measured import measured_spectrum
from treewright_chemistry.nmrshiftdb import Record, Signal, parse_signals
from treewright_chemistry.ranking import Case, Ranking, rank
from treewright_chemistry.shifts import ShiftTables

CARBON = parse_signals("15.3;0.0Q;0|15.3;0.0Q;4|65.9;0.0T;1|65.9;0.0T;3|")
PROTON = parse_signals("1.2;0.0;0|3.48;0.0;1|")
ETHER = Record(1, "RTZKZFJDLAIYFH", "CCOCC", (CARBON,), (PROTON,))


def test_signals_are_read_with_their_hydrogens():
    assert CARBON[0] == Signal(15.3, 3, "0")
    assert PROTON[0].attached is None
    with pytest.raises(SpectrumError, match="shift"):
        parse_signals("methyl;0.0Q;0|")


def test_records_become_lines_without_assignment():
    formula = parse_formula("C4H10O")
    counted = measured_spectrum(ETHER, formula)
    assert [(group.peaks[0].shift, group.count) for group in counted.carbon] == [(15.3, 2), (65.9, 2)]
    assert [(group.peaks[0].shift, group.count) for group in counted.proton] == [(1.2, None), (3.48, None)]
    assert (counted.evidence, counted.provenance) == ("soft", "measured")
    lines = measured_spectrum(ETHER, formula, counts=False)
    assert [group.count for group in lines.carbon] == [None, None]
    assert [group.peaks[0].attached for group in measured_spectrum(ETHER, formula, letters=True).carbon] == [
        3,
        2,
    ]


def test_ranking_counts_only_cases_with_other_isomers():
    cases = [Case(measured_spectrum(ETHER, parse_formula("C4H10O")), "CCOCC")]
    tables = ShiftTables.load()
    found = rank(cases, {"C4H10O": ["CCCCO", "CC(C)(C)O", "O(CC)CC", "not a smiles"]}, tables)
    assert found == Ranking(cases=1, first=1.0, five=1.0, reciprocal=1.0, decoys=2.0)
