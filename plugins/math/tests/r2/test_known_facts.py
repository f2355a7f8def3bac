"""Facts by the terms that stand in a problem."""

import json

import pytest

from treewright_math.embedded_world.prompts import fact_record
from treewright_math.embedded_world.recipe import DIFFICULTIES
from treewright_math.embedded_world.task import draw_set
from treewright_math.retrieval.known_facts import KnownFacts
from treewright_registry import ConfigurationError, DataError, Key, RetrieveRequest


def found(facts, texts, k=3):
    return facts.retrieve([RetrieveRequest(text, k) for text in texts])


@pytest.mark.parametrize("held_out", [False, True])
def test_the_fact_that_a_problem_needs_comes_first(held_out):
    problems = draw_set(Key.root(3), 60, DIFFICULTIES["medium"]._replace(facts=1.0), held_out, "validation")
    hits = found(KnownFacts(file="embedded"), [problem.text for problem in problems])
    assert [of_one[0].content for of_one in hits] == [fact_record(problem.facts[0].text) for problem in problems]


def test_a_problem_without_their_terms_gets_none():
    problems = draw_set(Key.root(3), 30, DIFFICULTIES["medium"], False, "validation")
    assert found(KnownFacts(file="embedded"), [problem.text for problem in problems]) == [[]] * 30


def test_facts_of_a_file_are_ranked_by_the_share_of_their_terms(tmp_path):
    file = tmp_path / "facts.jsonl"
    rows = [{"content": "A prime has two divisors."}, {"id": "b", "content": "A square has four sides."}]
    file.write_text("\n".join(json.dumps(row) for row in [*rows, {"content": "A cube has six faces."}]) + "\n\n")
    [hits] = found(KnownFacts(file=str(file)), ["Which primes have two digits, and which squares?"])
    assert [(hit.id, round(hit.similarity, 6)) for hit in hits] == [("facts-1", 0.816497), ("b", 0.57735)]
    assert [hit.id for hit in found(KnownFacts(file=str(file), least=0.8), ["prime two square"])[0]] == ["facts-1"]
    assert len(found(KnownFacts(file=str(file)), ["prime two square"], k=1)[0]) == 1


def test_what_cannot_be_used_is_refused_with_its_place(tmp_path):
    file = tmp_path / "facts.jsonl"
    file.write_text('{"content": "good"}\n{"text": "bad"}\n')
    with pytest.raises(DataError, match=r'facts\.jsonl: line 2: a fact is an object with "content"'):
        KnownFacts(file=str(file))
    file.write_text("{")
    with pytest.raises(DataError, match="line 1: not JSON"):
        KnownFacts(file=str(file))
    with pytest.raises(DataError, match="cannot be read"):
        KnownFacts(file=str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="file: embedded"):
        KnownFacts(file="")
