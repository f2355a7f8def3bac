import pytest

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.formula import parse_formula
from treewright_chemistry.peak_grammar import parse_groups
from treewright_chemistry.spectrum import Group, Peak, Spectrum, count_of
from treewright_chemistry.spectrum_codec import SpectrumCodec


def spectrum(formula="C2H6O", carbon="18.0 (1C, s), 58.0 (1C, s)", proton="", evidence="exact", **options):
    groups = parse_groups(carbon, "13C"), parse_groups(proton, "1H")
    return Spectrum(parse_formula(formula), *groups, evidence, **options)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"carbon": ""}, "13C and 1H"),
        ({"carbon": "18.0 (1C, s), 5800 (1C, s)"}, "13C group 2"),
        ({"carbon": "18.0 (1C, s)"}, "13C counts"),
        ({"carbon": "18.0, 58.0"}, "13C group 1"),
        ({"carbon": "", "proton": "1.2 (9H, t)"}, "1H counts"),
        ({"proton": "120.0 (3H, s)"}, "1H group 1"),
        ({"carbon": "17.9-18.1 (1C, 18.0 (s), 18.1 (s)), 58.0 (1C, s)"}, "13C group 1"),
        ({"formula": "H2O", "evidence": "soft"}, "formula"),
        *(({"formula": each, "carbon": "", "proton": "3.0"}, "formula") for each in ("N2H4", "S8", "SiH4", "I2", "H2")),
        ({"evidence": "certain"}, "evidence"),
        ({"provenance": "guessed"}, "provenance"),
    ],
)
def test_impossible_spectrum_names_its_field(options, field):
    with pytest.raises(SpectrumError) as caught:
        spectrum(**options)
    assert caught.value.field == field


def test_measured_lists_need_no_counts():
    assert spectrum(carbon="18.0", evidence="soft").carbon == (Group((Peak(18.0),)),)


def test_count_is_unknown_when_one_group_does_not_tell():
    assert count_of(parse_groups("1.0 (3H), 2.0", "1H")) is None
    assert count_of(parse_groups("1.0 (3H), 2.0 (2H)", "1H")) == 5


def test_evidence_must_be_said():
    with pytest.raises(SpectrumError, match="evidence"):
        SpectrumCodec().decode({"formula": "C2H6O", "c13": "18.0, 58.0"})


def test_codec_returns_the_same_spectrum():
    value = spectrum(proton="1.18 (3H, t, J = 7.0 Hz), 3.60 (2H, q, J = 7.0 Hz)", provenance="calculated")
    assert SpectrumCodec().decode(SpectrumCodec().encode(value)) == value


@pytest.mark.parametrize(
    ("formula", "carbon", "note"),
    [
        ("C100H202", "30.0", "1 line for 100 carbons"),
        ("C6H6", "128.4", "1 line for 6 carbons"),
        ("C7H8", "137.8, 129.0", "2 lines for 7 carbons"),
        ("C6H6", "128.4 (6C)", ""),
        ("C6H6O", "155.0, 129.7", ""),
        ("C9H12", "137.8-138.0 (137.8 (s), 137.9 (s), 138.0 (s))", ""),
        ("C100H202", "", ""),
    ],
)
def test_few_lines_for_many_carbons_are_remarked_upon(formula, carbon, note):
    fields = {"formula": formula, "c13": carbon, "h1": "1.2", "evidence": "soft"}
    told = "unless the molecule is highly symmetric, lines are missing and the score says little"
    assert SpectrumCodec().decode(fields).warnings == ((f"13C: {note}; {told}",) if note else ())
