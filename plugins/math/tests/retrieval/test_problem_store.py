"""Worked problems found by text: built by the user's command, never the problem that is being solved."""

import gzip
import json
from dataclasses import replace

import pytest

from treewright.cli.main import main
from treewright_knowledge import KnowledgeStore, amend
from treewright_math.retrieval.problems import Problems
from treewright_math.retrieval.similar_problems import SimilarProblems
from treewright_math.retrieval.withheld import withheld_before
from treewright_registry import (
    ConfigurationError,
    DataError,
    KnowledgeBuild,
    Problem,
    RetrieveRequest,
    Trajectory,
)

MATH = [
    {
        "problem": "What is the area of a circle with radius $3$?",
        "level": "Level 1",
        "type": "Geometry",
        "solution": "The area is $\\pi r^2$. With $r=3$ this is $\\boxed{9\\pi}$.",
    },
    {
        "problem": "What is the remainder when $2^{10}$ is divided by $7$?",
        "level": "Level 3",
        "type": "Number Theory",
        "solution": "Since $2^3 = 8 \\equiv 1$, we have $2^{10} \\equiv 2$. The answer is $\\boxed{2}$.",
    },
    {
        "problem": "A bag holds $3$ red and $5$ blue marbles. What is the probability of drawing red?",
        "level": "Level 2",
        "type": "Counting & Probability",
        "solution": "There are $8$ marbles in all.\nSo it is $\\boxed{\\frac{3}{8}}$.",
    },
]
GSM8K = [
    {
        "question": "Tom sells 3 cakes a day for 5 dollars each. How much does he earn in 2 days?",
        "answer": "He sells 3*2=<<3*2=6>>6 cakes in two days.\nHe earns 6*5=<<6*5=30>>30 dollars.\n#### 30",
    },
]


@pytest.fixture
def sources(tmp_path):
    math, gsm8k = tmp_path / "math_pool.jsonl.gz", tmp_path / "gsm8k.jsonl"
    math.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in MATH).encode()))
    gsm8k.write_text("".join(json.dumps(row) + "\n" for row in GSM8K))
    return math, gsm8k


def order(sources, out, component="math/problems", **options):
    options = {"encoder": "embedded", "by": "text", **options}
    return KnowledgeBuild(tuple(sources), out, component, options, "2026-01-31", lambda *told: None)


def build(sources, out, **options):
    return Problems(**options).build(order(sources, out, **options))


def test_both_layouts_become_records_with_answers_and_provenance(sources, tmp_path):
    figures = build(sources, tmp_path / "kb", licence="MIT")
    assert figures == {"problems": 4, "repeated": 0, "left out": 0, "refused": 0}
    with KnowledgeStore.open(tmp_path / "kb") as store:
        records = list(store)
        about = store.info().description
    assert [(r.id, r.provenance) for r in records] == [
        ("math_pool-1", "math_pool.jsonl.gz:1"),
        ("math_pool-2", "math_pool.jsonl.gz:2"),
        ("math_pool-3", "math_pool.jsonl.gz:3"),
        ("gsm8k-1", "gsm8k.jsonl:1"),
    ]
    assert [r.content["answer"] for r in records] == ["9\\pi", "2", "\\frac{3}{8}", "30"]
    assert [r.content["subject"] for r in records] == ["Geometry", "Number Theory", "Counting & Probability", ""]
    assert (about.encoder.name, [s.name for s in about.sources]) == (
        "math/text-encoder", ["math_pool.jsonl.gz", "gsm8k.jsonl"],
    )  # fmt: skip


def test_the_nearest_problem_comes_first_as_a_text(sources, tmp_path):
    build(sources, tmp_path / "kb")
    (hit, *others) = Problems().search(tmp_path / "kb", "Find the remainder of $3^{20}$ divided by $5$.", 4)
    assert (hit.id, len(others)) == ("math_pool-2", 3)
    assert hit.content.startswith("Problem: What is the remainder when $2^{10}$ is divided by $7$?\nSolution: Since")
    assert hit.content.endswith("\nAnswer: 2")


def test_steps_are_found_by_their_text_and_shown_where_they_stand(sources, tmp_path):
    assert build(sources, tmp_path / "kb", level="steps")["problems"] == 4
    (hit,) = Problems().search(tmp_path / "kb", "He earns 7*4=28 dollars.", 1)
    assert hit.id == "gsm8k-1/2"
    assert hit.content == (
        "Problem: Tom sells 3 cakes a day for 5 dollars each. How much does he earn in 2 days?\n"
        "Solution:\nHe sells 3*2=6 cakes in two days.\nKey step: He earns 6*5=30 dollars."
    )


