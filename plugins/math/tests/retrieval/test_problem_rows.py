"""Every layout of the benchmarks as worked problems."""

import os
from pathlib import Path

import pytest

from treewright_math.retrieval.problem_rows import KnownProblem, Refused, read_problems


def read(tmp_path, text):
    (tmp_path / "rows.json").write_text(text)
    return list(read_problems([tmp_path / "rows.json"]))


@pytest.mark.parametrize(
    ("row", "problem", "solution", "answer"),
    [
        ('{"ID": "c-1", "Body": "A pack costs 76 dollars,", "Question": "What do two cost?", "Answer": 152.0}',
         "A pack costs 76 dollars. What do two cost?", "", "152"),
        ('{"context": "Let n = 2.", "question": "What is n?", "solution": ["It is 2.", "Or: 1 + 1."],'
         ' "final_answer": ["2", "3"]}', "Let n = 2.\n\nWhat is n?", "It is 2.\n\nOr: 1 + 1.", "2, 3"),
        ('{"input": "Ann had 3. How many?", "target": 3.0}', "Ann had 3. How many?", "", "3"),
        ('{"id": 1, "problem": "How many?", "gold": "18", "samples": []}', "How many?", "", "18"),
        ('{"question": "How many?", "gt": "7", "gt_cot": "It is 7."}', "How many?", "It is 7.", "7"),
        ('{"question": "How many?", "answer": "It is 7.\\n#### 7"}', "How many?", "It is 7.\n#### 7", "7"),
        ('{"problem": "How many?", "solution": "So \\\\boxed{7}."}', "How many?", "So \\boxed{7}.", "7"),
        ('{"problem": "How many?", "answer": "", "final_answer": 7}', "How many?", "", "7"),
    ],
)  # fmt: skip
def test_problem_solution_and_answer_are_read_from_all_layouts(tmp_path, row, problem, solution, answer):
    [known] = read(tmp_path, row)
    assert isinstance(known, KnownProblem)
    assert (known.problem, known.solution, known.answer) == (problem, solution, answer)


@pytest.mark.parametrize(
    ("row", "reason", "unsolved"),
    [
        ('{"problem": "How many?"}', "neither a solution nor an answer", True),
        ('{"problem": "How many?", "solution": "  ", "answer": null}', "neither a solution nor an answer", True),
        ('{"problem": "How many?", "solution": {"a": 1}}', "the field solution is", False),
        ('{"problem": "How many?", "answer": true}', "the field answer is True", False),
        ('{"answer": "7"}', "none of the fields problem", False),
    ],
)
def test_what_is_no_worked_problem_is_refused_with_its_reason(tmp_path, row, reason, unsolved):
    [refused] = read(tmp_path, row)
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert refused.unsolved is unsolved


@pytest.mark.skipif("TREEWRIGHT_DATA" not in os.environ, reason="needs the development data")
@pytest.mark.parametrize(
    ("name", "read_", "solved", "distinct"),
    [
        ("svamp.json.gz", 1000, 0, 1000),
        ("mawps.jsonl.gz", 2065, 0, 1981),
        ("olympiadbench_text.jsonl.gz", 675, 675, 675),
        ("llm_samples_gsm8k.jsonl.gz", 654, 0, 654),
        ("math500.jsonl.gz", 500, 500, 500),
        ("processbench_math.json.gz", 0, 0, 0),
    ],
)
def test_the_files_of_the_benchmarks_are_read_whole(name, read_, solved, distinct):
    rows = list(read_problems([Path(os.environ["TREEWRIGHT_DATA"]) / "math" / name]))
    known = [row for row in rows if isinstance(row, KnownProblem)]
    assert (len(known), sum(bool(row.solution) for row in known)) == (read_, solved)
    assert all(row.answer and "['" not in row.answer + row.solution[:2] for row in known)
    assert len({row.problem for row in known}) == distinct
