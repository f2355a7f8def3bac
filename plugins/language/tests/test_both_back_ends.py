"""The same model in this process and behind an endpoint: the same prompts, the same likelihoods."""

import asyncio

import pytest
from plugins.language.tests.vllm_shapes import VllmShapes

from treewright_language.openai_policy import OpenAIPolicy
from treewright_registry import (
    LikelihoodRequest,
    Problem,
    ProposeRequest,
    Sampling,
    Step,
    Trajectory,
)

KEY = "sk-of-two-back-ends"
CLOSE = 1e-4
ROOT = Trajectory(Problem("p", "add 3 and 4."))


@pytest.fixture(params=["random", "embedded"])
def pair(request, monkeypatch):
    """A local policy and the endpoint's."""
    from treewright_language.transformers_policy import TransformersPolicy

    folder = request.getfixturevalue({"random": "ascii_checkpoint", "embedded": "embedded_checkpoint"}[request.param])
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    delimiter = "\n" if request.param == "embedded" else "\n\n"
    common = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 24, "delimiter": delimiter}
    options = {"api": "completions", "tokenizer": str(folder), "token_ids": True, "samples": "together"}
    scoring = {"logprobs": True, "scoring": "prompt_logprobs"}
    with VllmShapes(folder, key=KEY) as server:
        there = OpenAIPolicy(model="tiny", base_url=server.url, **options, **scoring, **common)
        yield TransformersPolicy(model=str(folder), device="cpu", **common), there


def test_each_scores_what_the_other_drew(pair):
    here, there = pair
    request = ProposeRequest(ROOT, 4, 7, Sampling())
    [[drawn_there], [drawn_here]] = asyncio.run(there.propose([request])), here.propose([request])
    for step in (*drawn_there.steps, *drawn_here.steps):
        asked = LikelihoodRequest(ROOT.extend(step))
        [found_here], [found_there] = here.log_likelihood([asked]), asyncio.run(there.log_likelihood([asked]))
        assert found_here.log_probability == pytest.approx(found_there.log_probability, abs=CLOSE)
        assert found_here.tokens == found_there.tokens
        if step.encoding is not None:  # no token was cut by the delimiter
            assert found_here.tokens == step.tokens
            assert step.log_probability == pytest.approx(found_here.log_probability, abs=CLOSE)
    assert sum(step.encoding is not None for step in drawn_there.steps) >= 2
    assert drawn_here.usage.prompt_tokens == drawn_there.usage.prompt_tokens


def test_a_step_without_ids_is_the_same_tokens_to_both(pair):
    here, there = pair
    before = ROOT.extend(Step("then 7\n"))
    asked = LikelihoodRequest(before.extend(Step("answer: 12", finish="stop")))
    [found_here], [found_there] = here.log_likelihood([asked]), asyncio.run(there.log_likelihood([asked]))
    assert found_here.log_probability == pytest.approx(found_there.log_probability, abs=CLOSE)
    assert found_here.tokens == found_there.tokens
