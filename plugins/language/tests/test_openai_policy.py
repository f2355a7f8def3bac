"""The policy against a real HTTP server: what it sends, what it makes of the answers."""

import asyncio
import subprocess
import sys
import time
from importlib.metadata import EntryPoint

import pytest

from treewright.engine.component_building import build
from treewright.pipeline import ComponentSpec, capabilities_of
from treewright_language.openai_policy import OpenAIPolicy
from treewright_registry import (
    TO_END,
    CallFailed,
    ConfigurationError,
    Descriptor,
    Problem,
    ProposeRequest,
    Registry,
    Sampling,
    Step,
    Text,
    Trajectory,
    Usage,
)

KEY = "sk-secret-of-the-tests"
ROOT = Trajectory(Problem("p", "2 + 3?"))


def sent_seeds(server):
    return [body["seed"] for body in server.bodies]


def test_the_body_holds_what_is_set_and_nothing_else(server, ask):
    ask(ProposeRequest(ROOT, 1, 7, TO_END))
    expected = {
        "path": "/v1/chat/completions",
        "model": "tiny",
        "messages": [{"role": "user", "content": "2 + 3?"}],
        "seed": ProposeRequest(ROOT, 1, 7).key(0).seed % 2**31,
    }
    assert server.bodies == [expected]


def test_all_options_reach_the_server(server, ask):
    server.answer = lambda body: server.says(
        "a", stop_reason="\n\n", logprobs={"content": [{"token": "a", "logprob": -0.5}]}
    )
    options = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 40, "stop": ("END",), "logprobs": True}
    options["logprob_law"] = "sampled"
    [proposals] = ask(ProposeRequest(ROOT, 1, 7), instruction="Be brief.", **options)
    [body] = server.bodies
    del body["seed"], body["path"]
    assert body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "2 + 3?"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 40,
        "stop": ["\n\n", "END"],
        "logprobs": True,
    }
    assert proposals.steps == [Step("a\n\n", -0.5, 3, "step")]


def test_a_searchs_sampling_wins_over_the_options_also_at_zero(server, ask):
    sampling = Sampling("end", temperature=0.0, top_p=0.25, max_tokens=5)
    ask(ProposeRequest(ROOT, 1, 7, sampling), temperature=1.0, top_p=1.0, max_tokens=40)
    [body] = server.bodies
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.0, 0.25, 5)