def test_by_template_numbers_do_not_matter_at_all(sources, tmp_path):
    build(sources, tmp_path / "kb", by="template")
    (hit,) = Problems().search(tmp_path / "kb", "What is the area of a circle with radius $12.5$?", 1)
    assert (hit.id, hit.similarity) == ("math_pool-1", pytest.approx(1.0, abs=1e-6))


def retrieved(retriever, query, prompt=None, k=3):
    trajectory = Trajectory(Problem("p", prompt)) if prompt is not None else None
    return [hit.id for hit in retriever.retrieve([RetrieveRequest(query, k, trajectory)])[0]]


@pytest.mark.parametrize("level", ["problems", "steps"])
def test_the_problem_being_solved_is_never_retrieved(sources, tmp_path, level):
    build(sources, tmp_path / "kb", level=level)
    retriever = SimilarProblems(knowledge=str(tmp_path / "kb"))
    for number, row in enumerate(MATH, 1):
        disguised = row["problem"].upper().replace(" ", "\n  ")
        for query, prompt in ((disguised, None), ("The area is $\\pi r^2$.", disguised)):
            found = retrieved(retriever, query, prompt)
            assert found
            assert not [name for name in found if name.partition("/")[0] == f"math_pool-{number}"]


def test_a_knowledge_base_of_the_problem_alone_brings_nothing(sources, tmp_path):
    (tmp_path / "one.jsonl").write_text(json.dumps(MATH[0]))
    build([tmp_path / "one.jsonl"], tmp_path / "kb", level="steps")
    retriever = SimilarProblems(knowledge=str(tmp_path / "kb"))
    assert retrieved(retriever, "The area is", MATH[0]["problem"]) == []
    assert retrieved(retriever, "The area is", "Another problem.") != []


def test_only_records_that_are_similar_enough_are_brought(sources, tmp_path):
    build(sources, tmp_path / "kb")
    assert retrieved(SimilarProblems(knowledge=str(tmp_path / "kb"), least=1.0), "marbles") == []
    assert len(retrieved(SimilarProblems(knowledge=str(tmp_path / "kb"), least=-1.0), "marbles", k=9)) == 4


def test_problems_of_an_excluded_file_are_left_out(sources, tmp_path):
    test = tmp_path / "test.jsonl"
    test.write_text(json.dumps({"problem": MATH[1]["problem"].replace(" ", "  "), "answer": "2"}))
    assert build(sources, tmp_path / "kb", exclude=str(test))["left out"] == 1
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert "math_pool-2" not in store


def test_excluded_problems_are_read_in_every_layout(tmp_path):
    svamp = {"Body": "A pack costs 76 dollars", "Question": "What do two cost?", "Answer": 152.0}
    (tmp_path / "test.json").write_text(json.dumps([svamp]))
    same = {"problem": "a pack costs 76 dollars. What do two cost", "solution": "They cost 2*76 = 152 dollars."}
    other = {"problem": "A pack costs 77 dollars. What do two cost?", "solution": "They cost 2*77 = 154 dollars."}
    (tmp_path / "pool.jsonl").write_text("\n".join(map(json.dumps, (same, other))))
    figures = build([tmp_path / "pool.jsonl"], tmp_path / "kb", exclude=str(tmp_path / "test.json"))
    assert (figures["problems"], figures["left out"]) == (1, 1)


def test_rows_without_solution_and_answer_are_refused_and_counted(sources, tmp_path):
    (tmp_path / "bare.jsonl").write_text('{"problem": "What is 1 + 1?"}\n{"problem": "What is 2 + 1?", "gold": "3"}')
    figures = build([*sources, tmp_path / "bare.jsonl"], tmp_path / "kb")
    assert (figures["problems"], figures["refused"], figures["without solution or answer"]) == (5, 1, 1)
    assert figures["for example"].endswith("bare.jsonl: line 1: neither a solution nor an answer: no worked problem")
    steps = build([*sources, tmp_path / "bare.jsonl"], tmp_path / "steps", level="steps")
    assert (steps["problems"], steps["refused"], steps["without steps"]) == (4, 2, 2)


@pytest.mark.parametrize("level", ["problems", "steps"])
def test_a_knowledge_base_without_a_record_is_not_built(tmp_path, level):
    (tmp_path / "one.jsonl").write_text(json.dumps(MATH[0]))
    with pytest.raises(DataError, match="would hold no record: left out 1, repeated 0, refused 0"):
        build([tmp_path / "one.jsonl"], tmp_path / "kb", level=level, exclude=str(tmp_path / "one.jsonl"))
    assert not (tmp_path / "kb").exists()


