"""The journal gives back exactly what it was given."""

import math
from typing import Any

import numpy as np
import pytest

from treewright.engine.calls import Failure
from treewright.engine.journal_encoding import Digests, decode, encode, has_failed, is_plain
from treewright_registry import (
    Blob,
    Context,
    Encoding,
    Hit,
    Likelihood,
    LikelihoodRequest,
    Problem,
    Proposals,
    ProposeRequest,
    RetrieveRequest,
    Sampling,
    Score,
    ScoreRequest,
    Step,
    Text,
    Trajectory,
    Usage,
)

PARTS = (Text("see "), Blob("ab" * 32, "image/png"))
OUTCOMES = [
    ("propose", Proposals([])),
    ("propose", Proposals([Step("x = 1", -0.1, 3, "stop"), Step("", None, 0, "length")])),
    ("propose", Proposals([Step(PARTS, -math.inf), Step({"smiles": "C#N", "at": [1, None, True]})])),
    ("propose", Proposals([Step("日本\n\ud83d \x00 é")], Usage(1, 2, 3, 4))),  # a character cut in two
    ("propose", Proposals([Step("ab", -0.5, 2, "step", Encoding("3f2a", (17, 0))), Step("c")])),
    ("propose", Proposals([Step("", -0.5, 1, "stop", Encoding("", ()))], Usage(1))),
    ("propose", Proposals([Step("half")], failed=("no service",))),
    ("propose", Failure("ConnectionError: reset by peer")),
    ("score", Score(0.1 + 0.2)),
    ("score", Score(5e-324, (1e308, -0.0, 1 / 3), usage=Usage(scored_tokens=7))),
    ("score", Score(math.nan, reason="the judge was silent")),
    ("log_likelihood", Likelihood(-1234.5678901234567, 12)),
    ("log_likelihood", Likelihood(-math.inf, 1, usage=Usage(inner_evaluations=1, generated_tokens=2))),
    ("log_likelihood", Likelihood(math.nan, reason="too long")),
    ("retrieve", []),
    ("retrieve", [Hit("7", PARTS, 0.25, "train.csv"), Hit("8", {"q": "?"}, -1.0)]),
    ("retrieve", Failure("no index")),
]


@pytest.mark.parametrize(("method", "outcome"), OUTCOMES)
def test_outcome_comes_back_as_it_was_to_the_last_bit(method: str, outcome: Any) -> None:
    back = decode(method, encode(method, outcome))
    assert repr(back) == repr(outcome)  # NaN differs from itself, its text does not
    assert type(back) is type(outcome)
    assert encode(method, back) == encode(method, outcome)
    assert has_failed(back) == has_failed(outcome)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_numbers_of_numpy_come_back_as_plain_numbers_of_the_same_value(kind: Any) -> None:
    back = decode("score", encode("score", Score(kind(3) / kind(1), (kind(7),))))
    assert (back.value, back.steps) == (3, (7,))
    assert {type(back.value), type(back.steps[0])} <= {int, float}


ODD = [
    Proposals([Step("a", np.float64(-1.0))]),
    Proposals([Step("a", -1.0, np.int64(3))]),  # type: ignore[arg-type]
    Proposals([Step("a", -1.0, True)]),
    Proposals([Step("a"), Step(PARTS)]),
    Proposals([Step({1: "a key that JSON turns into text"})]),  # type: ignore[dict-item]
    Proposals([Step(("a tuple",))]),
    Proposals([Step("a", encoding=Encoding("v", [1]))]),  # type: ignore[arg-type]
    Proposals([Step("a", encoding=Encoding("v", (np.int64(1),)))]),  # type: ignore[arg-type]
    Proposals([Step("a", encoding=("v", (1,)))]),  # type: ignore[arg-type]
    Proposals([Step("a")], Usage(np.int64(3))),  # type: ignore[arg-type]
    Score(np.float64(1.0)),
    Score(1),
    Score(0.5, (0.5,)),
    Failure("no service"),
    [Hit("7", "record", 0.5)],
]


@pytest.mark.parametrize("outcome", ODD)
def test_what_may_come_back_in_another_form_is_not_taken_for_plain(outcome: Any) -> None:
    assert not is_plain(outcome)


