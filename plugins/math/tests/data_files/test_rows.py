"""Rows of data files: what is one JSON value, what is lines, and what a bad line costs."""

import gzip
import json
import subprocess
import sys

import pytest

from treewright_math.data_files.rows import read_rows
from treewright_registry import DataError

GOOD = [{"problem": "1+1", "answer": "2"}, {"problem": "2+2", "answer": "4"}, {"problem": "3+3", "answer": "6"}]
LINES = [json.dumps(row).encode() for row in GOOD]
PACKINGS = pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])


def written(folder, content, packed=False):
    file = folder / ("rows.jsonl.gz" if packed else "rows.jsonl")
    file.write_bytes(gzip.compress(content) if packed else content)
    return str(file)


def fields(file):
    return [dict(row.fields) for row in read_rows(file)]


WHOLE = {
    "list on one line": json.dumps(GOOD).encode(),
    "list on many lines": json.dumps(GOOD, indent=1).encode(),
    "list with a record a line": b"[\n" + b",\n".join(LINES) + b"\n]\n",
    "object on one line": json.dumps({"features": [], "rows": GOOD}).encode(),
    "object on many lines": json.dumps({"version": 1, "data": GOOD}, indent=2).encode(),
    "object with a record a line": b'{"examples": [\n' + b",\n".join(LINES) + b"\n]}",
    "rows that the viewer wraps": json.dumps({"rows": [{"row_idx": 3, "row": row} for row in GOOD]}).encode(),
    "list after blank lines and a mark": b"\xef\xbb\xbf\n\n" + json.dumps(GOOD).encode(),
    "lines": b"\n".join(LINES),
    "lines with carriage returns": b"\r\n".join(LINES) + b"\r\n",
    "lines with blank ones and a mark": b"\xef\xbb\xbf" + b"\n\n \n".join(LINES) + b"\n\n",
}


@PACKINGS
@pytest.mark.parametrize("layout", WHOLE)
def test_every_layout_gives_the_same_rows(tmp_path, layout, packed):
    assert fields(written(tmp_path, WHOLE[layout], packed)) == GOOD


def test_one_row_on_its_own_is_a_row_even_if_it_has_a_list(tmp_path):
    for row in (GOOD[0], {"problem": "x", "data": [1, 2]}, {"problem": "x", "examples": []}):
        assert fields(written(tmp_path, json.dumps(row).encode())) == [row]
    assert fields(written(tmp_path, json.dumps(GOOD[0], indent=1).encode())) == [GOOD[0]]


@pytest.mark.parametrize("field", ["rows", "data", "examples"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_problem_with_a_list_of_objects_is_one_row_and_no_wrapper(tmp_path, field, indent):
    row = {"question": "2+2?", "answer": "4", field: [{"question": "1+1?", "answer": "2"}]}
    assert fields(written(tmp_path, json.dumps(row, indent=indent).encode())) == [row]


@PACKINGS
def test_lines_that_end_with_carriage_returns_alone_are_refused_with_what_to_do(tmp_path, packed):
    file = written(tmp_path, b"\r".join(LINES) + b"\r", packed)
    with pytest.raises(DataError) as refused:
        list(read_rows(file))
    assert str(refused.value) == (
        f"{file}: its lines end with carriage returns alone; JSON Lines end with line feeds\n"
        "    convert it: tr '\\r' '\\n' < OLD > NEW"
    )


BAD = {
    "cut within a text": b'{"problem": "Ann has',
    "cut after a field": b'{"problem": "Ann has",',
    "cut after the bracket": b"{",
    "a Latin-1 byte": '{"problem": "café", "answer": "1"}'.encode("latin-1"),
    "a list": b"[1, 2]",
    "a list that is cut": b"[1, 2",
    "a text": b"problem,answer",
    "too deep": b"[" * 100_000,
    "very long and cut": b'{"problem": "' + b"x" * 200_000 + b'",',
}


@PACKINGS
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("where", [0, 1, 3])
def test_a_bad_line_is_one_row_with_a_fault_wherever_it_stands(tmp_path, bad, where, packed):
    lines = [*LINES[:where], BAD[bad], *LINES[where:]]
    file = written(tmp_path, b"\n".join(lines), packed)
    rows = list(read_rows(file))
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert [row.number for row in rows if row.fault is not None] == [where + 1]
    assert [dict(row.fields) for row in rows if row.fault is None] == GOOD
    assert rows[where].fault is not None
    assert rows[where].fault.startswith(f"{file}: line {where + 1}: ")


def test_two_bad_lines_at_the_beginning_are_two_faults(tmp_path):
    content = b"\n".join([BAD["cut after a field"], BAD["a Latin-1 byte"], *LINES])
    assert [row.fault is None for row in read_rows(written(tmp_path, content))] == [False, False, True, True, True]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(GOOD, indent=1).encode()[:-20],
        json.dumps({"rows": GOOD}).encode()[:-5],
        b'{"problem": "Ann has',
        b'{"problem": "a",\n{"problem": "b"',
    ],
)
def test_a_file_without_any_row_is_refused_as_a_whole(tmp_path, content):
    with pytest.raises(DataError, match=r"rows\.jsonl: not a JSON file: "):
        fields(written(tmp_path, content))


