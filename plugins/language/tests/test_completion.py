"""How a server's answer becomes a step."""

import json

import pytest

from treewright_language.completion import Reading, read_completion
from treewright_registry import CallFailed, CallRefused, Proposals, Step, Usage

WHOLE = Reading(delimiter=None, server_stops=True, logprobs=False, first=True)
BY_STEP = Reading(delimiter="\n\n", server_stops=True, logprobs=False, first=True)
CUT_HERE = BY_STEP._replace(server_stops=False)
USAGE = {"prompt_tokens": 11, "completion_tokens": 3}


def body(text="It is 5.", finish_reason="stop", usage=USAGE, **choice):
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish_reason, **choice}
    return json.dumps({"choices": [choice], "usage": usage})


def step(text, reading):
    [made] = read_completion(text, reading).steps
    return made


def refusal(text, reading=WHOLE):
    """Why there is no step: the answer is none, or its sample is of no use."""
    try:
        made = read_completion(text, reading)
    except CallFailed as refused:
        return str(refused)
    assert made.steps == []
    assert made.usage == Usage(11, generated_tokens=3)  # it was paid for
    [reason] = made.failed
    return reason


def test_a_whole_answer_stops():
    expected = Proposals([Step("It is 5.", None, 3, "stop")], Usage(prompt_tokens=11))
    assert read_completion(body(), WHOLE) == expected


def test_a_whole_answer_keeps_its_delimiters():
    assert step(body("a\n\nb"), WHOLE) == Step("a\n\nb", None, 3, "stop")


def test_an_answer_out_of_tokens_is_cut_off():
    assert step(body("It is", "length"), WHOLE) == Step("It is", None, 3, "length")
    assert step(body("It is", "length"), BY_STEP) == Step("It is", None, 3, "length")


@pytest.mark.parametrize("field", ["stop_reason", "matched_stop"])
def test_a_step_ends_with_the_delimiter_that_the_server_met(field):
    assert step(body("a", **{field: "\n\n"}), BY_STEP) == Step("a\n\n", None, 3, "step")


@pytest.mark.parametrize("met", [None, 151645, "END"])
def test_an_answer_that_ended_otherwise_stops(met):
    assert step(body("a", stop_reason=met), BY_STEP) == Step("a", None, 3, "stop")


def test_a_delimiter_that_the_server_left_in_the_text_ends_the_step():
    assert step(body("a\n\n"), BY_STEP) == Step("a\n\n", None, 3, "step")


def test_a_server_that_does_not_say_what_it_met_is_refused():
    assert refusal(body("a"), BY_STEP) == (
        "the server does not say whether the delimiter or the end of the answer stopped it"
        " (no stop_reason or matched_stop in the answer); set  stop_told: text  if it leaves the delimiter in the"
        " text, or  server_stops: false,  and steps are cut here instead"
    )


def test_a_step_cut_here_is_paid_for_in_full():
    assert step(body("a\n\nb\n\nc"), CUT_HERE) == Step("a\n\n", None, 3, "step")
    assert step(body("a\n\nb", "length"), CUT_HERE) == Step("a\n\n", None, 3, "step")
    assert step(body("a"), CUT_HERE) == Step("a", None, 3, "stop")


def test_after_steps_an_empty_answer_means_that_all_is_said():
    later = BY_STEP._replace(first=False)
    assert step(body("", stop_reason=None), later) == Step("", None, 3, "stop")


def test_log_probabilities_are_summed():
    tokens = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.25}]
    read = step(body(logprobs={"content": tokens}), WHOLE._replace(logprobs=True))
    assert read == Step("It is 5.", -1.75, 3, "stop")


def test_log_probabilities_that_nobody_asked_for_are_left_out():
    tokens = [{"token": "a", "logprob": -0.5}]
    assert step(body(logprobs={"content": tokens}), WHOLE).log_probability is None


@pytest.mark.parametrize("listed", [None, {}, {"content": None}, {"content": []}])
def test_missing_log_probabilities_are_an_error(listed):
    assert refusal(body(logprobs=listed), WHOLE._replace(logprobs=True)) == (
        "the server returned no log-probabilities ('choices[0].logprobs.content');"
        " set  logprobs: false, or use a server that offers them"
    )


@pytest.mark.parametrize("value", ["-1", None, True])
def test_a_log_probability_that_is_no_number_is_an_error(value):
    listed = {"content": [{"logprob": value}]}
    said = refusal(body(logprobs=listed), WHOLE._replace(logprobs=True))
    assert said == f"the server returned {json.dumps(value)} as the log-probability of a token"


