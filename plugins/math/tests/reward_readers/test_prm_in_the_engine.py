"""math/prm in real runs: a language model of the tests writes, the reward model chooses."""

import json
import math

import pytest
from plugins.math.tests.reward_readers.tiny_checkpoints import (
    CHATML,
    make_causal_lm,
    make_config,
    make_headed,
    make_tokenizer,
)

from treewright import load_pipeline, run_pipeline
from treewright.cli.main import main
from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader
from treewright_registry import Problem, Registry, Verdict

PROMPTS = {"one": "What is 3 + 4?", "two": "Why not?"}
CONTROLS = ("<|im_start|>", "<|im_end|>", "<extra_0>")
PROCESS_HEAD = {"score.0.weight": (16, 16), "score.0.bias": (16,), "score.2.weight": (2, 16), "score.2.bias": (2,)}


class TwoProblems:
    has_references = False

    def problems(self):
        return [Problem(name, prompt) for name, prompt in PROMPTS.items()]

    def extract(self, trajectory):
        return trajectory.text

    def canonical(self, answer):
        return answer

    def grade(self, problem_id, answer):
        return Verdict(None)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    solver, judge = tmp_path_factory.mktemp("solver"), tmp_path_factory.mktemp("judge")
    for folder in (solver, judge):
        tokenizer = make_tokenizer(folder, controls=CONTROLS, template=CHATML)
    make_causal_lm(solver, make_config("qwen2", tokenizer), seed=4)
    make_headed(judge, make_config("qwen2", tokenizer), PROCESS_HEAD, architecture="Qwen2ForProcessRewardModel")
    return solver, judge


def written(models, tmp_path, search, scorer=""):
    solver, judge = models
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        f"task: {{use: my/problems}}\nsearch: {search}\naggregator: {{use: core/best}}\n"
        f"policy: {{use: language/transformers, model: {solver}, tokens_per_step: 6, max_tokens: 12}}\n"
        f"scorer: {{use: math/prm, model: {judge}, recipe: qwen2.5-math-prm{scorer}}}\nbudget: {{candidates: 24}}\n"
    )
    return file


def run(models, tmp_path, search):
    registry = Registry.load()
    registry.add("task", "my/problems", TwoProblems)
    file = written(models, tmp_path, search)
    run_pipeline(load_pipeline(file, registry=registry), tmp_path / "run")
    return [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]


def test_the_best_of_n_answers_carries_the_score_that_the_reader_gives_it(models, tmp_path):
    reader = Reader(str(models[1]), RECIPES["qwen2.5-math-prm"])
    for record in run(models, tmp_path, "{use: core/sample, n: 4}"):
        [reading] = reader.read([(PROMPTS[record["id"]], [record["answer"]])])
        assert record["score"] == pytest.approx(math.prod(reading.scores), abs=1e-5)
        assert record["cost"]["scorer"]["reward_calls"] == 4
        assert record["cost"]["scorer"]["scored_tokens"] > reading.tokens


def test_a_beam_judges_unfinished_answers(models, tmp_path):
    for record in run(models, tmp_path, "{use: core/beam, width: 2, branch: 2}"):
        assert record["error"] is None
        assert 0 < record["score"] < 1
        judged = record["cost"]["scorer"]
        assert judged["reward_calls"] > 4
        assert judged["failed_calls"] <= 2  # a random model writes a control token or half a character now and then


def test_the_command_line_checks_a_pipeline_and_tells_what_is_wrong(models, tmp_path, capsys):
    file = written(models, tmp_path, "{use: core/sample, n: 4}").read_text().replace("my/problems", "math/embedded")
    (tmp_path / "good.yaml").write_text(file)
    assert main(["config", "check", "--build", str(tmp_path / "good.yaml")]) == 0
    assert "recipe qwen2.5-math-prm (step level)" in capsys.readouterr().out
    (tmp_path / "bad.yaml").write_text(file.replace("qwen2.5-math-prm", "skywork-o1-prm"))
    assert main(["config", "check", "--build", str(tmp_path / "bad.yaml")]) == 2
    assert "skywork-o1-prm" in capsys.readouterr().err
    (tmp_path / "typo.yaml").write_text(file.replace("recipe: qwen2.5-math-prm", "recipe: qwen"))
    assert main(["config", "check", str(tmp_path / "typo.yaml")]) == 2
    assert "typo.yaml:5" in capsys.readouterr().err
