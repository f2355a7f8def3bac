"""What policy and reward model are shown, what it costs, and what it leaves alone."""

import json

import pytest
from plugins.math.tests.r2.parts import ASKED, CIRCLE, OTHER, PARTS, Careless, Judge, Writer

from treewright import load_pipeline, run_pipeline
from treewright_math.retrieval.problems import Problems
from treewright_registry import ConfigurationError, KnowledgeBuild, Registry

SOLUTION = "The area is $\\pi r^2$ for radius $r$. With $r=3$ this is $\\boxed{9\\pi}$."
KEY_STEP = f"Problem: {CIRCLE}\nSolution:\nKey step: The area is $\\pi r^2$ for radius $r$."
PAIR = f"Problem: {CIRCLE}\nSolution: {SOLUTION}\nAnswer: 9\\pi"


@pytest.fixture(autouse=True)
def forgotten():
    for notes in (Writer.asked, Judge.shown, Careless.queries):
        notes.clear()


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    return build(tmp_path_factory.mktemp("banks"), CIRCLE)


def build(folder, problem):
    source = folder / "pool.jsonl"
    source.write_text(json.dumps({"problem": problem, "solution": SOLUTION}))
    for level, by in (("problems", "template"), ("steps", "text")):
        options = {"level": level, "by": by, "encoder": "embedded"}
        order = KnowledgeBuild((source,), folder / level, "math/problems", options, "2026-01-31", lambda *told: None)
        Problems(**options).build(order)
    return folder


def registered():
    registry = Registry.load()
    for (kind, name), part in PARTS.items():
        registry.add(kind, name, part)
    return registry


def run(tmp_path, banks, policy="", search="{use: core/mcts, branch: 2, iterations: 6, temperature: 0.8}", **changes):
    blocks = {
        "task": "{use: my/problem}",
        "model": "{use: my/writer}",
        "scorer": "{use: math/r2-scorer}",
        "reward": "{use: my/judge}",
        "problems": f"{{use: math/similar-problems, knowledge: {banks}/problems}}",
        "steps": f"{{use: math/similar-problems, knowledge: {banks}/steps}}",
    } | changes
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        f"task: {blocks['task']}\nsearch: {search}\naggregator: {{use: core/best}}\n"
        f"policy:\n  policy: {{use: math/r2-policy{policy}}}\n  model: {blocks['model']}\n"
        f"scorer:\n  scorer: {blocks['scorer']}\n  reward: {blocks['reward']}\n"
        f"retriever:\n  problems: {blocks['problems']}\n  steps: {blocks['steps']}\n"
    )
    out = tmp_path / f"run-{len(list(tmp_path.glob('run-*')))}"
    run_pipeline(load_pipeline(file, registry=registered()), out)
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def answers(records):
    return [(record["answer"], record["score"], record["runners_up"]) for record in records]


def first_tries():
    greedy = [asked for asked in Writer.asked if asked.method == "propose" and asked.sampling.temperature == 0.0]
    return [asked for asked in greedy if asked.sampling.unit == "step" and not asked.template]


def drawn():
    return [asked for asked in Writer.asked if asked.sampling.temperature == 0.8]


def test_policy_and_reward_model_see_the_pair_and_the_policy_the_step_too(tmp_path, banks):
    run(tmp_path, banks, ", threshold: 0.3")
    assert {tuple(asked.shown) for asked in drawn()} == {(PAIR, KEY_STEP)}
    assert {tuple(shown) for shown in Judge.shown} == {(PAIR,)}
    assert {tuple(asked.shown) for asked in first_tries()} == {(PAIR,)}


def test_what_the_reward_model_reads_is_counted_once(tmp_path, banks):
    for record in run(tmp_path, banks):
        cost = record["cost"]
        assert cost["reward"]["scored_tokens"] == 10 * cost["reward"]["calls"] > 0
        assert cost["scorer"]["scored_tokens"] == 0


