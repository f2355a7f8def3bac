"""Records hold whatever a model writes, and may be torn anywhere: resume copes with both."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engine.toys import component, pipeline
from tests.run.running import CountingSpeller, asked, run, timeless
from treewright.pipeline import PipelineSpec
from treewright.run.records import Record
from treewright.run.run_folder import RunFolder
from treewright_registry import DataError, Proposals, ProposeRequest, Step

STRANGE = "a\u2028b\u2029c\u0085d\u000be\u001cf"  # str.splitlines cuts at each of these


class Typesetter(CountingSpeller):
    """Writes answers with characters that some count as ends of lines; asked again it fails."""

    def __init__(self, *, log: str, text: str, failing: bool = False) -> None:
        super().__init__(log=log)
        self.text = text
        self.failing = failing

    def _answer(self, request: ProposeRequest) -> Proposals:
        super()._answer(request)
        if self.failing:
            raise ConnectionError(self.text)
        return Proposals([Step(self.text, finish="stop")] * request.n)


def typesetting(folder: Path, text: str, failing: bool = False) -> PipelineSpec:
    return pipeline(policy=component("policy", Typesetter, log=str(folder / "asked"), text=text, failing=failing))


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def test_answers_with_unicode_line_ends_are_resumed_and_not_asked_for_again(tmp_path: Path) -> None:
    spec = typesetting(tmp_path, STRANGE)
    run(tmp_path / "out", spec, limit=5)
    run(tmp_path / "out", spec, resume=True)
    assert asked(tmp_path) == [f"w{number}" for number in range(8)]
    assert [row["answer"] for row in rows(tmp_path / "out" / "results.jsonl")] == [STRANGE] * 8


def test_failures_with_unicode_line_ends_are_resumed_too(tmp_path: Path) -> None:
    run(tmp_path / "out", typesetting(tmp_path, STRANGE, failing=True), limit=2)
    assert [STRANGE in str(row["error"]) for row in rows(tmp_path / "out" / "results.jsonl")] == [True, True]
    run(tmp_path / "out", typesetting(tmp_path, STRANGE), resume=True)
    assert sorted(set(asked(tmp_path))) == [f"w{number}" for number in range(8)]
    assert [row["error"] for row in rows(tmp_path / "out" / "results.jsonl")] == [None] * 8


def test_half_a_character_in_an_answer_is_recorded_as_it_is(tmp_path: Path) -> None:
    spec = typesetting(tmp_path, "a\ud83d")  # a tokenizer may cut a character in two
    run(tmp_path / "out", spec, limit=5)
    run(tmp_path / "out", spec, resume=True)
    assert asked(tmp_path) == [f"w{number}" for number in range(8)]
    assert [row["answer"] for row in rows(tmp_path / "out" / "results.jsonl")] == ["a\ud83d"] * 8
    assert rows(tmp_path / "out" / "traces" / "w0.jsonl")[1]["step"] == "a\ud83d"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    begun = RunFolder(tmp_path)
    begun.open("seed: 0\n", resume=False)
    begun.close()
    return tmp_path


def taken_up(folder: Path) -> Sequence[str]:
    opened = RunFolder(folder)
    records = opened.open("seed: 0\n", resume=True)
    opened.close()
    return list(records)


def test_a_record_torn_at_any_byte_is_dropped_and_the_one_before_is_kept(folder: Path) -> None:
    first, second = [(Record(id_, answer="CH₃–é\u2028𝕏").to_line() + "\n").encode() for id_ in ("a", "b")]
    assert len(second) > len(second.decode()) + 8  # else no tear would fall inside a character
    path = folder / "results.jsonl"
    for kept in range(len(second)):
        path.write_bytes(first + second[:kept])
        assert taken_up(folder) == ["a"]
        assert path.read_bytes() == first
    path.write_bytes(first + second)
    assert taken_up(folder) == ["a", "b"]


def test_a_whole_line_that_is_no_text_is_refused_with_its_number(folder: Path) -> None:
    line = f"{Record('a').to_line()}\n".encode()
    (folder / "results.jsonl").write_bytes(line + b'{"id": "\xc3"}\n' + line)
    with pytest.raises(DataError) as refused:
        taken_up(folder)
    assert str(refused.value) == (
        f"{folder}/results.jsonl:2: not a record of a run: 'utf-8' codec can't decode byte 0xc3 in position 8:"
        " invalid continuation byte\n    delete that line; its problem is solved again"
    )


def test_a_run_torn_inside_a_character_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    spec = typesetting(tmp_path, "é\u2028é")
    run(tmp_path / "out", spec)
    path = tmp_path / "out" / "results.jsonl"
    whole, content = timeless(rows(path)), path.read_bytes()
    path.write_bytes(content[: content.rindex("é".encode()) + 1])
    (tmp_path / "asked").unlink()
    run(tmp_path / "out", spec, resume=True)
    assert asked(tmp_path) == ["w7"]
    assert timeless(rows(path)) == whole
