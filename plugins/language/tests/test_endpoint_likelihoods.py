"""Samples, their log-probabilities and likelihoods of given text, from a model behind vLLM's wire shapes."""

import asyncio

import pytest
from plugins.language.tests.vllm_shapes import ABILITIES, sampled_law

from treewright.pipeline import capabilities_of
from treewright_language.checkpoints import load_tokenizer, vocabulary_fingerprint
from treewright_language.openai_policy import OpenAIPolicy
from treewright_registry import (
    TO_END,
    CallRefused,
    Context,
    LikelihoodRequest,
    Problem,
    ProposeRequest,
    Sampling,
    Step,
    Trajectory,
    Usage,
)

PROBLEM = Problem("p", "add 3 and 4.")
ROOT = Trajectory(PROBLEM)
CLOSE = 1e-4  # what a sum over a step may differ by, in float32


def run(coroutine):
    return asyncio.run(coroutine)


@pytest.fixture
def served():
    """Which model the server has: ``random``, unless a test says ``embedded``."""
    return "random"


@pytest.fixture
def made(shapes, served, request):
    """A policy and its server, by default with one law for samples and scores.

    The folder of the tokenizer stands for ``tokenizer: True``.
    """
    folder = request.getfixturevalue("ascii_checkpoint" if served == "random" else "embedded_checkpoint")
    common = {"max_tokens": 40, "temperature": 1.0, "top_p": 1.0, "delimiter": "\n\n" if served == "random" else "\n"}

    def made(*, offers=ABILITIES, law="model", **options):
        server = shapes(folder, offers=offers, law=law)
        if options.get("tokenizer") is True:
            options["tokenizer"] = str(folder)
        return OpenAIPolicy(model="tiny", base_url=server.url, **{**common, **options}), server

    return made


both = pytest.mark.parametrize("served", ["random", "embedded"])
ROOTS = {"random": ROOT, "embedded": Trajectory(Problem("w", "Tom has 3 apples and buys 4 more. How many are there?"))}
TEXTS = {"random": "then 7 and 12\n\n", "embedded": "3 + 4 = 7\n"}


def proposed(policy, n=4, trajectory=ROOT, seed=7, sampling=None, context=None):
    request = ProposeRequest(trajectory, n, seed, sampling or Sampling(), context or Context())
    [made] = run(policy.propose([request]))
    return made


def likelihood(policy, step, before=ROOT, sampling=None):
    [found] = run(policy.log_likelihood([LikelihoodRequest(before.extend(step), sampling or Sampling())]))
    return found


def direct(server, prompt, ids, temperature=1.0):
    """The model's own log-probability of ``ids`` after ``prompt``, a pass for each token."""
    total, torch, threads = 0.0, server.torch, server.torch.get_num_threads()
    torch.set_num_threads(1)
    for at, token in enumerate(ids):
        with torch.inference_mode():
            logits = server.model(torch.tensor([[*prompt, *ids[:at]]])).logits[0, -1].double()
        total += float(sampled_law(logits, temperature, 1.0)[token].log())
    torch.set_num_threads(threads)
    return total


TOKENS = {
    "api": "completions",
    "tokenizer": True,
    "token_ids": True,
    "logprobs": True,
    "scoring": "prompt_logprobs",
    "samples": "together",
}


# -- to the token -----------------------------------------------------------------------------


@both
def test_with_token_ids_the_sampled_log_probability_is_the_likelihood_of_the_same_step(made, served):
    policy, server = made(**TOKENS)
    answer = proposed(policy, 8, ROOTS[served])
    steps = answer.steps
    assert (len(steps) + len(answer.failed), server.spent["requests"]) == (8, 1)  # an empty answer is no step
    assert {step.finish for step in steps} >= {"step", "stop"}
    for step in steps:
        found = likelihood(policy, step, ROOTS[served])
        assert found.log_probability == pytest.approx(step.log_probability, abs=CLOSE)
        assert found.tokens == step.tokens