@pytest.mark.parametrize(
    ("method", "outcome"),
    [
        ("propose", Proposals([])),
        ("propose", Proposals([Step("a", -1.5, 3, "stop"), Step("\ud83d", None), Step("", 0)], Usage(1, 2, 3, 4))),
        (
            "propose",
            Proposals([Step("a b", -1.5, 2, "step", Encoding("3f2a", (5, 0))), Step("", encoding=Encoding("", ()))]),
        ),
        ("score", Score(0.1, usage=Usage(scored_tokens=3))),
        ("score", Score(math.nan, reason="silent")),
    ],
)
def test_what_is_taken_for_plain_comes_back_the_same_in_value_and_type(method: str, outcome: Any) -> None:
    assert is_plain(outcome)
    assert repr(decode(method, encode(method, outcome))) == repr(outcome)


@pytest.mark.parametrize("content", [{1, 2}, b"bytes", object(), [PARTS[1]]])
def test_content_that_is_no_json_is_refused(content: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode("propose", Proposals([Step(content)]))


PROBLEM = Problem("p", "how many?", {"level": 2})
ROOT = Trajectory(PROBLEM)
ONE = ROOT.extend(Step("one", -1.0, 1))
REQUEST = ProposeRequest(ONE, 4, 99, Sampling(temperature=0.5), Context((Hit("7", "record", 0.5),), "go on", (ROOT,)))
OTHERS = [
    REQUEST._replace(trajectory=ROOT),
    REQUEST._replace(trajectory=ROOT.extend(Step("two", -1.0, 1))),
    REQUEST._replace(n=3),
    REQUEST._replace(seed=98),
    REQUEST._replace(sampling=Sampling(temperature=0.25)),
    REQUEST._replace(context=Context()),
    REQUEST._replace(context=REQUEST.context._replace(instruction="stop")),
    REQUEST._replace(context=REQUEST.context._replace(hits=(Hit("8", "record", 0.5),))),
    REQUEST._replace(context=REQUEST.context._replace(hits=(Hit("7", "changed", 0.5),))),
    REQUEST._replace(context=REQUEST.context._replace(peers=(ONE,))),
    ScoreRequest(ONE, 99),
    ScoreRequest(ONE, 99, Context(instruction="go on")),
    LikelihoodRequest(ONE),
    LikelihoodRequest(ONE, Sampling(temperature=0.5)),
    RetrieveRequest("query", 4, ONE),
    RetrieveRequest("query", 5, ONE),
    RetrieveRequest("other", 4, ONE),
    RetrieveRequest("query", 4, ROOT),
    RetrieveRequest("query", 4),
]


def test_requests_that_differ_in_anything_that_a_component_sees_differ_in_their_digest() -> None:
    digests = [Digests(PROBLEM).of(request) for request in (REQUEST, *OTHERS)]
    assert len(set(digests)) == len(digests)
    assert {len(digest) for digest in digests} == {8}


def test_equal_requests_of_another_process_have_the_same_digest() -> None:
    again = Problem("p", "how many?", {"level": 2})
    same = REQUEST._replace(
        trajectory=Trajectory(again).extend(Step("one", -1.0, 1)),
        context=REQUEST.context._replace(peers=(Trajectory(again),)),
    )
    assert Digests(again).of(same) == Digests(PROBLEM).of(REQUEST)
    assert Digests(PROBLEM).of(REQUEST).hex() == DIGEST  # else every journal on disk would be refused


DIGEST = "5027822cd3e59f06"


@pytest.mark.parametrize("other", [Problem("p", "how much?", {"level": 2}), Problem("p", "how many?", {"level": 3})])
def test_changed_question_of_the_same_id_changes_the_digests(other: Problem) -> None:
    request = ScoreRequest(Trajectory(other), 1)
    assert Digests(other).of(request) != Digests(PROBLEM).of(ScoreRequest(ROOT, 1))


def test_inner_conversation_is_told_apart_by_its_prompt() -> None:
    asked = [ScoreRequest(Trajectory(Problem("judge", prompt)), 1) for prompt in ("good?", "bad?")]
    digests = [Digests(PROBLEM).of(request) for request in asked]
    assert digests[0] != digests[1]


def test_request_whose_steps_are_no_json_has_a_digest_all_the_same() -> None:
    assert Digests(PROBLEM).of(ScoreRequest(ROOT.extend(Step({1, 2})), 1)) == bytes(8)  # type: ignore[arg-type]