def test_an_answer_that_is_there_when_the_deadline_comes_is_taken(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    policy = OpenAIPolicy(model="tiny", base_url=server.url)

    async def complete(api, body):
        await asyncio.sleep(0)
        time.sleep(0.2)  # the loop is busy until after the deadline
        return server.says("a\n\n", stop_reason="\n\n")[1]

    async def within_a_deadline():
        async with asyncio.timeout(0.05):
            return await policy.propose([ProposeRequest(ROOT, 1, 7)])

    policy._endpoint.complete = complete
    [proposals] = asyncio.run(within_a_deadline())
    assert [step.content for step in proposals.steps] == ["a\n\n"]


def test_a_server_that_cannot_stop_is_not_asked_to(server, ask):
    server.answer = lambda body: server.says("a\n\nb")
    [proposals] = ask(ProposeRequest(ROOT, 1, 7), server_stops=False)
    assert "stop" not in server.bodies[0]
    assert proposals.steps == [Step("a\n\n", None, 3, "step")]


def test_siblings_have_seeds_of_their_own_and_the_same_ones_again(server, ask):
    request = ProposeRequest(ROOT, 4, 7, TO_END)
    ask(request)
    first = sent_seeds(server)
    ask(request)
    assert len(set(first)) == 4
    assert all(0 <= seed < 2**31 for seed in first)
    assert sorted(sent_seeds(server)[4:]) == sorted(first)


def test_another_request_has_other_seeds(server, ask):
    ask(ProposeRequest(ROOT, 2, 7, TO_END), ProposeRequest(ROOT, 2, 8, TO_END))
    assert len(set(sent_seeds(server))) == 4


def test_steps_stand_in_the_order_of_their_draws_whenever_they_arrive(server, ask):
    server.answer = lambda body: server.says(f"seed {body['seed']}")
    request = ProposeRequest(ROOT, 6, 7, TO_END)
    [proposals] = ask(request)
    assert [step.content for step in proposals.steps] == [
        f"seed {request.key(index).seed % 2**31}" for index in range(6)
    ]


def test_tokens_are_counted_a_sample_each(server, ask):
    [proposals] = ask(ProposeRequest(ROOT, 3, 7, TO_END))
    assert proposals.usage == Usage(prompt_tokens=33)
    assert [step.tokens for step in proposals.steps] == [3, 3, 3]


def test_steps_lead_to_the_next_one(server, ask):
    server.answer = lambda body: server.says("It is 5.", stop_reason=None)
    [proposals] = ask(ProposeRequest(ROOT.extend(Step("Add.\n\n")), 1, 7), go_on="More.")
    assert server.bodies[0]["messages"] == [
        {"role": "user", "content": "2 + 3?"},
        {"role": "assistant", "content": "Add.\n\n"},
        {"role": "user", "content": "More."},
    ]
    assert proposals.steps == [Step("It is 5.", None, 3, "stop")]


def test_no_requests_no_answers(server, ask):
    assert ask() == []
    assert server.bodies == []


def test_images_come_from_the_blob_store_that_the_engine_sets(server, tmp_path):
    spec = ComponentSpec(Descriptor("policy", "language/openai", OpenAIPolicy), {"model": "m"})
    policy = build(spec, tmp_path)
    image = policy.blobs.put(b"\x89PNG", "image/png")
    policy = build(ComponentSpec(spec.descriptor, {"model": "m", "base_url": server.url}), tmp_path)
    root = Trajectory(Problem("p", (Text("What?"), image)))
    asyncio.run(policy.propose([ProposeRequest(root, 1, 0, TO_END)]))
    assert server.bodies[0]["messages"][0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw=="},
    }


def test_one_policy_serves_one_event_loop_after_another(server):
    policy = OpenAIPolicy(model="m", base_url=server.url)
    request = ProposeRequest(ROOT, 2, 7, TO_END)
    first = asyncio.run(policy.propose([request]))
    assert asyncio.run(policy.propose([request])) == first


# -- the key ----------------------------------------------------------------------------------


def test_the_key_goes_to_the_server_and_is_seen_nowhere_else(server):
    policy = OpenAIPolicy(model="m", base_url=server.url)
    asyncio.run(policy.propose([ProposeRequest(ROOT, 1, 7, TO_END)]))
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    shown = [repr(policy), repr(vars(policy)), repr(vars(policy._endpoint)), repr(server.bodies)]
    assert not any(KEY in text for text in shown)


def test_an_error_that_quotes_the_key_is_blotted(server, ask):
    server.answer = lambda body: (401, f'{{"error": {{"message": "Incorrect API key: {KEY}"}}}}')
    with pytest.raises(CallFailed) as failed:
        ask(ProposeRequest(ROOT, 1, 7, TO_END))
    assert str(failed.value) == (
        f'model \'tiny\' at {server.url}: HTTP 401: {{"error": {{"message": "Incorrect API key: ***"}}}}'
    )
    assert failed.value.__cause__ is None


def test_an_unreadable_answer_that_quotes_the_key_is_blotted(server, ask):
    server.answer = lambda body: (200, f"key {KEY}")
    with pytest.raises(CallFailed) as failed:
        ask(ProposeRequest(ROOT, 1, 7, TO_END))
    assert str(failed.value).endswith('"key ***"')


def test_errors_show_the_address_without_user_password_and_query(server, ask):
    server.answer = lambda body: (404, "{}")
    url = server.url.replace("http://", "http://me:hidden@") + "?token=hidden"
    with pytest.raises(CallFailed) as failed:
        ask(ProposeRequest(ROOT, 1, 7, TO_END), base_url=url)
    assert f"at {server.url}: HTTP 404: {{}}" in str(failed.value)
    assert "hidden" not in str(failed.value)


def test_long_error_pages_are_cut(server, ask):
    server.answer = lambda body: (502, "<html>" + "x" * 5000)
    with pytest.raises(CallFailed) as failed:
        ask(ProposeRequest(ROOT, 1, 7, TO_END))
    assert len(str(failed.value)) < 500


def test_a_missing_key_is_a_mistake_in_the_set_up(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigurationError) as refused:
        OpenAIPolicy(model="m")
    assert str(refused.value) == (
        "the environment variable OPENAI_API_KEY holds no API key\n"
        "    set it: export OPENAI_API_KEY=…   (any text for a server that asks for none)"
    )


@pytest.mark.parametrize("key", ["sk-clé", "sk-a\n", " sk-a", "sk-a\u200b"])
def test_a_key_that_no_http_header_can_carry_is_a_mistake_in_the_set_up(server, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigurationError) as refused:
        OpenAIPolicy(model="m")
    assert str(refused.value) == (
        "the key in the environment variable OPENAI_API_KEY holds blanks, line breaks or characters outside ASCII,"
        " which no HTTP header can carry\n    copy it anew"
    )


def test_the_key_may_stand_in_another_variable(server, ask, monkeypatch):
    monkeypatch.setenv("LAB_KEY", "sk-other")
    ask(ProposeRequest(ROOT, 1, 7, TO_END), api_key_env="LAB_KEY")
    assert server.headers[0]["Authorization"] == "Bearer sk-other"


def test_the_server_may_be_named_by_the_environment(server, ask, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    ask(ProposeRequest(ROOT, 1, 7, TO_END), base_url=None)
    assert len(server.bodies) == 1


# -- options and capabilities -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": ""}, "model must name a model of the server"),
        ({"temperature": -0.5}, "temperature must be a number of at least 0, not -0.5"),
        ({"temperature": float("nan")}, "temperature must be a number of at least 0, not nan"),
        ({"temperature": float("inf")}, "temperature must be a number of at least 0, not inf"),
        ({"top_p": 0.0}, "top_p must be in (0, 1], not 0"),
        ({"max_tokens": 0}, "max_tokens must be at least 1, not 0"),
        ({"delimiter": ""}, "delimiter and stop strings must not be empty"),
        ({"stop": ("",)}, "delimiter and stop strings must not be empty"),
        (
            {"logprobs": True, "server_stops": False},
            "logprobs: true needs server_stops: true, since log-probabilities cover what is cut off here",
        ),
    ],
)
def test_options_out_of_range_are_refused(options, said):
    with pytest.raises(ValueError) as refused:
        OpenAIPolicy(**{"model": "m", **options})
    assert str(refused.value) == said