def test_ids_travel_with_a_step_and_are_what_the_next_prompt_holds(made, ascii_checkpoint):
    policy, server = made(**TOKENS)
    first = next(step for step in proposed(policy, 8).steps if step.finish == "step")
    tokenizer = load_tokenizer(str(ascii_checkpoint))
    assert first.encoding.vocabulary == vocabulary_fingerprint(tokenizer)
    assert tokenizer.decode(first.encoding.ids) == first.content
    before = server.bodies[-1]["prompt"]
    proposed(policy, 1, ROOT.extend(first))
    assert server.bodies[-1]["prompt"] == [*before, *first.encoding.ids]


def test_a_second_step_is_scored_behind_the_first(made):
    policy, server = made(**TOKENS)
    first = next(step for step in proposed(policy, 8).steps if step.finish == "step")
    before = ROOT.extend(first)
    [second] = proposed(policy, 1, before, seed=9).steps
    found = likelihood(policy, second, before)
    prompt = server.bodies[-1]["prompt"][: -second.tokens]
    assert found.log_probability == pytest.approx(second.log_probability, abs=CLOSE)
    assert found.log_probability == pytest.approx(direct(server, prompt, second.encoding.ids), abs=CLOSE)


def test_a_step_of_another_vocabulary_is_tokenised_by_its_text_with_the_end_of_a_complete_answer(made):
    policy, server = made(**TOKENS)
    found = likelihood(policy, Step("answer: 12", finish="stop"))
    asked = server.bodies[-1]["prompt"]
    end = server.tokenizer.eos_token_id
    expected = [*server.tokenizer.encode("answer: 12", add_special_tokens=False), end]
    assert asked[-len(expected) :] == expected
    assert found.tokens == len(expected)
    assert found.log_probability == pytest.approx(direct(server, asked[: -len(expected)], expected), abs=CLOSE)


def test_ids_that_say_more_than_the_step_do_not_travel_with_it(made):
    """A stop string inside a token: the server cuts the text, not the token."""
    policy, _ = made(**TOKENS, delimiter="12")
    steps = proposed(policy, 16).steps
    cut = [step for step in steps if step.finish == "step" and step.encoding is None]
    whole = [step for step in steps if step.finish == "step" and step.encoding is not None]
    assert cut
    assert all(step.content.endswith("12") for step in cut + whole)


# -- by text ----------------------------------------------------------------------------------

BY_TEXT = [
    {"api": "completions", "scoring": "echo"},
    {"api": "completions", "scoring": "prompt_logprobs"},
    {"api": "completions", "scoring": "echo", "tokenizer": True},
    {"api": "chat", "scoring": "prompt_logprobs", "continuation": "message"},
]
named = {"ids": lambda options: "-".join(str(value) for value in options.values())}


@both
@pytest.mark.parametrize("options", BY_TEXT, **named)
def test_text_is_scored_as_the_model_itself_scores_it(made, served, options):
    policy, server = made(**options)
    text = TEXTS[served]
    found = likelihood(policy, Step(text), ROOTS[served])
    ids = server.tokenizer.encode(text, add_special_tokens=False)
    prompt = server._chat_ids(server.bodies[-1]) if policy.api == "chat" else server._text_ids(
        server.bodies[-1]["prompt"]
    )  # fmt: skip
    assert prompt[-len(ids) :] == ids
    assert found.log_probability == pytest.approx(direct(server, prompt[: -len(ids)], ids), abs=CLOSE)
    assert found.tokens == len(ids)
    assert found.usage == Usage(len(prompt), len(ids), generated_tokens=1)


@pytest.mark.parametrize("options", BY_TEXT, **named)
def test_a_sample_whose_tokens_are_its_texts_own_scores_as_it_was_sampled(made, options):
    policy, server = made(**options, logprobs=True, samples="together", max_tokens=16)
    same = 0
    for step in proposed(policy, 16, seed=3).steps:
        ids = server.tokenizer.encode(step.content, add_special_tokens=False)
        if step.finish == "step" and len(ids) == step.tokens:  # equally many: the same ones, but for rare chance
            same += 1
            assert likelihood(policy, step).log_probability == pytest.approx(step.log_probability, abs=CLOSE)
    assert same


# -- which law ----------------------------------------------------------------------------------

