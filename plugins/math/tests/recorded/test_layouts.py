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
    ("beside", "rewards", "labels"),
    [
        ({"score": [1, 0], "pred_score": [[1.5], [-2.0]]}, [1.5, -2.0], [True, False]),
        ({"score": [True, False]}, [None, None], [True, False]),
        ({"score": [0.25, 0.75]}, [0.25, 0.75], [None, None]),
        ({"score": [1, 0]}, [1.0, 0.0], [None, None]),
        ({"score": ["0.5", "-1e-2"]}, [0.5, -0.01], [None, None]),
        ({"correct": [1, 0]}, [None, None], [True, False]),
        ({"correct": [1.0, 0.0], "score": [0.5, 0.5]}, [0.5, 0.5], [True, False]),
        ({"is_correct": ["True", "false"]}, [None, None], [True, False]),
        ({"correct": [[True], None]}, [None, None], [True, None]),
        ({"pred_score": [[[0.1, 0.2]], [[0.3], [0.4]]]}, [0.2, 0.4], [None, None]),
        ({"pred_score": [[1.5, -2.0]]}, [1.5, -2.0], [None, None]),
        ({"rewards": [True, False]}, [None, None], [True, False]),
        ({"acc": 0.5, "score": [0.1, 0.2]}, [0.1, 0.2], [None, None]),
    ],
)
def test_values_tell_rewards_from_labels(beside, rewards, labels):
    samples = read_recorded({"problem": "P", "responses": ["a", "b"], **beside}).samples
    assert [sample.score for sample in samples] == rewards
    assert [sample.correct for sample in samples] == labels


def test_the_score_of_an_object_beside_a_reward_is_its_label():
    samples = [{"text": "a", "score": 1, "reward": 0.5}, {"text": "b", "score": 0.5}]
    assert read_recorded({"problem": "P", "samples": samples}).samples == (
        Sample("a", None, 0.5, "", True),
        Sample("b", None, 0.5),
    )


CHAT = [{"role": "user", "content": "P"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    "fields",
    [
        {"problem": "P", "response": "a"},
        {"problem": "P", "code": "a"},
        {"problem": "P", "outputs": [{"text": "a"}]},
        {"problem": "P", "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}}]},
        {"problem": "P", "choices": [{"text": "a"}]},
        {"problem": "P", "response": CHAT},
        {"problem": "P", "responses": [CHAT]},
        {"problem": "P", "responses": [[CHAT[1]]]},
        {"problem": "P", "samples": [{"content": [{"type": "text", "text": "a"}]}]},
        {"prompt": CHAT[:1], "completion": "a"},
        {"messages": CHAT},
        {"doc_id": 0, "doc": {"question": "P"}, "resps": [["a"]]},
    ],
)
def test_texts_stand_in_many_shapes(fields):
    recorded = read_recorded(fields)
    assert (recorded.prompt, recorded.samples) == ("P", (Sample("a"),))


@pytest.mark.parametrize(
    ("beside", "reference"),
    [
        ({"final_answer": "4"}, "4"),
        ({"final_answer": ["4", "5"]}, "4, 5"),
        ({"target": 4}, "4"),
        ({"reference_answer": "4", "answer": ""}, "4"),
        ({"answer": "2 + 2 = 4\n#### 4"}, "4"),
        ({"answer": "It is $\\boxed{\\frac{1}{2}}$."}, "\\frac{1}{2}"),
        ({"solution": "So $\\boxed{4}$."}, "4"),
        ({"solution": "So it is."}, None),
        ({}, None),
    ],
)
def test_the_reference_has_many_names(beside, reference):
    assert read_recorded({"problem": "P", "responses": ["a", "b"], **beside}).reference == reference


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"samples": ["a"]}, "none of the fields problem, question, prompt"),
        ({"problem": "P"}, "no solution is there, neither 'samples' nor one of responses"),
        ({"problem": "P", "samples": []}, "the row holds no sample"),
        ({"problem": "P", "samples": [5]}, "sample 1 is 5, neither a text nor an object"),
        ({"problem": "P", "responses": ["a", "b"], "rewards": [1]}, "the field rewards has 1 entries for 2 samples"),
        ({"problem": "P", "responses": [None, 5]}, "sample 1 is None, neither a text nor an object"),
        ({"problem": "P", "gold": {"x": 1}, "samples": ["a"]}, "no answer"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(fields, message):
    with pytest.raises(RowFault) as raised:
        read_recorded(fields)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "sample", "fault"),
    [
        (
            {"samples": ["a", {"answer": "4"}]},
            Sample("The answer is $\\boxed{4}$.", "4"),
            "sample 2 has no text: one of",
        ),
        ({"samples": ["a", {"text": "b", "score": "high"}]}, Sample("b"), "sample 2 has the score 'high', no number"),
        (
            {"samples": ["a", {"text": "b", "answer": [1]}]},
            Sample("b"),
            "the field answer of sample 2 is [1], no answer",
        ),
        ({"responses": ["a", "b"], "correct": [1, 2]}, Sample("b"), "sample 2 has the label 2, neither true nor false"),
        (
            {"responses": ["a", "b"], "rewards": [1, "x"], "correct": [True, "yes"]},
            Sample("b"),
            "sample 2 has the score 'x', no number; sample 2 has the label 'yes', neither true nor false",
        ),
        (
            {"responses": ["a", None], "rewards": [1, 2], "correct": [True, False]},
            Sample("", None, 2.0, "", False),
            "sample 2 is None, neither a text nor an object",
        ),
    ],
)
def test_what_is_wrong_with_a_sample_concerns_that_sample_alone(fields, sample, fault):
    first, second = read_recorded({"problem": "P", **fields}).samples
    assert (first.text, first.fault) == ("a", "")
    assert second._replace(fault="") == sample
    assert second.fault.startswith(fault)


def test_a_text_that_marks_its_answer_is_left_as_it_is():
    assert complete_text("#### 4", "4") == "#### 4"
    assert complete_text("Four.", "4") == "Four.\n\nThe answer is $\\boxed{4}$."
    assert complete_text("", "4") == "The answer is $\\boxed{4}$."
    assert complete_text("Four.", None) == "Four."