def test_line_separators_of_unicode_within_a_text_end_no_line(tmp_path):
    row = {"problem": "a\u2028b\u2029c\x85d\x0ce", "answer": "1"}
    content = "\n".join([json.dumps(row, ensure_ascii=False)] * 2).encode()
    assert fields(written(tmp_path, content)) == [row, row]


def test_an_empty_file_has_no_rows(tmp_path):
    assert fields(written(tmp_path, b"")) == []
    assert fields(written(tmp_path, b"\n \n", packed=True)) == []


@pytest.mark.parametrize("at", [40, 2000, -30, -5])
def test_a_damaged_gzip_file_is_named_wherever_it_is_damaged(tmp_path, at):
    packed = bytearray(gzip.compress(b"\n".join(LINES * 2000), 1))
    packed[at] ^= 0xFF
    (tmp_path / "rows.jsonl.gz").write_bytes(packed)
    with pytest.raises(DataError) as error:
        fields(str(tmp_path / "rows.jsonl.gz"))
    assert str(error.value).startswith(f"{tmp_path / 'rows.jsonl.gz'}: damaged gzip file: ")
    assert str(error.value).endswith("; fetch it again")


def test_a_gzip_file_that_is_cut_short_is_named(tmp_path):
    packed = gzip.compress(b"\n".join(LINES * 2000))
    (tmp_path / "rows.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"damaged gzip file: .*; fetch it again"):
        fields(str(tmp_path / "rows.jsonl.gz"))


def test_parts_of_gzip_put_together_are_read_as_one(tmp_path):
    file = tmp_path / "rows.jsonl.gz"
    file.write_bytes(b"".join(gzip.compress(line + b"\n") for line in LINES))
    assert fields(str(file)) == GOOD


MEMORY = """
import resource, sys
from treewright_math.data_files.rows import read_rows
def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = most()
count = sum(1 for row in read_rows(sys.argv[1]) if row.fault is None)
print(count, most() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory in kilobytes")
@PACKINGS
def test_lines_are_read_in_little_memory_even_after_a_bad_first_one(tmp_path, packed):
    """40 MB; read at once they took 100 MB."""
    line = json.dumps({"problem": "x" * 2000, "answer": "1"}).encode()
    file = written(tmp_path, b"\n".join([BAD["cut after a field"], *[line] * 20_000]), packed)
    done = subprocess.run([sys.executable, "-c", MEMORY, file], capture_output=True, text=True, timeout=60, check=True)
    count, grown = done.stdout.split()
    assert int(count) == 20_000
    assert float(grown) < 8