REFUSED = r"the server tells log-probabilities of the model's own law \(logprob_law: model\), which is the one sampled"
SCORES_REFUSED = r"the server tells the likelihood of given steps under the model's own law \(temperature 1, top_p 1\)"


@both
@pytest.mark.parametrize("asked", [Sampling(), Sampling(temperature=0.3, top_p=1.0)], ids=["options", "search"])
def test_log_probabilities_of_another_law_than_the_samples_are_refused_and_nothing_is_asked(made, served, asked):
    options = {} if asked.temperature else {"temperature": 0.3}
    policy, server = made(**TOKENS, **options)
    with pytest.raises(CallRefused, match=rf"^temperature 0\.3 and top_p 1: {REFUSED}"):
        proposed(policy, sampling=asked, trajectory=ROOTS[served])
    with pytest.raises(CallRefused, match=rf"^temperature 0\.3 and top_p 1: {SCORES_REFUSED}"):
        likelihood(policy, Step(TEXTS[served]), ROOTS[served], asked)
    assert server.bodies == []


@pytest.mark.parametrize("unset", ["temperature", "top_p"])
def test_what_the_server_draws_at_by_default_is_not_taken_for_the_models_own_law(made, unset):
    policy, _ = made(**TOKENS, **{unset: None})
    for call in (lambda: proposed(policy), lambda: likelihood(policy, Step("then 7"))):
        with pytest.raises(
            CallRefused, match=rf"{unset} unset \(the server's default\).*set  temperature: 1\.0  and  top_p"
        ):
            call()
    assert likelihood(policy, Step("then 7"), sampling=Sampling(temperature=1.0, top_p=1.0)).tokens > 0


@both
def test_a_server_that_reports_the_law_it_samples_from_does_so_at_any_temperature_and_scores_at_1_only(made, served):
    policy, server = made(**TOKENS, law="sampled", logprob_law="sampled", temperature=0.3)
    steps = proposed(policy, 3, ROOTS[served]).steps
    prompt = server.bodies[-1]["prompt"]
    for step in steps:
        assert step.log_probability == pytest.approx(direct(server, prompt, step.encoding.ids, 0.3), abs=CLOSE)
    with pytest.raises(CallRefused, match=SCORES_REFUSED):
        likelihood(policy, steps[0], ROOTS[served])
    found = likelihood(policy, steps[0], ROOTS[served], Sampling(temperature=1.0, top_p=1.0))
    assert found.log_probability == pytest.approx(direct(server, prompt, steps[0].encoding.ids), abs=CLOSE)


@both
def test_untied_the_models_own_law_is_told_at_any_temperature(made, served):
    """For priors of a search; it is not the law that is drawn from."""
    policy, server = made(**{**TOKENS, "scoring": "none"}, logprob_law="untied", temperature=0.3)
    steps = proposed(policy, 3, ROOTS[served]).steps
    prompt = server.bodies[-1]["prompt"]
    for step in steps:
        assert step.log_probability == pytest.approx(direct(server, prompt, step.encoding.ids), abs=CLOSE)
    drawn = [direct(server, prompt, step.encoding.ids, 0.3) for step in steps]
    assert max(abs(step.log_probability - law) for step, law in zip(steps, drawn, strict=True)) > 100 * CLOSE


def test_greedy_samples_which_searches_ask_for_on_the_side_have_no_log_probability_and_are_not_refused(made):
    policy, server = made(**TOKENS)
    greedy = proposed(policy, 1, sampling=TO_END._replace(temperature=0.0)).steps
    assert [step.log_probability for step in greedy] == [None]
    assert "logprobs" not in server.bodies[-1]
    sampled, _ = made(**TOKENS, law="sampled", logprob_law="sampled")
    [step] = proposed(sampled, 1, sampling=TO_END._replace(temperature=0.0)).steps
    assert step.log_probability == 0.0


