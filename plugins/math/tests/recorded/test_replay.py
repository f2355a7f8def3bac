from collections import Counter
from itertools import combinations

import pytest

from treewright_math.recorded.policy import RecordedPolicy
from treewright_math.recorded.samples import Sample, as_metadata, replayed
from treewright_math.recorded.score import RecordedScore
from treewright_registry import CallFailed, Problem, ProposeRequest, ScoreRequest, Step, Trajectory

SAMPLES = [Sample("a", "1", 0.5), Sample("b", "2", -1.0), Sample("a", "1", 2.0), Sample("c", None, None)]
ROOT = Trajectory(Problem("p", "P", as_metadata(SAMPLES)))


def drawn(n, seed):
    [proposals] = RecordedPolicy().propose([ProposeRequest(ROOT, n, seed)])
    return [step.encoding.ids[0] for step in proposals.steps]


def test_as_many_as_there_are_come_in_the_files_order():
    assert drawn(4, 1) == drawn(99, 2) == [0, 1, 2, 3]
    [proposals] = RecordedPolicy().propose([ProposeRequest(ROOT, 4, 0)])
    assert [(step.content, step.finish) for step in proposals.steps] == [(s.text, "stop") for s in SAMPLES]


def test_fewer_are_a_random_subset_without_replacement():
    counts = Counter(tuple(sorted(drawn(2, seed))) for seed in range(1200))
    assert set(counts) == set(combinations(range(4), 2))
    assert all(140 < count < 265 for count in counts.values())  # 200 ± 5 standard deviations
    assert drawn(2, 7) == drawn(2, 7)
    assert {tuple(drawn(2, seed)) for seed in range(200)} >= {(0, 1), (1, 0)}


def test_labels_do_not_travel():
    metadata = as_metadata([Sample("a", "1", 0.5, "m", True)])
    assert metadata == {"samples": [{"text": "a", "answer": "1", "score": 0.5, "model": "m"}]}


def test_equal_texts_keep_their_own_scores():
    children = [ROOT.extend(step) for step in RecordedPolicy().propose([ProposeRequest(ROOT, 4, 0)])[0].steps]
    scores = RecordedScore().score([ScoreRequest(child, 0) for child in children])
    assert [score.value for score in scores[:3]] == [0.5, -1.0, 2.0]
    assert scores[3].failed and scores[3].reason == "no score is stored with this sample"
    assert RecordedScore(missing="zero").score([ScoreRequest(children[3], 0)])[0].value == 0.0


def test_a_text_without_a_number_is_the_first_of_its_kind():
    assert replayed(ROOT.extend(Step("a", finish="stop")))["score"] == 0.5
    assert replayed(ROOT.extend(Step("z", finish="stop"))) is None
    [score] = RecordedScore().score([ScoreRequest(ROOT.extend(Step("z", finish="stop")), 0)])
    assert score.failed and score.reason == "the solution is none of the problem's recorded samples"


def test_other_problems_and_further_steps_are_refused():
    with pytest.raises(CallFailed, match="use the task math/recorded"):
        RecordedPolicy().propose([ProposeRequest(Trajectory(Problem("q", "Q")), 1, 0)])
    with pytest.raises(CallFailed, match="use a search that samples whole answers"):
        RecordedPolicy().propose([ProposeRequest(ROOT.extend(Step("a")), 1, 0)])
