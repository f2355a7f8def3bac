"""The policy against a server that is not ours: ``transformers serve``, started here with a tiny checkpoint.

It offers neither ``n`` nor log-probabilities nor scores: it ignores ``n``, ``logprobs`` and ``echo``, refuses the
fields of vLLM, and leaves stop strings in the text.
"""

import asyncio
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from treewright import Registry, load_pipeline, run_pipeline
from treewright_language.openai_policy import OpenAIPolicy
from treewright_registry import (
    TO_END,
    CallRefused,
    ConfigurationError,
    LikelihoodRequest,
    Problem,
    ProposeRequest,
    Sampling,
    Score,
    Step,
    Trajectory,
    Verdict,
)

LONGEST_START = 200.0  # seconds; some ten on a quiet machine
ROOT = Trajectory(Problem("p", "add 3 and 4."))

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "accelerate", "transformers")),
    reason="`transformers serve` needs fastapi, uvicorn and accelerate (extra 'test')",
)


@pytest.fixture(scope="module")
def serve(ascii_checkpoint, tmp_path_factory):
    """The address of a running ``transformers serve``, and the name of its model."""
    with serving(ascii_checkpoint, tmp_path_factory.mktemp("serve")) as url:
        yield url, str(ascii_checkpoint)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The same with the model that the plugin math ships, computing in the precision of ``language/transformers``."""
    pytest.importorskip("treewright_math")
    model = files("treewright_math") / "data" / "target"
    with serving(model, tmp_path_factory.mktemp("embedded"), "--dtype", "float32") as url:
        yield url, str(model)


@contextmanager
def serving(checkpoint, folder, *options):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "transformers", "serve", checkpoint, "--device", "cpu", *options]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder), "OMP_NUM_THREADS": "1"}
    (folder / "hub").mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], env=environment,
                                   stdout=log, stderr=log)  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


def _wait(url, process, log):
    for _ in range(int(LONGEST_START / 0.2)):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    pytest.fail(f"the server did not start within {LONGEST_START:g} s:\n{log.read_text()}")


@pytest.fixture
def policy(serve, monkeypatch):
    url, model = serve
    monkeypatch.setenv("OPENAI_API_KEY", "any-text")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return lambda **options: OpenAIPolicy(**{"model": model, "base_url": url, "max_tokens": 12, **options})


def proposed(policy, n=2, trajectory=ROOT, sampling=TO_END, seed=7):
    [made] = asyncio.run(policy.propose([ProposeRequest(trajectory, n, seed, sampling)]))
    return made


def test_the_probe_finds_what_it_offers(policy):
    lines = asyncio.run(policy(api="completions").self_check())
    found = {name.strip(): said.strip() for name, said in (line.split("  ", 1) for line in lines)}
    listed = found.pop("model listed")
    assert listed == "no (it lists none)"  # models of the hub's cache, and not the one it was started with
    assert found == {
        "chat": "yes",
        "completions": "yes",
        "seeds": "yes",
        "n": "no (1 of 2 samples)",
        "logprobs": "no",
        "stop told": "yes (stop_told: text)",
        "continue_final_message": "no",
        "echo": "no",
        "prompt_logprobs": "no",
        "token_ids": "no",
    }


def test_what_it_lacks_is_refused_before_a_run(policy):
    with pytest.raises(ConfigurationError) as refused:
        asyncio.run(policy(samples="together", logprobs=True).self_check())
    lines = [line.strip() for line in str(refused.value).splitlines()]
    assert lines[1:3] == [
        "samples: together needs n; set  samples: single",
        "logprobs: true needs logprobs; set  logprobs: false, or use another server",
    ]


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_samples_are_its_own_and_come_again_with_their_seeds(policy, api):
    asked = policy(api=api)
    # one at a time: it seeds the whole process, so requests side by side would share a seed's draws
    first = [proposed(asked, 1, seed=seed) for seed in (1, 2)]
    again = [proposed(asked, 1, seed=seed) for seed in (1, 2)]
    assert first == again
    assert first[0].steps != first[1].steps
    for made in first:
        [step] = made.steps
        assert 0 < step.tokens <= 12
        assert made.usage.prompt_tokens > 5


def test_steps_end_where_it_leaves_the_delimiter_in_the_text(policy):
    by_step = policy(api="completions", delimiter="e", stop_told="text", max_tokens=60)
    steps = [step for seed in range(6) for step in proposed(by_step, 1, sampling=Sampling(), seed=seed).steps]
    assert "step" in {step.finish for step in steps}
    for step in steps:
        assert ("e" in step.content) == (step.finish == "step")
        assert step.content.find("e") in (-1, len(step.content) - 1)


def test_steps_can_be_cut_here_where_it_is_not_asked_to_stop(policy):
    cut = policy(api="completions", delimiter="e", server_stops=False, max_tokens=60)
    steps = [step for seed in range(4) for step in proposed(cut, 1, sampling=Sampling(), seed=seed).steps]
    assert "step" in {step.finish for step in steps}
    for step in steps:
        assert step.content.find("e") in (-1, len(step.content) - 1)
        assert ("e" in step.content) == (step.finish == "step")


def test_fields_that_it_ignores_are_noticed_in_its_answer(policy):
    with pytest.raises(CallRefused, match=r"it does not offer 'n'; set  samples: single"):
        proposed(policy(samples="together"))
    [reason] = proposed(policy(logprobs=True, temperature=1.0, top_p=1.0), 1).failed
    assert "the server returned no log-probabilities" in reason
    scored = policy(api="completions", scoring="echo", temperature=1.0, top_p=1.0)
    with pytest.raises(CallRefused, match="it does not offer echo"):
        asyncio.run(scored.log_likelihood([LikelihoodRequest(ROOT.extend(Step("12")))]))


def test_fields_that_it_refuses_are_refused_with_its_words(policy):
    with pytest.raises(CallRefused, match=r"HTTP 422.*Unexpected fields in the request.*continue_final_message"):
        proposed(policy(continuation="message"), 1, ROOT.extend(Step("then 7")))


class Words:
    has_references = False

    def problems(self):
        return [Problem(f"p{number}", f"add {number} and 4.") for number in range(3)]

    def extract(self, trajectory):
        return trajectory.text

    def canonical(self, answer):
        return answer

    def grade(self, problem_id, answer):
        return Verdict(None)


class Longest:
    level, range, link = "step", (0.0, 1e6), "real"

    def score(self, requests):
        return [Score(float(len(request.trajectory.text))) for request in requests]


def test_a_beam_of_the_whole_engine_runs_on_it(policy, serve, tmp_path):
    url, model = serve
    registry = Registry.load()
    registry.add("task", "my/words", Words)
    registry.add("scorer", "my/longest", Longest)
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "task: {use: my/words}\n"
        "policy:\n"
        f"  {{use: language/openai, model: '{model}', base_url: '{url}', api: completions, delimiter: e,"
        " stop_told: text, max_tokens: 20, call: {concurrency: 2}}\n"
        "scorer: {use: my/longest}\nsearch: {use: core/beam, width: 2, branch: 2, depth: 3}\nbudget: {candidates: 8}\n"
    )
    summary = run_pipeline(load_pipeline(file, registry=registry), tmp_path / "run")
    cost = summary["cost"]["policy"]
    assert (summary["n"], summary["failures"]) == (3, 0)
    assert 0 < cost["candidates"] <= 24
    assert cost["generated_tokens"] > 0
    assert cost["failed_calls"] <= cost["calls"] / 2


# -- the embedded model ---------------------------------------------------------------------------

EMBEDDED = "treewright_math:data/target"
WORD_PROBLEMS = "task: {use: math/embedded, count: 4, difficulty: easy}\n"


def answers_of(text, folder):
    """The summary of a run of that pipeline, and the answers by problem."""
    folder.mkdir()
    (folder / "pipeline.yaml").write_text(WORD_PROBLEMS + text)
    registry = Registry.load()
    registry.add("scorer", "my/longest", Longest)
    summary = run_pipeline(load_pipeline(folder / "pipeline.yaml", registry=registry), folder / "run")
    records = map(json.loads, (folder / "run" / "results.jsonl").read_text(encoding="utf-8").splitlines())
    return summary, {record["id"]: record["answer"] for record in records}


def endpoint(serve, **options):
    url, model = serve
    options = {"model": model, "base_url": url, "api": "completions", "tokenizer": EMBEDDED, **options}
    return json.dumps({"use": "language/openai", "max_tokens": 200, "call": {"concurrency": 2}, **options})


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "any-text")


def test_the_embedded_model_solves_the_same_problems_in_the_same_words_as_in_this_process(embedded, key, tmp_path):
    rest = "search: {use: core/sample, n: 1}\naggregator: {use: core/majority}\n"
    served = answers_of(f"policy: {endpoint(embedded)}\n{rest}", tmp_path / "served")
    here = json.dumps({"use": "language/transformers", "model": EMBEDDED, "temperature": 0.0, "max_tokens": 200})
    local = answers_of(f"policy: {here}\n{rest}", tmp_path / "local")
    assert served[1] == local[1]
    assert served[0]["accuracy"] == local[0]["accuracy"] > 0
    cost, cost_here = (summary["cost"]["policy"] for summary, _ in (served, local))
    assert cost["prompt_tokens"] == cost_here["prompt_tokens"]
    assert cost["generated_tokens"] == cost_here["generated_tokens"]


def test_a_beam_over_its_lines_comes_to_an_answer(embedded, key, tmp_path):
    policy = endpoint(embedded, delimiter="\n", stop_told="text")
    search = "search: {use: core/beam, width: 1, branch: 1}\nscorer: {use: my/longest}\nbudget: {candidates: 12}\n"
    summary, answers = answers_of(f"policy: {policy}\n{search}", tmp_path / "beam")
    assert summary["failures"] == 0
    for answer in answers.values():
        assert re.search(r"\nThe answer is \d+\.$", answer.rstrip())
