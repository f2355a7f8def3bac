import gzip
import json
import os

import pytest

from treewright import load_pipeline, run_pipeline
from treewright_math.benchmarks.aime import Aime
from treewright_math.benchmarks.gsm8k import Gsm8k
from treewright_math.benchmarks.math500 import Math500
from treewright_math.benchmarks.mawps import Mawps
from treewright_math.benchmarks.olympiadbench import OlympiadBench
from treewright_math.benchmarks.svamp import Svamp
from treewright_registry import DataError, Proposals, Registry, Step, Trajectory

needs_data = pytest.mark.skipif(not os.environ.get("TREEWRIGHT_DATA"), reason="TREEWRIGHT_DATA is not set")

ROWS = {
    Gsm8k: [
        ({"question": "Two and two?", "answer": "2+2=<<2+2=4>>4\n#### 4"}, "Two and two?", "4"),
        ({"question": "Much?", "answer": "…\n#### 1,234"}, "Much?", "1234"),
        ({"question": "Plain?", "answer": "7"}, "Plain?", "7"),
        ({"question": "Number?", "answer": 8}, "Number?", "8"),
        ({"question": "Boxed?", "answer": "It is $\\boxed{1,234}$."}, "Boxed?", "1234"),
    ],
    Math500: [
        ({"problem": "Half?", "answer": "\\frac{1}{2}", "level": 2, "unique_id": "test/1"}, "Half?", "0.5"),
        ({"problem": "Root?", "solution": "It is $\\boxed{\\sqrt{2}}$."}, "Root?", "\\sqrt{2}"),
    ],
    Svamp: [
        ({"ID": "chal-1", "Body": "He has 5", "Question": "How many?", "Answer": 5.0}, "He has 5. How many?", "5"),
        ({"ID": "chal-2", "Body": "She has 5.", "Question": "And?", "Answer": "5"}, "She has 5. And?", "5"),
    ],
    Mawps: [
        ({"input": "How long?", "target": 11.5, "type": "addsub", "idx": 3}, "How long?", "11.5"),
        ({"id": "x", "question": "How far?", "result": "1/2"}, "How far?", "0.5"),
    ],
    OlympiadBench: [
        ({"id": 1, "question": "Which?", "final_answer": ["$69$,$84$"], "is_multiple_answer": True}, "Which?", "84,69"),
        ({"id": 2, "context": "Let x=1.", "question": "x?", "final_answer": ["1.05"], "error": "1e-1"},
         "Let x=1.\n\nx?", "1.0"),
    ],
    Aime: [
        ({"problem": "Number?", "answer": "073", "url": "…"}, "Number?", "73"),
        ({"ID": "2024-I-1", "Problem": "Which?", "Answer": 204, "Solution": "…"}, "Which?", "204"),
        ({"problem": "Degrees?", "answer": "336^\\circ"}, "Degrees?", "336"),
    ],
}  # fmt: skip


def written(folder, rows, *, name="set.jsonl", packed=False, as_list=False):
    text = json.dumps(rows) if as_list else "".join(json.dumps(row) + "\n" for row in rows)
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return str(path)


def said(problem, text):
    return Trajectory(problem).extend(Step(text, finish="stop"))


@pytest.fixture
def made():
    tasks = []

    def make(kind, **options):
        tasks.append(kind(**options))
        return tasks[-1]

    yield make
    for task in tasks:
        task.close()


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.__name__)
def test_rows_of_the_usual_layouts_are_problems(kind, tmp_path, made):
    task = made(kind, path=written(tmp_path, [row for row, _, _ in ROWS[kind]]))
    problems = task.problems()
    assert [problem.prompt for problem in problems] == [prompt for _, prompt, _ in ROWS[kind]]
    assert len({problem.id for problem in problems}) == len(ROWS[kind])
    for problem, (_, _, right) in zip(problems, ROWS[kind], strict=True):
        answer = task.extract(said(problem, f"Well. The answer is $\\boxed{{{right}}}$."))
        assert task.grade(problem.id, answer) == (True, {"answered": True, "grading_failed": False})
        assert task.grade(problem.id, "12345").correct is False
        assert task.grade(problem.id, None) == (False, {"answered": False})