@pytest.mark.parametrize("value", [float("-inf"), -9999, -9999.0])  # the latter is how servers write the former
def test_an_infinite_log_probability_is_an_error(value):
    text = body(logprobs={"content": [{"logprob": -0.5}, {"logprob": value}]})
    assert refusal(text, WHOLE._replace(logprobs=True)) == ("the server returned log-probabilities that sum to -inf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"choices": [',
            'the answer is no JSON (Expecting value: line 1 column 14 (char 13)): "{\\"choices\\": ["',
        ),
        ("[]", "the answer lacks 'choices' (it is null); is this an OpenAI-compatible API?"),
        ('{"choices": null}', "the answer lacks 'choices' (it is null); is this an OpenAI-compatible API?"),
        ('{"choices": []}', "the answer holds no choice ('choices' is empty)"),
        (
            '{"choices": [{}], "usage": {"prompt_tokens": 11, "completion_tokens": 3}}',
            "the answer lacks 'message' (it is null); is this an OpenAI-compatible API?",
        ),
        (body(None), "the answer holds no text ('choices[0].message.content' is null)"),
        (body(""), "the answer holds no text ('choices[0].message.content' is \"\")"),
        (body("a", None), "the answer lacks 'finish_reason' (it is null); is this an OpenAI-compatible API?"),
        (
            body("a", "content_filter"),
            "the server ended the answer with 'content_filter' instead of 'stop' or 'length'",
        ),
        (body(usage=None), "the answer lacks 'usage' (it is null); is this an OpenAI-compatible API?"),
        (
            body(usage={"prompt_tokens": 1}),
            "the answer's usage lacks 'completion_tokens' (it is null): its cost is unknown",
        ),
        (
            body(usage={"prompt_tokens": -1, "completion_tokens": 1}),
            "the answer's usage lacks 'prompt_tokens' (it is -1): its cost is unknown",
        ),
    ],
)
def test_an_answer_that_lacks_something_is_an_error_that_names_it(text, said):
    assert refusal(text) == said


# -- several samples ----------------------------------------------------------------------------

TWO = WHOLE._replace(samples=2)


def several(*choices, written=10):
    usage = {"prompt_tokens": 11, "completion_tokens": written}
    return json.dumps({"choices": choices, "usage": usage})


def sample(text, index=0, **more):
    return {"index": index, "message": {"content": text}, "finish_reason": "stop", **more}


def test_samples_stand_in_the_order_of_their_indices_and_share_the_prompt():
    made = read_completion(several(sample("b", 1, token_ids=[1]), sample("a", 0, token_ids=[1] * 9)), TWO)
    assert made == Proposals([Step("a", None, 9, "stop"), Step("b", None, 1, "stop")], Usage(11))


def test_where_no_token_is_listed_tokens_go_by_length_and_add_up():
    made = read_completion(several(sample("a" * 900), sample("b" * 2100, 1), sample("c", 2), written=301),
                           WHOLE._replace(samples=3))  # fmt: skip
    tokens = [step.tokens for step in made.steps]
    assert sum(tokens) == 301
    assert tokens[1] > tokens[0] > tokens[2]


def test_a_sample_that_is_of_no_use_costs_itself_and_is_paid_for():
    made = read_completion(several(sample("a", token_ids=[1] * 6), sample("", 1, token_ids=[1] * 4)), TWO)
    assert made.steps == [Step("a", None, 6, "stop")]
    assert made.usage == Usage(11, generated_tokens=4)
    assert made.failed == ("the answer holds no text ('choices[0].message.content' is \"\")",)


def test_samples_that_did_not_come_are_named():
    three = WHOLE._replace(samples=3)
    made = read_completion(several(sample("a", token_ids=[1] * 6), sample("b", 1, token_ids=[1] * 4)), three)
    assert len(made.steps) == 2
    assert made.failed == ("the server returned 2 of 3 samples",)


def test_one_sample_where_several_were_asked_for_is_a_server_without_n():
    with pytest.raises(CallRefused, match="it does not offer 'n'; set  samples: single"):
        read_completion(several(sample("a")), TWO)


def test_samples_beyond_those_asked_for_are_paid_for_and_dropped():
    made = read_completion(several(*(sample("a", i, token_ids=[1, 2]) for i in range(4)), written=8), TWO)
    assert len(made.steps) == 2
    assert made.usage == Usage(11, generated_tokens=4)


# -- text completions -----------------------------------------------------------------------------

TEXT = WHOLE._replace(api="completions")


def test_the_completions_api_has_its_text_and_log_probabilities_elsewhere():
    choice = {"text": "It is 5.", "finish_reason": "stop", "logprobs": {"tokens": ["It", " is"],
              "token_logprobs": [-0.5, -1.0]}}  # fmt: skip
    made = read_completion(several(choice), TEXT._replace(logprobs=True))
    assert made.steps == [Step("It is 5.", -1.5, 10, "stop")]
    assert refusal(several({**choice, "logprobs": None}, written=3), TEXT._replace(logprobs=True)).startswith(
        "the server returned no log-probabilities ('choices[0].logprobs.token_logprobs')"
    )
    assert refusal(body("a"), TEXT) == "the answer holds no text ('choices[0].text' is null)"


def test_a_delimiter_left_in_the_text_may_be_how_the_server_tells_that_it_met_it():
    left_in = BY_STEP._replace(stop_told="text")
    assert step(body("a\n\n"), left_in) == Step("a\n\n", None, 3, "step")
    assert step(body("a"), left_in) == Step("a", None, 3, "stop")
