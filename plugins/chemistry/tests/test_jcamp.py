import pytest

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.jcamp import read_jcamp

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
    ],
)
def test_other_content_is_refused_by_record(old, new, field):
    with pytest.raises(SpectrumError) as caught:
        read_jcamp(TEXT.replace(old, new))
    assert caught.value.field == field
