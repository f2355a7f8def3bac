"""What is drawn, and how likely it is: by the policy, by its own judgement, and by a pass without any cache."""

import gc
import itertools
from math import inf, log

import pytest
import torch
from tests.laws.chi_square import p_value

from treewright_registry import Encoding, Step

COMBINATIONS = list(itertools.product((0.0, 0.5, 1.0, 1.6), (None, 5), (1.0, 0.8), (3, 24)))


def law_of(logits, temperature, top_k, top_p):
    """Next-token probabilities, by sorting."""
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), logits.numel()).double()
    p = torch.softmax(logits.double() / temperature, -1)
    if top_k is not None:
        p = torch.where(p >= p.sort().values[-top_k], p, 0.0)
        p = p / p.sum()
    order = p.argsort(descending=True)
    before = torch.cat([torch.zeros(1), p[order].cumsum(0)[:-1]])
    kept = torch.zeros_like(p)
    kept[order[before < top_p]] = p[order[before < top_p]]
    return kept / kept.sum()


@pytest.mark.parametrize("architecture", ["qwen2", "llama", "mistral"])
def test_drawn_steps_are_as_likely_as_judged_and_as_a_pass_without_cache_says(
    architecture, build, requests, judged, plain_logits
):
    for temperature, top_k, top_p, max_tokens in COMBINATIONS:
        policy = build(architecture, top_k=top_k)
        asked = requests(4, 2, temperature=temperature, top_p=top_p, max_tokens=max_tokens)
        answers = policy.propose(asked)
        drawn = [step for answer in answers for step in answer.steps]
        likely = policy.log_likelihood(judged(asked, answers))
        assert [each.tokens for each in likely] == [step.tokens for step in drawn]
        for step, each in zip(drawn, likely, strict=True):
            assert each.log_probability == pytest.approx(step.log_probability, abs=1e-4)
            assert temperature or step.log_probability == 0.0
        prompt = policy._tokens.to_draw(asked[-1], None).ids
        ids = answers[-1].steps[-1].encoding.ids
        logits = plain_logits(policy, prompt + ids)[len(prompt) - 1 :]
        slow = sum(log(law_of(logits[at], temperature, top_k, top_p)[token]) for at, token in enumerate(ids))
        assert drawn[-1].log_probability == pytest.approx(slow, abs=1e-4)


def test_layers_with_a_window_and_capped_logits_agree_with_a_pass_without_cache(build, requests, plain_logits):
    policy = build("gemma2", config={"head_dim": 8, "sliding_window": 96, "pad_token_id": 0})
    for request, answer in zip(requests(4, 2), policy.propose(requests(4, 2)), strict=True):
        before = policy._tokens.to_draw(request, None).ids
        for step in answer.steps:
            laws = torch.log_softmax(plain_logits(policy, before + step.encoding.ids).double(), -1)[len(before) - 1 :]
            slow = sum(laws[at, token].item() for at, token in enumerate(step.encoding.ids))
            assert step.log_probability == pytest.approx(slow, abs=1e-4)


def test_another_temperature_gives_another_likelihood(build, requests, judged):
    policy = build()
    asked = requests(temperature=1.0)
    answers = policy.propose(asked)
    likely = policy.log_likelihood(judged(asked, answers, temperature=1.2))
    drawn = [step.log_probability for answer in answers for step in answer.steps]
    assert all(abs(each.log_probability - value) > 1e-2 for each, value in zip(likely, drawn, strict=True))


def test_tokens_that_the_law_excludes_have_likelihood_minus_infinity(build, requests, judged):
    policy, narrow = build(), build(top_k=1)
    asked = requests(temperature=1.5, unit="end")
    likely = narrow.log_likelihood(judged(asked, policy.propose(asked)))
    assert {each.log_probability for each in likely} == {-inf}
    assert all(each.reason is None for each in likely)


@pytest.mark.parametrize(("top_k", "sampling"), [(None, {}), (8, {"temperature": 0.7}), (None, {"top_p": 0.7})])
def test_first_tokens_are_drawn_in_the_proportions_of_the_exact_law(top_k, sampling, build, requests, plain_logits):
    policy = build(tokens_per_step=1, top_k=top_k, rows=1024)
    [request] = requests(1, 6000, **sampling)
    counts = [0] * policy._text.size
    for step in policy.propose([request])[0].steps:
        counts[step.encoding.ids[0]] += 1
    logits = plain_logits(policy, policy._tokens.to_draw(request, None).ids)[-1]
    law = law_of(logits, sampling.get("temperature", 1.0), top_k, sampling.get("top_p", 1.0))
    assert p_value(counts, law.tolist()) > 1e-4
    wrong = law_of(logits, sampling.get("temperature", 1.0) * 1.3, top_k, sampling.get("top_p", 1.0))
    assert p_value(counts, wrong.tolist()) < 1e-10