@pytest.mark.parametrize("extra", [{"top_k": 20}, {"min_p": 0.1}, {"repetition_penalty": 1.1}], ids=str)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scoring": "echo", "logprob_law": "sampled"}, "which scoring tells; leave it out, or set  scoring: none"),
        ({"scoring": "echo"}, "which scoring tells; leave it out, or set  scoring: none"),
        (
            {"logprobs": True},
            "which logprob_law: model tells; leave it out, or set  logprob_law: sampled  or  untied",
        ),
    ],
)
def test_extra_fields_that_change_the_law_are_refused_where_two_laws_would_be_mixed(options, said, extra):
    [name] = extra
    with pytest.raises(ValueError) as refused:
        OpenAIPolicy(model="m", api="completions", **options, extra=extra)
    law = "so that samples follow another law than the model's own"
    assert str(refused.value) == f"extra holds {name}, {law}, {said}"


def test_extra_fields_that_change_nothing_pass(shapes):
    common = {"model": "m", "base_url": shapes().url, "api": "completions"}
    neutral = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
    OpenAIPolicy(**common, scoring="echo", logprobs=True, extra=neutral)
    OpenAIPolicy(**common, scoring="none", extra={"top_k": 20})
    OpenAIPolicy(**common, logprobs=True, logprob_law="sampled", extra={"top_k": 20})
    OpenAIPolicy(**common, logprobs=True, logprob_law="untied", extra={"top_k": 20})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scoring": "echo", "logprobs": True}, "logprob_law: untied is for log-probabilities of samples alone"),
        ({}, "logprob_law: untied has no effect without  logprobs: true"),
    ],
)
def test_untied_is_for_samples_alone(options, said):
    with pytest.raises(ValueError, match=said):
        OpenAIPolicy(model="m", api="completions", logprob_law="untied", **options)


# -- the boundary -----------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["echo", "prompt_logprobs"])
def test_a_token_on_both_sides_of_the_boundary_is_refused_with_the_remedy(made, scoring):
    policy, _ = made(api="completions", scoring=scoring)
    with pytest.raises(CallRefused) as refused:
        likelihood(policy, Step("m is 12\n\n"), ROOT.extend(Step("the su")))
    assert str(refused.value).endswith(
        'the token "the sum is 12\\n\\n" stands on both sides of the step\'s beginning; set  tokenizer: FOLDER  and'
        "  token_ids: true  (the boundary is then one between tokens)"
    )


def test_with_token_ids_the_same_boundary_is_one_between_tokens(made):
    policy, server = made(**TOKENS)
    found = likelihood(policy, Step("m is 12\n\n"), ROOT.extend(Step("the su")))
    ids = server.tokenizer.encode("m is 12\n\n", add_special_tokens=False)
    prompt = server.bodies[-1]["prompt"]
    assert prompt[-len(ids) :] == ids
    assert found.log_probability == pytest.approx(direct(server, prompt[: -len(ids)], ids), abs=CLOSE)


def test_the_end_of_a_complete_answer_is_scored_where_it_is_known(made):
    known, server = made(api="completions", scoring="echo", end_of_answer="<|im_end|>")
    found = likelihood(known, Step("12", finish="stop"))
    ids = server.tokenizer.encode("12<|im_end|>", add_special_tokens=False)
    assert ids[-1] == server.tokenizer.eos_token_id
    assert found.tokens == len(ids)
    without, _ = made(api="completions", scoring="echo", end_of_answer="")
    assert likelihood(without, Step("12", finish="stop")).tokens == len(ids) - 1
    unknown, _ = made(api="completions", scoring="echo")
    with pytest.raises(CallRefused, match=r"set  end_of_answer: '<\|im_end\|>'"):
        likelihood(unknown, Step("12", finish="stop"))


def test_the_chat_api_cannot_score_the_end_of_an_answer(made):
    policy, _ = made(scoring="prompt_logprobs", continuation="message")
    with pytest.raises(CallRefused, match="set  api: completions"):
        likelihood(policy, Step("12", finish="stop"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api": "completions", "scoring": "echo"}, "it does not offer echo; set  scoring: prompt_logprobs"),
        ({"api": "completions", "scoring": "prompt_logprobs"}, "returned no 'prompt_logprobs': it does not offer them"),
        ({"scoring": "prompt_logprobs", "continuation": "message"}, "the server returned no 'prompt_logprobs'"),
    ],
)
def test_a_server_that_ignores_the_question_is_refused_with_the_remedy(made, options, said):
    policy, _ = made(offers=ABILITIES - {"echo", "prompt_logprobs"}, **options)
    with pytest.raises(CallRefused) as refused:
        likelihood(policy, Step("then 7"))
    assert said in str(refused.value)


