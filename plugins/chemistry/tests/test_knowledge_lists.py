"""Lists of SMILES: the forms that are read, and files that are not what they should be."""

from __future__ import annotations

import gzip

import pytest

from treewright_chemistry.smiles_lists import LONGEST_LINE, SmilesLine, line_count, read_smiles_lists
from treewright_registry import DataError


def lines_of(path, content, encoding="utf-8"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return [(line, text) for _, line, text in read_smiles_lists([path])]


@pytest.mark.parametrize("name", ["list.smi", "list.txt", "list"])
def test_a_plain_list_has_names_remarks_and_empty_lines(tmp_path, name):
    content = "# two molecules\nCCO ethanol, absolute\n\n\tc1ccccc1\tbenzene\r\nC#N"
    assert lines_of(tmp_path / name, content) == [(2, "CCO"), (4, "c1ccccc1"), (5, "C#N")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "id\tSMILES\tcolour\n1\tCCO\tred\n\n2\tC[C@H](N)O\tblue\n"),
        ("a.csv", '"id","name","smiles"\n1,"one, first",CCO\n\n2,two,C[C@H](N)O\n'),
    ],
)
def test_a_table_is_read_by_its_column_of_smiles(tmp_path, name, content):
    assert lines_of(tmp_path / name, content) == [(2, "CCO"), (4, "C[C@H](N)O")]


def test_a_table_without_column_names_is_read_by_its_first_column(tmp_path):
    assert lines_of(tmp_path / "a.tsv", "CCO\tC2H6O\t3\nCC\tC2H6\t2\n") == [(1, "CCO"), (2, "CC")]


def test_a_compressed_list_is_read_like_a_plain_one(tmp_path):
    content = gzip.compress(b"smiles\tname\nCCO\tethanol\n")
    assert lines_of(tmp_path / "a.tsv.gz", content) == [(2, "CCO")]


def test_files_are_told_apart_by_their_position(tmp_path):
    for name in ("a.smi", "b.smi"):
        (tmp_path / name).write_text("CCO\n")
    found = list(read_smiles_lists([tmp_path / "a.smi", tmp_path / "b.smi"]))
    assert found == [SmilesLine(0, 1, "CCO"), SmilesLine(1, 1, "CCO")]


def test_a_line_without_end_is_not_held_in_memory(tmp_path):
    found = lines_of(tmp_path / "a.smi", "C" * 3_000_000 + "\nCCO\n")
    assert [(line, len(text)) for line, text in found] == [(1, LONGEST_LINE), (2, 3)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            b"id,structure\n1,CCO\n",
            ":1: no column is named 'smiles', and the first field, 'id', is no SMILES"
            "\n    name the column of SMILES in the first line",
        ),
        ("a.tsv", b"id\tsmiles\n1\tCCO\n2\n", ":3: has 1 columns, the SMILES are in column 2"),
        ("a.smi", b"CCO\nCC\n" + b"\xff\xfe\x00" * 9, "not a text in UTF-8 (invalid start byte)"),
        ("a.smi.gz", b"CCO\n", "cannot be read, truncated or corrupted (Not a gzipped file (b'CC'))"),
        ("a.smi.gz", gzip.compress(b"CCO\n" * 99)[:-12], "truncated or corrupted (Compressed file ended before"),
    ],
)
def test_a_bad_file_is_named_with_the_line(tmp_path, name, content, message):
    with pytest.raises(DataError) as caught:
        lines_of(tmp_path / name, content)
    assert str(caught.value).startswith(f"{tmp_path / name}:")
    assert message in str(caught.value)


@pytest.mark.parametrize(("content", "number"), [("", 0), ("CCO", 1), ("CCO\n", 1), ("CCO\n\nCC", 3)])
def test_the_lines_of_plain_and_compressed_lists_are_counted(tmp_path, content, number):
    plain, packed = tmp_path / "a.smi", tmp_path / "b.smi.gz"
    plain.write_text(content)
    packed.write_bytes(gzip.compress(content.encode()))
    assert line_count([plain]) == number
    assert line_count([plain, packed]) == 2 * number


def test_a_damaged_list_is_not_counted_and_reading_it_says_why(tmp_path):
    damaged = tmp_path / "a.smi.gz"
    damaged.write_bytes(gzip.compress(b"CCO\n" * 1000)[:-20])
    assert line_count([damaged]) is None
    with pytest.raises(DataError, match="truncated or corrupted"):
        list(read_smiles_lists([damaged]))