def test_no_extra_field_can_override_what_the_policy_sends(server, ask):
    """Every field of the bodies that it sends, whatever the options, is refused in ``extra``."""
    server.answer = lambda body: server.says("a", stop_reason="\n\n", logprobs={"content": [{"logprob": -1.0}]})
    everything = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 40, "logprobs": True, "continuation": "message"}
    ask(ProposeRequest(ROOT.extend(Step("b\n\n")), 1, 7), **everything)
    sent = set(server.bodies[0]) - {"path"}
    assert len(sent) == 10
    others = {"n", "prompt", "echo", "prompt_logprobs", "return_token_ids", "best_of", "stream_options"}
    endings = {"max_completion_tokens", "min_tokens", "ignore_eos", "stop_token_ids", "include_stop_str_in_output"}
    for field in sent | others | endings | {"use_beam_search", "top_logprobs"}:
        with pytest.raises(ValueError, match=f"extra must not hold {field}, which "):
            OpenAIPolicy(model="m", extra={field: 1})


def test_the_upper_limit_has_the_name_that_the_model_takes(server, ask):
    ask(ProposeRequest(ROOT, 1, 7, TO_END), max_tokens=40, limit_field="max_completion_tokens")
    [body] = server.bodies
    assert (body["max_completion_tokens"], "max_tokens" in body) == (40, False)
    with pytest.raises(ValueError, match="limit_field: max_completion_tokens is for api: chat"):
        OpenAIPolicy(model="m", api="completions", limit_field="max_completion_tokens")


@pytest.mark.parametrize(
    "url", ["localhost:9", "ftp://x/v1", "http://", "http:///v1", "x", "", "http://a:b/v1", "http://[::1/v1"]
)
def test_what_is_no_address_of_a_server_is_refused(url, monkeypatch):
    with pytest.raises(ConfigurationError) as refused:
        OpenAIPolicy(model="m", base_url=url)
    assert str(refused.value) == (
        f"base_url is no address of a server: '{url}'\n    write  http://HOST:PORT/v1  or  https://…"
    )


def test_an_address_in_the_environment_is_held_to_the_same_and_shows_no_password(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "ftp://me:hidden@x/v1?token=hidden")
    with pytest.raises(ConfigurationError) as refused:
        OpenAIPolicy(model="m")
    assert str(refused.value).startswith("the environment variable OPENAI_BASE_URL is no address of a server: 'x/v1'\n")


def test_several_reserved_fields_are_told_with_their_reason():
    with pytest.raises(ValueError) as refused:
        OpenAIPolicy(model="m", extra={"stop": ["x"], "temperature": 0.0, "top_k": 20})
    assert str(refused.value) == "extra must not hold temperature, stop, which are options, and a search's to ask"


def test_log_probabilities_are_promised_only_by_a_policy_that_asks_for_them(server):
    assert capabilities_of(OpenAIPolicy) == frozenset()
    assert capabilities_of(OpenAIPolicy(model="m")) == frozenset()
    assert capabilities_of(OpenAIPolicy(model="m", logprobs=True)) == {"log_probability"}
    # what the configuration check sees, before anything is built
    assert capabilities_of(OpenAIPolicy, {"model": "m", "logprobs": True}) == {"log_probability"}
    assert capabilities_of(OpenAIPolicy, {"model": "m", "logprobs": False}) == frozenset()


def test_the_entry_module_registers_it():
    registry = Registry.load([EntryPoint("language", "treewright_language", "treewright.plugins")])
    assert registry.failures == ()
    assert registry.find("policy", "language/openai").load() is OpenAIPolicy


def test_importing_the_policy_does_not_load_the_client():
    program = "import sys, treewright_language.openai_policy; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