# -- several samples in one request -------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"logprobs": True}, {"api": "completions"}, TOKENS], ids=str)
def test_together_all_samples_are_one_request_and_the_prompt_is_paid_once(made, options):
    policy, server = made(**{**options, "samples": "together"})
    answer = proposed(policy, 6, seed=1)
    assert answer.failed == ()
    assert len(server.bodies) == server.spent["requests"] == 1
    assert len({step.content for step in answer.steps}) == 6
    assert answer.usage == Usage(server.spent["prompt_tokens"])
    assert sum(step.tokens for step in answer.steps) == server.spent["completion_tokens"]
    assert not policy.single_samples


def test_apart_each_sample_pays_for_the_prompt(made):
    policy, server = made()
    answer = proposed(policy, 6, seed=2)
    assert server.spent["requests"] == 6
    assert answer.usage == Usage(server.spent["prompt_tokens"])
    assert answer.usage.prompt_tokens % 6 == 0


def test_a_server_without_n_is_refused_with_the_remedy(made):
    policy, _ = made(offers=ABILITIES - {"n"}, samples="together")
    with pytest.raises(CallRefused, match=r"returned 1 of 4 samples asked for in one request.*set  samples: single"):
        proposed(policy)
    assert len(proposed(policy, 1).steps) == 1


# -- continuing the assistant's message --------------------------------------------------------


@pytest.mark.parametrize(("continuation", "turns"), [("turn", 3), ("message", 2), ("prefill", 2)])
def test_the_assistants_message_is_continued_or_asked_to_go_on(made, continuation, turns):
    policy, server = made(continuation=continuation)
    proposed(policy, 1, ROOT.extend(Step("then 7\n\n")))
    body = server.bodies[-1]
    assert len(body["messages"]) == turns
    assert body["messages"][1] == {"role": "assistant", "content": "then 7\n\n"}
    fields = (body.get("continue_final_message"), body.get("add_generation_prompt"))
    assert fields == ((True, False) if continuation == "message" else (None, None))


def test_a_continued_message_is_the_prompt_that_the_completions_api_reads(made):
    chat, server = made(continuation="message")
    text, other = made(api="completions", tokenizer=True)
    before = ROOT.extend(Step("then 7\n\n"))
    for policy in (chat, text):
        proposed(policy, 1, before)
    assert server._chat_ids(server.bodies[-1]) == other._text_ids(other.bodies[-1]["prompt"])


def test_a_request_of_its_own_is_a_turn_of_its_own_also_where_messages_are_continued(made):
    policy, server = made(continuation="message")
    proposed(policy, 1, ROOT.extend(Step("12", finish="stop")), context=Context(instruction="Criticise this."))
    body = server.bodies[-1]
    assert body["messages"][-1] == {"role": "user", "content": "Criticise this."}
    assert "continue_final_message" not in body


def test_the_plain_layout_is_the_messages_with_empty_lines_between_and_the_steps_at_the_end(made):
    policy, server = made(api="completions", instruction="Be brief.")
    proposed(policy, 1, ROOT.extend(Step("then 7\n\n")))
    assert server.bodies[-1]["prompt"] == "Be brief.\n\nadd 3 and 4.\n\nthen 7\n\n"


# -- what a policy promises --------------------------------------------------------------------


def test_likelihoods_are_promised_only_where_it_is_said_how():
    options = {"model": "m", "scoring": "none"}
    assert capabilities_of(OpenAIPolicy, options) == frozenset()
    assert capabilities_of(OpenAIPolicy, {**options, "scoring": "echo"}) == {"log_likelihood"}


def test_greedy_sampling_repeats_itself(made):
    policy, _ = made()
    steps = proposed(policy, 3, sampling=TO_END._replace(temperature=0.0)).steps
    assert len({step.content for step in steps}) == 1