@pytest.mark.parametrize(("packed", "as_list"), [(False, False), (True, False), (False, True), (True, True)])
def test_files_are_lines_or_a_list_plain_or_packed_whatever_their_name(packed, as_list, tmp_path, made):
    rows = [row for row, _, _ in ROWS[Gsm8k]]
    task = made(Gsm8k, path=written(tmp_path, rows, name="any.name", packed=packed, as_list=as_list))
    assert [problem.id for problem in task.problems()] == [f"gsm8k-{n}" for n in range(1, 6)]


def test_the_rows_of_the_hubs_viewer_are_unwrapped(tmp_path, made):
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"features": [], "rows": [{"row_idx": 0, "row": ROWS[Gsm8k][0][0]}]}, indent=1))
    assert [problem.prompt for problem in made(Gsm8k, path=str(path)).problems()] == ["Two and two?"]


def test_a_word_answer_gives_its_number_and_a_bare_text_its_last_one(tmp_path, made):
    task = made(Gsm8k, path=written(tmp_path, [ROWS[Gsm8k][0][0]]))
    [problem] = task.problems()
    assert task.extract(said(problem, "The answer is 4 dollars.")) == "4"
    assert task.extract(said(problem, "There are 3, so 2 + 2 = 4 in all.")) == "4"
    assert task.extract(said(problem, "So \\boxed{\\frac{1}{2}}")) == "\\frac{1}{2}"
    assert task.extract(said(problem, "I do not know.")) is None


def test_a_bare_text_is_no_latex_answer(tmp_path, made):
    task = made(Math500, path=written(tmp_path, [ROWS[Math500][0][0]]))
    [problem] = task.problems()
    assert task.extract(said(problem, "It may be 4")) is None


def test_votes_count_spellings_of_one_answer_together(tmp_path, made):
    task = made(Math500, path=written(tmp_path, [ROWS[Math500][0][0]]))
    assert task.canonical("0.50") == task.canonical("$\\dfrac{1}{2}$") != task.canonical("2")


def test_a_bad_row_is_a_failed_problem_that_names_file_and_line(tmp_path, made):
    path = tmp_path / "mixed.jsonl"
    good = json.dumps(ROWS[Gsm8k][0][0])
    lines = [good, "{not json", "[1]", '{"question": "No answer?"}', '{"question": "?", "answer": "no mark"}', "", good]
    path.write_text("\n".join(lines) + "\n")
    problems = made(Gsm8k, path=str(path)).problems()
    errors = {problem.id: problem.error for problem in problems if problem.error}
    assert [problem.id for problem in problems] == [f"gsm8k-{n}" for n in (1, 2, 3, 4, 5, 7)]
    assert errors["gsm8k-2"].startswith(f"{path}: line 2: not JSON: ")
    assert errors["gsm8k-3"] == f"{path}: line 3: is a list, not an object"
    assert errors["gsm8k-4"] == f"{path}: line 4: none of the fields answer, solution, final_answer, target is there"
    assert errors["gsm8k-5"].startswith(f"{path}: line 5: the field answer has no line '#### …'")


def test_a_file_without_a_single_good_row_is_refused(tmp_path, made):
    path = written(tmp_path, [{"x": 1}, {"question": "?"}])
    with pytest.raises(
        DataError,
        match=r"line 1: none of the fields answer, solution, final_answer, target is there\n    so in 1 row more",
    ):
        made(Gsm8k, path=path).problems()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "task.path: no file is given; write  --set task.path=FILE"),
        ("/nowhere/at/all.jsonl", "task.path: /nowhere/at/all.jsonl: there is no such file"),
        ("$NO_SUCH_VARIABLE/x.jsonl", "the environment variable NO_SUCH_VARIABLE is not set; set it, or give a path"),
    ],
)
def test_a_missing_file_is_named(path, message, made):
    with pytest.raises(DataError) as raised:
        made(Gsm8k, path=path).problems()
    assert message in str(raised.value)


def test_damaged_files_are_refused(tmp_path, made):
    whole = gzip.compress(json.dumps(ROWS[Gsm8k][0][0]).encode() * 100)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.jsonl\.gz: damaged gzip file: .*; fetch it again"):
        made(Gsm8k, path=str(tmp_path / "cut.jsonl.gz")).problems()
    (tmp_path / "cut.json").write_text("[{")
    with pytest.raises(DataError, match=r"cut\.json: not a JSON file"):
        made(Gsm8k, path=str(tmp_path / "cut.json")).problems()