def test_a_knowledge_base_that_was_emptied_is_refused(tmp_path):
    (tmp_path / "one.jsonl").write_text(json.dumps(MATH[0]))
    build([tmp_path / "one.jsonl"], tmp_path / "kb")
    amend(tmp_path / "kb", remove=["one-1"])
    for use in (SimilarProblems, lambda **options: SimilarProblems.check_options(options)):
        with pytest.raises(DataError, match="holds no record\n    build one"):
            use(knowledge=str(tmp_path / "kb"))


def test_the_retriever_tells_what_it_withheld_with_the_next_record(sources, tmp_path):
    build(sources, tmp_path / "kb")
    retriever = SimilarProblems(knowledge=str(tmp_path / "kb"))
    for prompt, withheld in (
        (f"{MATH[0]['problem']} Answer in square metres.", 1),
        ("What is the area of a square?", 0),
    ):
        [hits] = retriever.retrieve([RetrieveRequest(prompt, 2, Trajectory(Problem("p", prompt)))])
        assert withheld_before(hits) == withheld
        assert len(hits) == 2


def test_a_check_of_the_options_finds_what_would_fail(sources, tmp_path):
    build(sources, tmp_path / "kb", level="steps")
    good = {"knowledge": str(tmp_path / "kb"), "level": "steps"}
    SimilarProblems.check_options(good)
    SimilarProblems.check_options({"knowledge": "embedded/problems", "level": "problems"})
    for change, complaint in (
        ({"knowledge": "nosuch"}, "there is no folder nosuch\n    build one"),
        ({"knowledge": str(tmp_path)}, "manifest"),
        ({"knowledge": ""}, "no folder is given"),
        ({"level": "problems"}, "holds steps, and problems are wanted here"),
        ({"knowledge": "embedded/problems"}, "holds problems, and steps are wanted here"),
        ({"least": 2.0}, "least must lie between"),
    ):
        with pytest.raises((ConfigurationError, DataError, ValueError), match=complaint):
            SimilarProblems.check_options({**good, **change})


def test_config_check_finds_a_knowledge_base_that_is_not_there(capsys):
    assert main(["config", "check", "math/r2", "--set", "retriever.problems.knowledge=nosuch"]) == 2
    assert "knowledge 'nosuch': there is no folder nosuch" in capsys.readouterr().err


def test_a_problem_is_kept_once_and_bad_rows_are_counted_and_named(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join([json.dumps(MATH[0]), json.dumps(MATH[0]), "{oops", json.dumps({"answer": "3"})]))
    figures = build([file], tmp_path / "kb")
    assert (figures["problems"], figures["repeated"], figures["refused"]) == (1, 1, 2)
    assert figures["for example"].startswith(f"{file}: line 3: not JSON: ")


def test_a_file_without_any_problem_leaves_nothing_behind(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"answer": "3"}\n')
    with pytest.raises(DataError, match=r"no row can be used: .* none of the fields problem, question"):
        build([tmp_path / "rows.jsonl"], tmp_path / "kb")
    assert not (tmp_path / "kb").exists()


def test_problems_can_be_added_and_those_known_already_are_skipped(sources, tmp_path):
    build(sources[:1], tmp_path / "kb", index="hnsw")
    figures = Problems(index="hnsw").extend(order(sources, tmp_path / "kb"))
    assert figures == {"problems": 1, "repeated": 3, "left out": 0, "refused": 0}
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert [record.id for record in store] == ["math_pool-1", "math_pool-2", "math_pool-3", "gsm8k-1"]
        assert store.info().index.kind == "hnsw"


def test_a_store_of_another_encoder_is_refused(sources, tmp_path):
    build(sources, tmp_path / "kb")
    path = tmp_path / "kb" / "manifest.json"
    fields = json.loads(path.read_text())
    fields["encoder"]["version"] = "other"
    path.write_text(json.dumps(fields))
    with pytest.raises(DataError, match=r"its vectors were made by another encoder \(math/text-encoder other\)"):
        SimilarProblems(knowledge=str(tmp_path / "kb"))


def test_a_store_of_another_component_is_refused(sources, tmp_path):
    Problems().build(replace(order(sources, tmp_path / "kb"), component="toy/words"))
    with pytest.raises(DataError, match="was built by 'toy/words', not by math/problems"):
        SimilarProblems(knowledge=str(tmp_path / "kb"))


def test_without_a_folder_the_retriever_says_how_to_make_one():
    with pytest.raises(ConfigurationError, match="treewright kb build math/problems"):
        SimilarProblems(knowledge="")


def test_an_empty_query_is_refused(sources, tmp_path):
    build(sources, tmp_path / "kb")
    with pytest.raises(DataError, match="the query is empty"):
        Problems().search(tmp_path / "kb", "  ", 3)
