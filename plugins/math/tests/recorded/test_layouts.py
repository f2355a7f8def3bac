import pytest

from treewright_math.data_files.fields import RowFault
from treewright_math.recorded.layouts import read_recorded
from treewright_math.recorded.samples import Sample, complete_text

QWEN = {
    "idx": 0, "question": "Q", "gt": "4", "answer": "4", "code": ["It is \\boxed{4}", "\\boxed{5}"], "pred": ["4", "5"],
    "score": [True, False], "pred_score": [[1.5], [-2.0]], "report": [None, None], "solution": "…",
    "response": ["It is \\boxed{4}", "\\boxed{5}"],
}  # fmt: skip


def test_parallel_lists():
    recorded = read_recorded(QWEN)
    assert (recorded.prompt, recorded.reference) == ("Q", "4")
    assert recorded.samples == (
        Sample("It is \\boxed{4}", "4", 1.5, "", True),
        Sample("\\boxed{5}", "5", -2.0, "", False),
    )


def test_a_list_of_objects():
    samples = [
        {"model": "a", "solution": "2 + 2.", "answer": "4", "correct": True},
        {"model": "b", "solution": "", "answer": None, "correct": False},
    ]
    recorded = read_recorded({"id": 1, "problem": "P", "gold": "4", "samples": samples})
    assert recorded.samples == (
        Sample("2 + 2.\n\nThe answer is $\\boxed{4}$.", "4", None, "a", True),
        Sample("", None, None, "b", False),
    )


def test_the_plain_layout():
    fields = {"id": "x", "problem": "P", "answer": 4, "samples": [{"text": "\\boxed{4}", "score": 0.5}, "#### 4"]}
    recorded = read_recorded(fields)
    assert recorded.reference == "4"
    assert recorded.samples == (Sample("\\boxed{4}", None, 0.5), Sample("#### 4"))


def test_responses_with_rewards_and_no_reference():
    recorded = read_recorded({"prompt": "P", "responses": ["a", "b"], "rewards": [1, [0.2, 0.7]]})
    assert recorded.reference is None
    assert [sample.score for sample in recorded.samples] == [1.0, 0.7]


def test_a_score_that_is_no_number_is_none():
    recorded = read_recorded({"prompt": "P", "responses": ["a", "b"], "rewards": [float("nan"), None]})
    assert [sample.score for sample in recorded.samples] == [None, None]


def test_a_boolean_score_is_a_label():
    recorded = read_recorded({"problem": "P", "samples": [{"text": "a", "score": True}]})
    assert recorded.samples == (Sample("a", None, None, "", True),)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"samples": ["a"]}, "none of the fields problem, question, prompt"),
        ({"problem": "P"}, "no list of solutions is there, neither 'samples' nor one of responses"),
        ({"problem": "P", "samples": []}, "the row holds no sample"),
        ({"problem": "P", "samples": [5]}, "sample 1 is 5, neither a text nor an object"),
        ({"problem": "P", "samples": ["a", {"answer": "4"}]}, "sample 2 has no text"),
        ({"problem": "P", "samples": [{"text": "a", "score": "high"}]}, "sample 1 has the score 'high', no number"),
        ({"problem": "P", "samples": [{"text": "a", "correct": "yes"}]}, "sample 1 has the label 'yes', neither true"),
        ({"problem": "P", "responses": ["a", "b"], "rewards": [1]}, "the field rewards has 1 entries for 2 samples"),
        ({"problem": "P", "gold": {"x": 1}, "samples": ["a"]}, "no answer"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(fields, message):
    with pytest.raises(RowFault) as raised:
        read_recorded(fields)
    assert message in str(raised.value)


def test_a_text_that_marks_its_answer_is_left_as_it_is():
    assert complete_text("#### 4", "4") == "#### 4"
    assert complete_text("Four.", "4") == "Four.\n\nThe answer is $\\boxed{4}$."
    assert complete_text("", "4") == "The answer is $\\boxed{4}$."
    assert complete_text("Four.", None) == "Four."
