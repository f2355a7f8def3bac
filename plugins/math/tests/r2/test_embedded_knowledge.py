"""The knowledge bases that come with the plugin, and the embedded target with them."""

import json
import re
from importlib.resources import files

import pytest
from plugins.math.tests.r2.parts import Judge

from treewright import load_pipeline, run_pipeline
from treewright.cli.main import main
from treewright_knowledge import KnowledgeStore
from treewright_math.embedded_world.recipe import DIFFICULTIES
from treewright_math.embedded_world.step_check import split_lines
from treewright_math.embedded_world.task import draw_set
from treewright_math.embedded_world.worked_problems import rows
from treewright_math.r2.guidance import withheld
from treewright_math.retrieval.shipped_knowledge import embedded_records, shipped_store
from treewright_math.retrieval.similar_problems import SimilarProblems
from treewright_math.retrieval.withheld import withheld_before
from treewright_registry import Key, Problem, Registry, RetrieveRequest, Trajectory

PIPELINES = ("r2", "mcts", "beam", "best-of-n", "majority", "specs", "gsi", "rsd")
needs_target = pytest.mark.skipif(
    not files("treewright_math").joinpath("data/target/model.safetensors").is_file(), reason="no model in data/target"
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def test_worked_problems_are_always_the_same_and_need_no_fact():
    first, again = list(rows(40)), list(rows(40))
    assert first == again
    assert len({row["problem"] for row in first}) == 40
    assert [len(split_lines(row["solution"])) for row in first[:4]] == [2, 3, 4, 5]


def test_problems_and_steps_are_found_and_shown_as_the_embedded_models_know_them():
    with KnowledgeStore.open(shipped_store("problems")) as store:
        assert len(store) == 2000
    record = embedded_records("problems")[6]
    query = re.sub(r"\d+", lambda number: str(int(number[0]) + 1), record.content["problem"])  # another problem
    problems = SimilarProblems(knowledge="embedded/problems")
    [[hit]] = problems.retrieve([RetrieveRequest(query, 1)])
    assert hit.id == "embedded-7"
    assert hit.content == f"Problem: {record.content['problem']}\nSolution:\n{record.content['solution']}"
    steps = SimilarProblems(knowledge="embedded/steps", show="step")
    [[hit]] = steps.retrieve([RetrieveRequest("Tom has 23 + 48 = 71 apples.", 1)])
    assert hit.content.startswith("Step: ")
    assert "The answer is" not in "".join(str(each.content["step"]) for each in embedded_records("steps"))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_of_problems_that_share_phrasing_none_is_withheld(difficulty):
    """The world's problems are made of the same sentences: numbers and names tell them apart."""
    problems = SimilarProblems(knowledge="embedded/problems")
    for problem in draw_set(Key.root(3), 100, DIFFICULTIES[difficulty], False, "validation"):
        task = Problem("p", problem.text)
        [hits] = problems.retrieve([RetrieveRequest(problem.text, 5, Trajectory(task))])
        assert withheld_before(hits) == 0
        assert withheld(hits, task) == hits != []


@pytest.mark.parametrize(
    "form", ["{}\nPut your final answer within \\boxed{{}}.", "{}.", "Solve this. {}", "Problem: {} Answer:"]
)
def test_a_problem_in_other_dress_is_not_shown_its_own_record(form):
    problems = SimilarProblems(knowledge="embedded/problems")
    for record in embedded_records("problems")[:100]:
        asked = form.format(record.content["problem"])
        [hits] = problems.retrieve([RetrieveRequest(asked, 3, Trajectory(Problem("p", asked)))])
        assert record.id not in [hit.id for hit in hits]
        assert withheld_before(hits) == 1


def test_the_command_line_finds_them_without_a_folder(capsys):
    asked = embedded_records("problems")[482].content["problem"]
    assert main(["kb", "search", "math/problems", asked, "-k", "1"]) == 0
    assert f"embedded-483  Problem: {asked[:40]}" in capsys.readouterr().out


@pytest.mark.parametrize("name", PIPELINES)
def test_the_pipelines_of_the_domain_are_good(name):
    load_pipeline(f"math/{name}")


def run(tmp_path, *overrides, pipeline="math/r2", limit=12):
    registry = Registry.load()
    registry.add("scorer", "my/judge", Judge)
    loaded = load_pipeline(pipeline, overrides=overrides, registry=registry)
    out = tmp_path / str(len(list(tmp_path.iterdir())))
    summary = run_pipeline(loaded, out, limit=limit)
    return summary, [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


@needs_target
def test_a_fact_from_the_knowledge_base_stands_before_the_model_as_if_the_task_had_given_it(tmp_path):
    plain = ["policy.policy.problems=0", "scorer.scorer.problems=0", "scorer.reward={use: my/judge}"]
    plain += ["task.difficulty=easy", "search={use: core/sample, n: 1, temperature: 0.0}"]
    answers = []
    for task, facts in (("unknown", 0), ("unknown", 1), ("given", 0)):
        _, records = run(tmp_path, *plain, f"task.facts={task}", f"policy.policy.facts={facts}", limit=2)
        answers.append([record["answer"] for record in records])
    assert answers[1] == answers[2]
    assert answers[0] != answers[1]


@needs_target
def test_the_pipeline_searches_with_all_three_kinds_of_records(tmp_path):
    settings = ["task.facts=unknown", "budget.candidates=8", "policy.policy.threshold=0.0"]
    _, [record] = run(tmp_path, *settings, "scorer.reward={use: my/judge}", limit=1)
    assert record["error"] is None
    roles = ("problems", "facts", "steps", "model", "reward")
    assert {role for role in roles if record["cost"][role]["calls"]} == set(roles)
