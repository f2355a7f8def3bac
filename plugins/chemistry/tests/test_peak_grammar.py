import pytest
from hypothesis import given
from hypothesis import strategies as st

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.peak_grammar import coupling_warnings, parse_groups
from treewright_chemistry.peak_printing import format_groups
from treewright_chemistry.spectrum import Group, Peak

TOKENS = ("s", "d", "t", "q", "quint", "h", "sept", "m")


def shifts(low, high, digits):
    return st.integers(low * 10**digits, high * 10**digits).map(lambda n: n / 10**digits)


def peaks(low, high, digits):
    pattern = st.lists(st.sampled_from(TOKENS), max_size=4).map(tuple).filter(_unambiguous)
    couplings = st.lists(shifts(0, 20, 1), max_size=4).map(tuple)
    return st.builds(Peak, shifts(low, high, digits), pattern, couplings)


def _unambiguous(pattern):
    """Tokens are printed without separator; keep only patterns that a reader can tell apart."""
    return ("q" not in pattern and "s" not in pattern) or len(pattern) == 1


@st.composite
def groups(draw, low, high, digits):
    count = draw(st.none() | st.integers(1, 40))
    if draw(st.booleans()):
        return Group((draw(peaks(low, high, digits)),), count)
    several = tuple(draw(st.lists(peaks(low, high, digits), min_size=2, max_size=4)))
    ordered = sorted(peak.shift for peak in several)
    return Group(several, count, (ordered[0], ordered[-1]))


@given(st.lists(groups(-20, 240, 1), max_size=8).map(tuple))
def test_carbon_lists_survive_printing_and_reading(value):
    assert parse_groups(format_groups(value, "13C"), "13C") == value


@given(st.lists(groups(-2, 15, 3), max_size=8).map(tuple))
def test_proton_lists_survive_printing_and_reading(value):
    assert parse_groups(format_groups(value, "1H"), "1H") == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_clear_error(text):
    try:
        parse_groups(text, "1H")
    except SpectrumError as error:
        assert error.field.startswith("1H")
        assert error.repair


def test_calculator_forms_are_read():
    assert parse_groups("128.4 (2C, s), 2.0 (1C, s).", "13C") == (
        Group((Peak(128.4, ("s",)),), 2),
        Group((Peak(2.0, ("s",)),), 1),
    )
    assert parse_groups("1.90 (1H, tsept, J  = 6.8, 6.6 Hz)", "1H") == (
        Group((Peak(1.9, ("t", "sept"), (6.8, 6.6)),), 1),
    )
    assert parse_groups("30.0-30.2 (2C, 30.1 (s), 30.1 (s))", "13C") == (
        Group((Peak(30.1, ("s",)), Peak(30.1, ("s",))), 2, (30.0, 30.2)),
    )


def test_forms_of_papers_are_read():
    assert parse_groups("1H NMR: 7.26-7.30 (m, 5H), 2.1 (d, J = 7 Hz, 3H)", "1H") == (
        Group((Peak(7.28, ("m",)),), 5, (7.26, 7.3)),
        Group((Peak(2.1, ("d",), (7.0,)),), 3),
    )
    assert [group.count for group in parse_groups("128.4 (2C); 77.1, −2.1", "13C")] == [2, None, None]
    assert [group.peaks[0].shift for group in parse_groups("128.4 77.1 20", "13C")] == [128.4, 77.1, 20.0]
    assert [group.peaks[0].attached for group in parse_groups("20.1 (Q), 140.2 (1C, S), 77.1", "13C")] == [
        3,
        0,
        None,
    ]


def test_undefined_pattern_keeps_couplings():
    (group,) = parse_groups("5.2 (1H, undefined, J = 3.1 Hz)", "1H")
    assert group.peaks == (Peak(5.2, (), (3.1,)),)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("128.4 (2C", "not balanced"),
        ("128.4,, 3.0", "empty"),
        ("methyl", "shift"),
        ("2.1 (3H, xyz)", "neither count"),
        ("2.1 (3H, d, J = seven Hz)", "coupling"),
        ("2.1 (3H, 2.2 (s))", "nests"),
        ("2.1-2.3 (3H, 2.2 (1H, s))", "inside a range"),
        (", ".join(["1.0"] * 500), "limit"),
        ("((((((1.0))))))", "not balanced"),
    ],
)
def test_unreadable_list_is_refused_by_group(text, what):
    with pytest.raises(SpectrumError, match=what) as caught:
        parse_groups(text, "1H")
    assert caught.value.field.startswith("1H")