def test_coarse_fine_or_none_can_be_switched_off(tmp_path, banks):
    shown = []
    for policy in (", steps: 0", ", problems: 0, threshold: 0.3", ", problems: 0, steps: 0"):
        Writer.asked.clear()
        run(tmp_path, banks, policy, scorer="{use: math/r2-scorer, problems: 0}")
        shown.append({tuple(asked.shown) for asked in Writer.asked if asked in drawn()})
    assert shown == [{(PAIR,)}, {(KEY_STEP,)}, {()}]


def test_a_template_is_asked_for_once_a_problem_and_a_first_try_once_a_prefix(tmp_path, banks):
    records = run(tmp_path, banks, ", threshold: 0.3")
    assert [asked.problem for asked in Writer.asked if asked.template] == ["one", "two"]
    prefixes = [(asked.problem, asked.text) for asked in first_tries()]
    assert len(prefixes) == len(set(prefixes))
    assert set(prefixes) == {(asked.problem, asked.text) for asked in drawn()}
    assert sum(record["cost"]["model"]["calls"] for record in records) == len(Writer.asked)
    assert [record["cost"]["problems"]["calls"] for record in records] == [1, 1]  # once for policy and reward model


def test_a_step_threshold_above_1_gives_the_steps_of_a_run_without_step_retrieval(tmp_path, banks):
    without = answers(run(tmp_path, banks, ", steps: 0"))
    assert answers(run(tmp_path, banks, ", threshold: 1.01")) == without
    assert first_tries() == []
    assert answers(run(tmp_path, banks, ", threshold: 1.0")) == without  # tried, and nothing was similar enough
    assert first_tries()
    assert (
        answers(run(tmp_path, banks, ", threshold: 0.3, problems: 0")) == without
    )  # the writer does not look at records


def test_a_bank_holding_the_problem_itself_brings_nothing_for_it(tmp_path):
    banks = build(tmp_path, ASKED.upper().replace(" ", "  "))
    task = "{use: my/problem, prompt: '" + ASKED + " Put your final answer within a box.'}"
    for asked in ("{use: my/problem}", task):
        Writer.asked.clear()
        run(tmp_path, banks, ", threshold: 0.0", task=asked)
        shown = {name: [asked.shown for asked in drawn() if asked.problem == name] for name in ("one", "two")}
        assert all(hits == [] for hits in shown["one"])
        assert all(len(hits) == 2 for hits in shown["two"])  # another problem: pair and step


def test_a_retriever_that_brings_the_problem_itself_is_not_believed(tmp_path, banks):
    run(tmp_path, banks, ", steps: 0", problems="{use: my/careless}")
    shown = {asked.problem: len(asked.shown) for asked in drawn()}
    assert shown == {"one": 1, "two": 2}


def test_the_run_notes_how_many_records_were_withheld(tmp_path):
    """By the retriever itself, as it tells with the next record, and by the policy."""
    source = tmp_path / "pool.jsonl"
    source.write_text("\n".join(json.dumps({"problem": each, "solution": SOLUTION}) for each in (ASKED, CIRCLE)))
    options = {"level": "problems", "by": "template", "encoder": "embedded"}
    order = KnowledgeBuild((source,), tmp_path / "both", "math/problems", options, "2026-01-31", lambda *told: None)
    Problems(**options).build(order)
    mine = f"{{use: math/similar-problems, knowledge: {tmp_path}/both}}"
    for problems in (mine, "{use: my/careless}"):
        notes = [record["notes"] for record in run(tmp_path, tmp_path, ", steps: 0", problems=problems, steps="null")]
        assert notes == [{"withheld": 1.0}, {"withheld": 0.0}]


def test_the_run_notes_where_policy_and_reward_model_see_different_records(tmp_path, banks):
    alike = run(tmp_path, banks, ", steps: 0")
    other = run(tmp_path, banks, ", steps: 0", scorer="{use: math/r2-scorer, problems: 2}")
    assert [record["notes"].get("r2_settings_differ") for record in (*alike, *other)] == [None, None, 1.0, 1.0]


