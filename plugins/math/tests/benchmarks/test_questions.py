"""The task ``math/questions``: one's own questions, with references or without."""

import gzip
import io
import json
import sys

import pytest

from treewright import load_pipeline, run_pipeline
from treewright.cli.main import main
from treewright_math.benchmarks.questions import Questions
from treewright_registry import DataError, Proposals, Registry, Step, Trajectory


class SaysFour:
    """Answers every problem with four, and marks the answer."""

    def propose(self, requests):
        return [Proposals([Step("So $\\boxed{4}$.", finish="stop")] * request.n) for request in requests]


def answered(path, tmp_path, *overrides):
    file = tmp_path / "four.yaml"
    file.write_text(
        "task: {use: math/questions}\npolicy: {use: my/four}\nsearch: {use: core/sample, n: 2}\n"
        "aggregator: {use: core/majority}\n"
    )
    registry = Registry.load()
    registry.add("policy", "my/four", SaysFour)
    pipeline = load_pipeline(file, registry=registry, overrides=[f"task.input={path}", *overrides])
    summary = run_pipeline(pipeline, tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run/results.jsonl").read_text().splitlines()]
    return summary, {record["id"]: record for record in records}


def test_questions_without_references_are_answered_and_not_graded(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "a", "question": "2 + 2?"}\n{"problem": "1 + 3?"}\n')
    summary, records = answered(path, tmp_path)
    assert {name: (record["answer"], record["correct"]) for name, record in records.items()} == {
        "a": ("4", None),
        "question-2": ("4", None),
    }
    assert "accuracy" not in summary
    assert (summary["answered"], summary["failures"]) == (1.0, 0)


def test_what_has_a_reference_is_graded_and_the_rest_is_in_no_accuracy(tmp_path):
    path = tmp_path / "mine.jsonl"
    rows = [
        {"id": "a", "question": "?", "answer": 4},
        {"id": "b", "question": "?"},
        {"id": "c", "question": "?", "answer": "2 + 3 = 5\n#### 5"},
        {"id": "d", "question": "?", "gold": "\\frac{8}{2}"},
        {"id": "e", "question": "?", "answer": {"x": 1}},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary, records = answered(path, tmp_path)
    assert [records[name]["correct"] for name in "abcd"] == [True, None, False, True]
    assert "line 5: the field answer is {'x': 1}, no answer; leave it out" in records["question-5"]["error"]
    assert (summary["accuracy"], summary["metrics"]["accuracy"]["n"]) == (2 / 4, 4)


def test_what_cannot_be_read_is_wrong_only_if_it_says_what_is_right(tmp_path):
    path = tmp_path / "mine.jsonl"
    rows = ['{"question": "?", "answer": 4}', '{"question": "?"}', "{broken", '{"question": ""}', "[1, 2]"]
    path.write_text("\n".join(rows) + "\n")
    summary, _ = answered(path, tmp_path)
    assert (summary["failures"], summary["accuracy"], summary["metrics"]["accuracy"]["n"]) == (3, 1.0, 1)
    path.write_text("\n".join([*rows, '{"question": "", "answer": 4}']) + "\n")
    (tmp_path / "more").mkdir()
    summary, _ = answered(path, tmp_path / "more")
    assert (summary["failures"], summary["accuracy"], summary["metrics"]["accuracy"]["n"]) == (4, 0.5, 2)


def test_a_question_may_be_a_chat_of_which_the_user_says_the_last(tmp_path):
    path = tmp_path / "mine.jsonl"
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "2+2?"}]}]
    rows = [{"prompt": chat, "answer": "4"}, {"messages": chat}, {"prompt": chat[:1]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second, third = Questions(input=str(path)).problems()
    assert (first.prompt, second.prompt) == ("2+2?", "2+2?")
    assert third.error.startswith(f"{path}: line 3: the field prompt is [{{'role': 'system'")


def test_half_a_letter_is_a_fault_that_names_the_line(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "How?"}\n{"question": "How \\ud800 many?"}\n{"question": "How \\ud83d\\ude00?"}\n')
    problems = Questions(input=str(path)).problems()
    said = "letter 5 of the problem is \\ud800, half a letter (a lone surrogate)"
    assert [problem.error for problem in problems] == [None, f"{path}: line 2: {said}", None]


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_of_plain_text_is_a_question(packed, tmp_path):
    path = tmp_path / "mine.txt"
    text = "\ufeffWhat is 2 + 2?\n\n  Is \u2028 a line's end?\r\n".encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    problems = Questions(input=str(path)).problems()
    assert [(problem.id, problem.prompt) for problem in problems] == [
        ("question-1", "What is 2 + 2?"),
        ("question-3", "Is \u2028 a line's end?"),
    ]


def test_an_answer_must_be_marked_unless_numbers_are_asked_for(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("How many?\n")
    free, numbers = Questions(input=str(path)), Questions(input=str(path), answers="number")
    [problem] = free.problems()
    [problem] = numbers.problems()

    def answers(text):
        return [task.extract(Trajectory(problem).extend(Step(text, finish="stop"))) for task in (free, numbers)]

    assert answers("There are 7 in all.") == [None, "7"]
    assert answers("The answer is 7 pens.") == ["7 pens", "7"]


def test_what_cannot_be_read_is_refused_with_a_reason(tmp_path):
    with pytest.raises(DataError, match=r"task\.input: no file is given\n    give --input FILE"):
        Questions().problems()
    with pytest.raises(DataError, match=r"task\.input: /nowhere/mine\.txt: there is no such file"):
        Questions(input="/nowhere/mine.txt").problems()
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x00\xff")
    with pytest.raises(DataError, match=r"image\.png: neither JSON nor text in UTF-8"):
        Questions(input=str(tmp_path / "image.png")).problems()
    with pytest.raises(ValueError, match="give one of them"):
        Questions(input="a", path="b")


def test_questions_come_from_standard_input_too(tmp_path, monkeypatch, capsys):
    """By the shipped pipeline and the embedded model: it can do this one."""
    question = b"Tom has 5 apples. He buys 7 apples more. How many apples does Tom have?\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(question)))
    out = tmp_path / "run"
    assert main(["run", "math/answer", "--input", "-", "--effort", "low", "--out", str(out)]) == 0
    [record] = map(json.loads, (out / "results.jsonl").read_text().splitlines())
    assert (record["answer"], record["correct"]) == ("12", None)
    assert (out / "input").read_bytes() == question