def test_couplings_that_do_not_fit_the_pattern_are_a_warning():
    groups = parse_groups("1.2 (3H, dd, J = 7.0 Hz), 2.0 (3H, s), 3.0 (1H, m, J = 2.0 Hz)", "1H")
    assert coupling_warnings(groups, "1H") == ("1H group 1: pattern dd with 1 couplings",)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("58,3; 18,4", "'58,3' looks like a decimal comma. Write a decimal point, 58.3, or a blank after a comma"),
        ("58,3 18,4", "'58,3' looks like a decimal comma."),
        ("58,3, 18,4", "'58,3' looks like a decimal comma."),
        ("58,3", "'58,3' looks like a decimal comma."),
        ("1.20 (t, J = 7,1 Hz)", "'7,1' looks like a decimal comma. Write a decimal point, 7.1"),
        ("128,77,20", "'128,77' looks like a decimal comma."),
    ],
)
def test_decimal_commas_are_refused_by_name(text, shown):
    with pytest.raises(SpectrumError) as caught:
        parse_groups(text, "13C")
    assert str(caught.value).startswith(f"13C list: {shown}")


@pytest.mark.parametrize("text", ["58.3,18.4", "58, 18", "58.3; 18.4", "58.3,18", "58,18.4"])
def test_commas_that_can_only_separate_are_read(text):
    assert [round(group.peaks[0].shift) for group in parse_groups(text, "13C")] == [58, 18]


@pytest.mark.parametrize(
    ("text", "nucleus", "same", "texts"),
    [
        ("167.5 (C=O), 120.8 (C-4), 23.7 (OCH3) ppm.", "13C", "167.5, 120.8, 23.7", ["C=O", "C-4", "OCH3"]),
        ("2.1 (6H, s, 2×CH3), 7.2 (m, 2H, H-2,6)", "1H", "2.1 (6H, s), 7.2 (m, 2H)", ["2×CH3", "H-2/6"]),
        ("9.64 (s, 1 H, NH), 9.14 (br. s, 1 H, OH) ppm;", "1H", "9.64 (1H, s), 9.14 (1H, br s)", ["NH", "OH"]),
        ("7.34 (AA'BB', 2 H, H-2, H-6)", "1H", "7.34 (2H)", ["AA'BB'", "H-2", "H-6"]),
        ("3.4 (2H, OC(CH3)2CH2), 7.2 (arom., 5H)", "1H", "3.4 (2H), 7.2 (5H)", ["OC(CH3)2CH2", "arom."]),
        ("7.1-7.3 (5H, 7.17 (d, J = 7.8 Hz, 4'-H), 7.26 (s))", "1H",
         "7.1-7.3 (5H, 7.17 (d, J = 7.8 Hz), 7.26 (s))", ["4'-H"]),
    ],
)  # fmt: skip
def test_assignments_are_passed_over_and_told(text, nucleus, same, texts):
    skipped: list[str] = []
    assert parse_groups(text, nucleus, skipped) == parse_groups(same, nucleus)
    assert skipped == texts


@pytest.mark.parametrize("text", ["6.68 (dd, 3J = 8.8, 4J=2.2 Hz, 2 H)", "6.68 (dd, J(H,H) = 8.8, J(H,F) = 2.2 Hz, 2H)",
                                  "6.68 (dd, J = 8.8, 2.2, 2H)"])  # fmt: skip
def test_couplings_may_name_their_order_and_nuclei(text):
    assert parse_groups(text, "1H") == (Group((Peak(6.68, ("d", "d"), (8.8, 2.2)),), 2),)


def test_a_count_of_the_other_nucleus_is_refused():
    with pytest.raises(SpectrumError, match="1H group 1: '2C' does not begin with a shift"):
        parse_groups("7.2 (2C)", "1H")


LINE = "7.93 ({}, 1H), 4.21 (dd, J = 8.0, 1.5 Hz, 2H), 0.96 (s, 3H)."


@pytest.mark.parametrize(
    ("printed", "pattern"),
    [
        *((each, "quint") for each in ("p", "pent", "quin", "quintet", "pentet")),
        *((each, "sept") for each in ("hept", "spt", "septet", "heptet")),
        *((each, "h") for each in ("sext", "sxt", "sextet")),
        *((each, "brs") for each in ("bs", "br s", "br. s.", "br-s", "broad singlet")),
        *((each, "t") for each in ("app t", "app. t", "apparent triplet", "triplet")),
        *((each, "dt") for each in ("doublet of triplets", "d of t")),
        ("dp", "dquint"),
    ],
)
def test_patterns_may_have_the_names_that_papers_give_them(printed, pattern):
    assert parse_groups(LINE.format(printed), "1H") == parse_groups(LINE.format(pattern), "1H")


