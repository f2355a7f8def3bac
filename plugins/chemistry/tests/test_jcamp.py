import pytest

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.jcamp import read_blocks, read_jcamp

TEXT = """##TITLE= butanol $$ a comment
##JCAMP-DX= 5.00
##DATA TYPE= NMR PEAK TABLE
##.OBSERVE FREQUENCY= 100.0
##.OBSERVE NUCLEUS= ^13C
##XUNITS= PPM
##PEAK TABLE= (XY..XY)
14.0, 100
19.2, 80; 34.9, 20
##END=
"""


def test_peak_table_becomes_groups_without_counts():
    peaks = read_jcamp(TEXT)
    assert (peaks.title, peaks.nucleus) == ("butanol", "13C")
    assert [(group.peaks[0].shift, group.count) for group in peaks.groups] == [
        (14.0, None),
        (19.2, None),
        (34.9, None),
    ]


def test_hertz_are_turned_to_ppm():
    peaks = read_jcamp(TEXT.replace("PPM", "HZ"))
    assert [group.peaks[0].shift for group in peaks.groups] == [0.14, 0.192, 0.349]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("##PEAK TABLE= (XY..XY)", "##XYDATA= (X++(Y..Y))", "JCAMP-DX"),
        ("^13C", "^31P", "JCAMP-DX .OBSERVE NUCLEUS"),
        ("PPM", "SECONDS", "JCAMP-DX XUNITS"),
        ("(XY..XY)", "(XYA)", "JCAMP-DX PEAK TABLE"),
        ("14.0, 100", "14.0", "JCAMP-DX PEAK TABLE"),
        ("14.0, 100", "14.0, high", "JCAMP-DX PEAK TABLE"),
        (TEXT, "no spectrum at all", "JCAMP-DX"),
        ("##PEAK", "##NPOINTS= 4\n##PEAK", "JCAMP-DX NPOINTS"),
        ("19.2, 80; 34.9, 20\n##END=\n", "", "JCAMP-DX END"),
    ],
)
def test_other_content_is_refused_by_record(old, new, field):
    with pytest.raises(SpectrumError) as caught:
        read_jcamp(TEXT.replace(old, new))
    assert caught.value.field == field


def test_a_table_that_is_cut_short_says_how_many_peaks_it_should_hold():
    whole = TEXT.replace("##PEAK", "##NPOINTS= 3\n##PEAK")
    assert len(read_jcamp(whole).groups) == 3
    with pytest.raises(SpectrumError, match="JCAMP-DX NPOINTS: the table holds 1 peaks, not 3"):
        read_jcamp(whole.partition("19.2")[0])


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_linked_compound_that_is_cut_short_is_refused_as_a_whole(closed):
    with pytest.raises(SpectrumError, match="JCAMP-DX END: not every block is closed"):
        list(read_blocks("".join(["##TITLE= butanol\n##DATA TYPE= LINK\n##BLOCKS= 2\n", *[TEXT] * closed, TEXT[:-7]])))
