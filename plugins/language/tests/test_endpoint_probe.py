"""What the probe finds out of a server, and what it refuses."""

import asyncio
import socket
import time

import pytest
from plugins.language.tests.vllm_shapes import ABILITIES

from treewright.cli.main import main
from treewright_language import endpoint_probe
from treewright_language.openai_policy import OpenAIPolicy
from treewright_registry import ConfigurationError

KEY = "sk-secret-of-the-tests"
YES = {
    "model listed": "yes",
    "chat": "yes",
    "completions": "yes",
    "seeds": "yes",
    "n": "yes",
    "logprobs": "yes",
    "stop told": "yes (stop_told: reason, by stop_reason)",
    "continue_final_message": "yes",
    "echo": "yes",
    "prompt_logprobs": "yes",
    "token_ids": "yes",
}


def found(url, **options):
    policy = OpenAIPolicy(**{"model": "tiny", "base_url": url, **options})
    return dict(line.split("  ", 1) for line in asyncio.run(policy.self_check()))


def plain(findings):
    return {name.strip(): said.strip() for name, said in findings.items()}


def refusal(url, **options):
    with pytest.raises(ConfigurationError) as refused:
        found(url, **options)
    return str(refused.value)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_server_with_vllms_shapes_can_do_everything(shapes, api):
    server = shapes()
    assert plain(found(server.url, api=api)) == YES
    assert server.spent["completion_tokens"] < 200  # it is cheap


def test_a_chat_model_that_refuses_max_tokens_is_asked_in_its_words(shapes):
    server = shapes()
    found(server.url, limit_field="max_completion_tokens")
    chats = [body for body in server.bodies if "messages" in body]
    assert chats
    assert not any("max_tokens" in body for body in chats)
    assert all("max_tokens" in body for body in server.bodies if "prompt" in body)


MISSING = {
    "n": {"n": "no (1 of 2 samples)"},
    "logprobs": {"logprobs": "no", "echo": "no"},  # echo without log-probabilities scores nothing
    "stop_reason": {"stop told": "no (searches over steps need  server_stops: false)"},
    "continue": {"continue_final_message": "no"},
    "echo": {"echo": "no"},
    "prompt_logprobs": {"prompt_logprobs": "no"},
    "token_ids": {"token_ids": "no"},
    # greedily this model says nothing, and no other answer of it comes twice
    "seed": {"seeds": "no (equal seeds, other samples)", "stop told": "unclear (no answer to stop in)"},
    "completions": {"completions": "no (404)", "echo": "no", "token_ids": "no"},
}


@pytest.mark.parametrize("ability", MISSING)
def test_what_a_server_ignores_or_refuses_is_noticed(shapes, ability):
    server = shapes(offers=ABILITIES - {ability})
    assert plain(found(server.url)) == {**YES, **MISSING[ability]}


@pytest.mark.parametrize(
    ("lacks", "options", "said"),
    [
        ({"n"}, {"samples": "together"}, "samples: together needs n; set  samples: single"),
        (
            {"logprobs"},
            {"logprobs": True},
            "logprobs: true needs logprobs; set  logprobs: false, or use another server",
        ),
        (
            {"continue"},
            {"continuation": "message"},
            "continuation: message needs continue_final_message; set  continuation: turn",
        ),
        (
            {"echo"},
            {"api": "completions", "scoring": "echo"},
            "scoring: echo needs echo; set  scoring: prompt_logprobs",
        ),
        (
            {"echo", "prompt_logprobs"},
            {"api": "completions", "scoring": "echo"},
            "scoring: echo needs echo; set  scoring: none, or use another server",
        ),
        ({"completions"}, {"api": "completions"}, "api: completions needs completions; set  api: chat"),
    ],
)
def test_what_the_options_need_and_the_server_lacks_is_refused_with_the_remedy(shapes, lacks, options, said):
    server = shapes(offers=ABILITIES - lacks)
    lines = refusal(server.url, **options).splitlines()
    assert lines[0] == f"{server.url} lacks what the options need:"
    assert lines[1].strip() == said
    assert any(line.strip().startswith("chat ") for line in lines)  # all findings follow


def test_a_model_that_is_not_served_is_said_with_those_that_are(shapes):
    said = refusal(shapes().url, model="huge")
    assert "api: chat needs chat; check base_url, and whether it lists the model" in said
    assert "no (it lists tiny)" in said


def test_a_wrong_key_is_said_and_not_shown(shapes, monkeypatch):
    server = shapes()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-one")
    said = refusal(server.url)
    assert "HTTP 401" in said
    assert "check the key in the environment" in said
    assert "sk-wrong-one" not in said


def test_a_server_that_is_not_there_is_said_at_once(monkeypatch):
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    said = refusal("http://127.0.0.1:9/v1")
    assert said.startswith("model 'tiny' at http://127.0.0.1:9/v1: ")
    assert said.endswith("APIConnectionError: Connection error.\n    is the server running, and base_url right?")


def test_a_server_that_takes_connections_and_never_answers_is_not_waited_for(monkeypatch):
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(endpoint_probe, "_PATIENCE", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        began = time.monotonic()
        said = refusal(url)
        assert time.monotonic() - began < 20  # the client's own patience is ten minutes
    assert said == (
        f"model 'tiny' at {url}: no answer within 0.3 s\n    is it still loading, or is base_url something else?"
    )


def test_a_server_that_never_completes_anything_is_asked_once(server, monkeypatch):
    monkeypatch.setattr(endpoint_probe, "_PATIENCE", 1.0)
    server.answer = lambda body: None
    assert "no answer within 1 s" in refusal(server.url)
    assert len(server.bodies) == 1


def test_config_check_build_prints_what_the_server_can_do(shapes, tmp_path, capsys):
    server = shapes(offers=ABILITIES - {"n"})
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "task: {use: puzzle/countdown, count: 1}\n"
        f"policy: {{use: language/openai, model: tiny, base_url: '{server.url}'}}\n"
        "scorer: {use: puzzle/outcome}\nsearch: {use: core/sample}\n"
    )
    assert main(["config", "check", str(file)]) == 0
    assert "language/openai:" not in capsys.readouterr().out  # without --build no server is asked
    assert server.bodies == []
    assert main(["config", "check", str(file), "--build"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("language/openai:")
    assert lines[at + 1 : at + 3] == ["  model listed            yes", "  chat                    yes"]
    assert main(["config", "check", str(file), "--build", "--set", "policy.samples=together"]) == 2
    assert "samples: together needs n; set  samples: single" in capsys.readouterr().err