def test_a_p_that_may_be_a_pentet_or_pseudo_is_refused():
    with pytest.raises(SpectrumError, match="1H group 1: 'pt' is neither count, pattern nor coupling"):
        parse_groups(LINE.format("pt"), "1H")


@pytest.mark.parametrize(
    "printed",
    ["J1 = 8.0, J2 = 1.5 Hz", "J_1 = 8.0 Hz, J_2 = 1.5 Hz", "J = 8.0 and 1.5 Hz", "J = 8.0/1.5 Hz",
     "J = 8.0, and 1.5 Hz", "3JH-H = 8.0, 4JH-H = 1.5 Hz",
     "J_HH = 8.0, 1.5 Hz", "J_{HH} = 8.0, 1.5 Hz", "JH,H = 8.0, 1.5 Hz", "J8.0, 1.5",
     "J1,2 = 8.0, J1,3 = 1.5 Hz", "³J = 8.0 Hz, ⁴J = 1.5 Hz", "^3J = 8.0, ^4J = 1.5 Hz", "8.0 Hz, 1.5 Hz",
     "J (Hz) = 8.0, 1.5"],
)  # fmt: skip
def test_couplings_may_be_written_as_papers_write_them(printed):
    skipped: list[str] = []
    line = f"7.42 (dd, {printed}, 2H, H-5), 3.90 (s, 3H)"
    assert parse_groups(line, "1H", skipped) == parse_groups("7.42 (2H, dd, J = 8.0, 1.5 Hz), 3.90 (3H, s)", "1H")
    assert skipped == ["H-5"]


@pytest.mark.parametrize(
    ("printed", "count", "attached"),
    [("2 C", 2, None), ("2×C", 2, None), ("×2", 2, None), ("x2", 2, None), ("2CH", 2, 1), ("2x CH", 2, 1),
     ("2 × CH₂", 2, 2), ("CH3", None, 3), ("C", None, 0), ("Cq", None, 0), ("1C, CH3", 1, 3), ("C-3", None, None)],
)  # fmt: skip
def test_carbons_may_be_counted_with_their_hydrogens(printed, count, attached):
    other, group = parse_groups(f"191.0 (C=O), 128.6 ({printed})", "13C")
    assert (group.count, group.peaks[0].attached) == (count, attached)
    assert parse_groups(format_groups((other, group), "13C"), "13C") == (other, group)


@pytest.mark.parametrize(("printed", "count"), [("~2H", 2), ("ca. 2 H", 2), ("2.0H", 2), ("2 x H", 2)])
def test_rough_counts_are_counts(printed, count):
    assert parse_groups(f"7.2 ({printed}, m)", "1H")[0].count == count


@pytest.mark.parametrize("count", ["1.5", "9999", "1" * 500])
def test_counts_that_are_none_are_refused(count):
    with pytest.raises(SpectrumError, match=r"1H group 2: a count of .* Counts are whole numbers up to 999"):
        parse_groups(f"2.0 (3H), 7.2 ({count}H, m)", "1H")


@pytest.mark.parametrize(
    "text",
    ["7.26 (s, 1H)\n3.90 (s, 3H)\n1.20", "7.26 (s, 1H) 3.90 (s, 3H) 1.20", "δ 7.26 (s, 1H), δ 3.90 (s, 3H), δ 1.20,",
     "δH 7.26 ppm (s, 1H), 3.90 (s, 3H), and 1.20;", "7.26 (s, 1H), 3.90 (s, 3H) and 1.20 ppm."],
)  # fmt: skip
def test_groups_are_told_apart_without_a_comma(text):
    assert parse_groups(text, "1H") == parse_groups("7.26 (1H, s), 3.90 (3H, s), 1.20", "1H")


def test_a_list_of_lines_that_wraps_anywhere_is_one_list():
    text = "7.45 –\n7.38 (m,\n2H), 3.90\n(s, 3H)"
    assert parse_groups(text, "1H") == parse_groups("7.45-7.38 (2H, m), 3.90 (3H, s)", "1H")


def test_a_missing_comma_that_could_be_a_range_is_told():
    with pytest.raises(SpectrumError, match=r"1H group 1: a comma is missing after '7.26 \(s\)'"):
        parse_groups("7.26 (s) -0.05 (s)", "1H")


def test_long_nonsense_is_refused_at_once():
    for text in (
        ",;. " * 50_000 + "x",
        "(" * 200_000,
        "7 (" + "J " * 100_000 + ")",
        "δ " * 100_000,
        "1 (2H) " * 50_000,
    ):
        with pytest.raises(SpectrumError) as caught:
            parse_groups(text, "1H")
        assert len(str(caught.value)) < 300