def test_a_name_of_the_hub_without_the_package_says_what_to_install(made, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(DataError) as raised:
        made(Gsm8k, path="openai/gsm8k").problems()
    assert "pip install datasets, or give the path of a file" in str(raised.value)


def test_a_name_of_the_hub_is_loaded_by_the_package(made, monkeypatch):
    class Datasets:
        asked = ()

        @classmethod
        def load_dataset(cls, *names, split):
            cls.asked = (*names, split)
            if split == "nowhere":
                raise ValueError("Unknown split")
            return [ROWS[Gsm8k][0][0]]

    monkeypatch.setitem(__import__("sys").modules, "datasets", Datasets)
    assert [problem.prompt for problem in made(Gsm8k, path="openai/gsm8k", split="train").problems()] == [
        "Two and two?"
    ]
    assert Datasets.asked == ("openai/gsm8k", "main", "train")
    with pytest.raises(DataError, match=r"split 'nowhere' cannot be loaded: ValueError: Unknown split; set"):
        made(Gsm8k, path="openai/gsm8k", split="nowhere").problems()


def test_limit_and_split(tmp_path, made):
    written(tmp_path, [row for row, _, _ in ROWS[Gsm8k]], name="set_train.jsonl")
    task = made(Gsm8k, path=str(tmp_path / "set_{split}.jsonl"), split="train", limit=1)
    assert [problem.id for problem in task.problems()] == ["gsm8k-1"]
    with pytest.raises(ValueError, match="limit must be at least 1, not 0"):
        made(Gsm8k, limit=0)


def test_an_aime_answer_must_be_one(tmp_path, made):
    path = written(tmp_path, [{"problem": "?", "answer": "1000"}, ROWS[Aime][0][0]])
    assert "the answer '1000' is no whole number from 0 to 999" in made(Aime, path=path).problems()[0].error


@needs_data
@pytest.mark.parametrize(
    ("kind", "options", "count", "first"),
    [
        (Gsm8k, {}, 1319, "gsm8k-1"),
        (Gsm8k, {"split": "train"}, 7473, "gsm8k-1"),
        (Math500, {}, 500, "test/precalculus/807.json"),
        (Svamp, {}, 1000, "chal-1"),
        (Mawps, {}, 2065, "0"),
        (OlympiadBench, {}, 675, "1606"),
    ],
)
def test_the_data_folders_sets_are_read_whole(kind, options, count, first, made):
    task = made(kind, **options)
    problems = task.problems()
    assert (len(problems), problems[0].id) == (count, first)
    assert [problem.error for problem in problems if problem.error] == []
    assert {key for problem in problems for key in problem.metadata} <= {
        "subject", "level", "type", "subfield", "answer_type", "unit"
    }  # fmt: skip


@needs_data
@pytest.mark.parametrize("kind", [Math500, OlympiadBench], ids=lambda kind: kind.__name__)
def test_every_reference_is_right_when_a_solution_gives_it(kind, made):
    task = made(kind)
    wrong = []
    for problem in task.problems():
        answer = task.extract(said(problem, f"So $\\boxed{{{task._exercises[problem.id].reference}}}$."))
        wrong += [] if task.grade(problem.id, answer).correct else [problem.id]
    assert wrong == []


class SaysFour:
    """Answers every problem in three ways, two of them equal."""

    def propose(self, requests):
        texts = ["2 + 2 = 4. The answer is $4$.", "It is 5.\n#### 5", "So $\\boxed{4.0}$."]
        return [Proposals([Step(text, finish="stop") for text in texts[: request.n]]) for request in requests]


def test_a_run_votes_over_canonical_answers_and_grades_the_winner(tmp_path):
    path = written(tmp_path, [row for row, _, _ in ROWS[Gsm8k][:2]] + [{"question": "?"}])
    file = tmp_path / "four.yaml"
    file.write_text(
        f"task: {{use: math/gsm8k, path: {path}}}\npolicy: {{use: my/four}}\nsearch: {{use: core/sample, n: 3}}\n"
        "aggregator: {use: core/majority}\n"
    )
    registry = Registry.load()
    registry.add("policy", "my/four", SaysFour)
    summary = run_pipeline(load_pipeline(file, registry=registry), tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run/results.jsonl").read_text().splitlines()]
    assert [(record["answer"], record["correct"]) for record in records] == [("4", True), ("4", False), (None, None)]
    assert "line 3: none of the fields answer, solution, final_answer, target is there" in records[2]["error"]
    assert [runner["answer"] for runner in records[0]["runners_up"]] == ["5"]
    assert (summary["failures"], summary["accuracy"]) == (1, 1 / 3)