def test_second_tokens_are_drawn_in_the_proportions_of_the_exact_law(build, requests, plain_logits):
    policy = build(tokens_per_step=2, top_k=10, rows=1024)
    [request] = requests(1, 4000, temperature=0.3)  # few first tokens, and second ones of unlike probability
    pairs = [step.encoding.ids for step in policy.propose([request])[0].steps]
    before = policy._tokens.to_draw(request, None).ids
    first = max({pair[0] for pair in pairs}, key=lambda token: sum(pair[0] == token for pair in pairs))
    counts = [0] * policy._text.size
    for pair in pairs:
        if pair[0] == first:
            counts[pair[1]] += 1
    logits = plain_logits(policy, (*before, first))[-1]
    assert sum(counts) > 800
    assert p_value(counts, law_of(logits, 0.3, 10, 1.0).tolist()) > 1e-4
    assert p_value(counts, law_of(logits, 0.3 * 1.3, 10, 1.0).tolist()) < 1e-10


def test_drawn_tokens_travel_with_a_step_since_its_text_would_be_tokenised_otherwise(build, requests, judged):
    policy = build()
    asked = requests(n=8, unit="end")
    answers = policy.propose(asked)
    as_drawn = policy.log_likelihood(judged(asked, answers))
    as_text = policy.log_likelihood(judged(asked, answers, lambda step: step._replace(encoding=None)))
    foreign = Encoding("another", (1, 2, 3))
    as_foreign = policy.log_likelihood(judged(asked, answers, lambda step: step._replace(encoding=foreign)))
    assert any(left.tokens != right.tokens for left, right in zip(as_drawn, as_text, strict=True))
    assert [each.log_probability for each in as_text] == [
        pytest.approx(each.log_probability, abs=1e-5) for each in as_foreign
    ]


def test_complete_answer_given_as_text_includes_the_token_that_ends_it(build, requests, plain_logits):
    policy = build()
    [request] = requests(1, 1)
    before = policy._tokens.to_draw(request, None).ids
    given = [Step("Tom has 71", finish=finish) for finish in ("step", "stop")]
    going_on, ended = policy.log_likelihood([_judge(request, step) for step in given])
    logits = plain_logits(policy, (*before, *policy._text.step(given[0])))[-1]
    last = torch.log_softmax(logits.double(), -1)[policy._text.ends[0]].item()
    assert ended.tokens == going_on.tokens + 1
    assert ended.log_probability == pytest.approx(going_on.log_probability + last, abs=1e-4)


def test_empty_step_is_certain(build, requests):
    [likely] = build().log_likelihood([_judge(requests(1, 1)[0], Step(""))])
    assert (likely.log_probability, likely.tokens) == (0.0, 0)


def test_trajectory_without_a_step_cannot_be_judged(build, requests):
    from treewright_registry import LikelihoodRequest

    [likely] = build().log_likelihood([LikelihoodRequest(requests(1, 1)[0].trajectory)])
    assert likely.log_probability != likely.log_probability
    assert "no step" in likely.reason


def _judge(request, step):
    from treewright_registry import LikelihoodRequest

    return LikelihoodRequest(request.trajectory.extend(step))


def test_judging_long_steps_holds_the_logits_of_one_pass_only(build, requests, judged, monkeypatch):
    rows = 16
    policy = build(max_tokens=60)
    asked = requests(4, 3, unit="end")
    answers = policy.propose(asked)
    expected = [each.log_probability for each in policy.log_likelihood(judged(asked, answers))]
    policy = build(max_tokens=60)
    monkeypatch.setattr("treewright_language.reading._MOST_LOGITS", rows * policy._text.size)
    network, held = policy._writer._reader._network, []
    forward = network.forward

    def watched(*args, **more):
        held.append(_held_logits(policy._text.size))
        return forward(*args, **more)

    monkeypatch.setattr(network, "forward", watched)
    found = policy.log_likelihood(judged(asked, answers))
    assert [each.log_probability for each in found] == [pytest.approx(value, abs=1e-4) for value in expected]
    assert sum(each.tokens for each in found) > 20 * rows
    assert len(held) > 20
    assert max(held) <= 2 * rows  # of the last pass, and what is left of an earlier one
    assert policy.counters.reread == 0


def _held_logits(vocabulary):
    """Rows of logits that are there now, those of the tree apart."""
    tensors = [each for each in gc.get_objects() if type(each) is torch.Tensor]
    logits = [each for each in tensors if each.dim() > 1 and each.shape[-1] == vocabulary]
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in logits}
    return sum(storages.values()) // (4 * 320)