def test_a_base_of_steps_is_refused_where_problems_are_shown_and_the_other_way_round(tmp_path, banks):
    base = "{{use: math/similar-problems, knowledge: {}/{}{}}}"
    for role, wrong in (("problems", "steps"), ("steps", "problems")):
        retriever = base.format(banks, wrong, "")
        [first, _] = run(tmp_path, banks, ", threshold: -1.0", scorer="{use: my/judge}", **{role: retriever})
        assert f"the retriever in role '{role}' brings {wrong}, and {role} are shown there" in json.dumps(first)
        checked = base.format(banks, wrong, f", level: {role}")
        with pytest.raises(ConfigurationError, match=f"holds {wrong}, and {role} are wanted here"):
            run(tmp_path, banks, **{role: checked})


def test_the_query_is_the_policys_template_or_the_rules(tmp_path, banks):
    template = "{use: my/writer, template: 'Strategy: use the area'}"
    run(tmp_path, banks, ", steps: 0", model=template, problems="{use: my/careless}")
    run(tmp_path, banks, ", steps: 0", problems="{use: my/careless}")
    assert Careless.queries[:2] == ["use the area"] * 2
    assert Careless.queries[2:4] == [ASKED, OTHER]
    asked = len(Writer.asked)
    rule = ", template: rule, problems: 3"
    run(tmp_path, banks, rule + ", steps: 0", scorer=f"{{use: math/r2-scorer{rule}}}", problems="{use: my/careless}")
    assert not any(each.template for each in Writer.asked[asked:])
    assert Careless.queries[4:] == [ASKED, OTHER]


def test_steps_that_are_too_far_away_are_not_shown(tmp_path, banks):
    run(tmp_path, banks, ", threshold: 0.99")
    assert {tuple(asked.shown) for asked in drawn()} == {(PAIR,)}


def test_whole_answers_are_drawn_without_first_tries(tmp_path, banks):
    run(tmp_path, banks, ", threshold: 0.3", search="{use: core/sample, n: 3, temperature: 0.8}")
    assert first_tries() == []
    assert {tuple(asked.shown) for asked in drawn()} == {(PAIR,)}


def test_likelihoods_are_told_with_the_records_that_the_step_was_drawn_with(tmp_path, banks):
    policy = ", threshold: 0.3, likelihoods: true, roles: {model: model}"
    search = "{use: core/gsi, n: 2, temperature: 0.8, roles: {draft: policy, target: policy}}"
    records = run(tmp_path, banks, policy, search=search)
    told = [asked for asked in Writer.asked if asked.method == "log_likelihood"]
    assert {tuple(asked.shown) for asked in told} == {(PAIR, KEY_STEP)}
    costs = {role: sum(record["cost"][role]["scored_tokens"] for record in records) for role in ("model", "policy")}
    assert costs == {"model": len(told), "policy": 0}  # paid once, by the model's role
    assert len(first_tries()) == len({(asked.problem, asked.text) for asked in first_tries()})


def test_likelihoods_are_refused_where_they_are_not_declared(tmp_path, banks):
    search = "{use: core/gsi, n: 2, roles: {draft: policy, target: policy}}"
    with pytest.raises(ConfigurationError, match="'log_likelihood', which math/r2-policy cannot"):
        run(tmp_path, banks, search=search)


def test_a_scorer_of_another_range_than_its_reward_model_says_what_to_write(tmp_path, banks):
    records = run(tmp_path, banks, scorer="{use: math/r2-scorer, low: -1.0}")
    assert "math/r2-scorer declares (-1.0, 1.0)\n    write  low: 0.0, high: 1.0" in records[0]["error"]


def test_a_repeated_run_gives_the_same(tmp_path, banks):
    first, second = (run(tmp_path, banks, ", threshold: 0.3") for _ in range(2))
    assert answers(first) == answers(second)


def test_what_the_journal_holds_is_not_asked_again(tmp_path, banks):
    run(tmp_path, banks, ", threshold: 0.3")
    asked = len(Writer.asked)
    pipeline, out = tmp_path / "pipeline.yaml", tmp_path / "run-0"
    before = answers([json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()])
    for name in ("results.jsonl", "summary.json"):
        (out / name).unlink()
    run_pipeline(load_pipeline(pipeline, registry=registered()), out, resume=True)
    assert answers([json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]) == before
    assert len(Writer.asked) == asked
