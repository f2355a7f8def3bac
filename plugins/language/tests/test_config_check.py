"""``treewright config check`` finds what is wrong with a policy's options without loading a library for models."""

import re
import subprocess
import sys

import pytest

from treewright.configuration import load_pipeline
from treewright_language.device_name import check_device
from treewright_registry import ConfigurationError, Registry

PIPELINE = """\
task: {{use: puzzle/countdown}}
policy:
  use: {use}
  model: {model}
  {option}
search: {{use: core/sample, n: 2}}
aggregator: {{use: core/majority}}
"""


@pytest.fixture
def written(tmp_path):
    def written(option="max_tokens: 9", model="treewright:configuration", use="language/transformers"):
        file = tmp_path / "p.yaml"
        file.write_text(PIPELINE.format(use=use, model=model, option=option), encoding="utf-8")
        return str(file)

    return written


@pytest.mark.parametrize(
    ("use", "option", "said"),
    [
        ("language/transformers", "temperature: -1.0", "5:16: .*temperature must be a number of at least 0, not -1"),
        ("language/transformers", "rows: 0", "5:9: .*rows must be at least 1, not 0"),
        ("language/transformers", "device: banana", "5:11: .*device 'banana' is no device that can compute"),
        ("language/transformers", "device: meta", "device 'meta' is no device"),
        ("language/transformers", "model: treewright:nope", "package 'treewright' has no folder 'nope'"),
        ("language/transformers", "cache_mib: 64", "4:10: .*there is no config.json"),
        ("language/openai", "top_p: 1.5", r"5:10: .*top_p must be in \(0, 1\], not 1.5"),
        ("language/openai", "extra: {stop: x}", "5:10: .*extra must not hold stop"),
        ("language/openai", "base_url: localhost:9", "5:13: .*base_url is no address of a server: 'localhost:9'"),
        ("language/openai", "base_url: 'ftp://x/v1'", "5:13: .*base_url is no address of a server: 'ftp://x/v1'"),
        (
            "language/openai",
            "api: completions\n  tokenizer: /nope",
            "6:14: .*tokenizer: .*the folder /nope does not exist",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(use, option, said, written):
    file = written(option, use=use)
    if option.startswith("model"):
        file = written(model=option.removeprefix("model: "))
    with pytest.raises(ConfigurationError, match=said):
        load_pipeline(file, Registry.load(), outside=True)


def test_a_run_that_is_only_read_need_not_have_the_model(written):
    assert (
        load_pipeline(written(model="treewright:nope"), Registry.load()).spec.roles["policy"].options["max_tokens"] == 9
    )


def test_hub_names_and_endpoints_pass(written):
    for use in ("language/transformers", "language/openai"):
        load_pipeline(written(model="owner/name", use=use), Registry.load(), outside=True)


ENDPOINT = "{{use: language/openai, model: {model}, api: completions, logprobs: true, {options}}}"
WEIGHED = """\
task: {{use: puzzle/countdown}}
policy:
  draft: {draft}
  target: {target}
scorer: {{use: puzzle/rules}}
search: {{use: {search}}}
"""
TIED = "scoring: prompt_logprobs, top_p: 1.0"


def weighed(tmp_path, search, draft=TIED, target=TIED):
    blocks = [ENDPOINT.format(model=name, options=each) for name, each in (("small", draft), ("large", target))]
    file = tmp_path / "weighed.yaml"
    file.write_text(WEIGHED.format(search=search, draft=blocks[0], target=blocks[1]), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    "search",
    [
        "core/gsi, temperature: 1.0",
        "core/specs, temperature: 1.0",
        "core/particle-filter, speculative: true, temperature: 1.0",
    ],
)
def test_a_search_that_weighs_endpoints_passes_at_the_temperature_of_their_law(tmp_path, search):
    load_pipeline(weighed(tmp_path, search), Registry.load(), outside=True)


@pytest.mark.parametrize(
    ("search", "place", "value"),
    [
        ("core/gsi, temperature: 0.3", "6:38", "temperature 0.3 and top_p 1"),
        ("core/gsi", "6:15", r"temperature unset \(the server's default\) and top_p 1"),
        ("core/specs, mode: released", "6:15", "temperature 0.3 and top_p 1"),  # the mode's own
        ("core/particle-filter, speculative: true, temperature: 0.3", "6:69", "temperature 0.3 and top_p 1"),
    ],
)
def test_a_search_that_weighs_endpoints_at_another_temperature_is_refused(tmp_path, search, place, value):
    with pytest.raises(ConfigurationError) as refused:
        load_pipeline(weighed(tmp_path, search), Registry.load(), outside=True)
    said = str(refused.value)
    law = f"cannot tell probabilities of the law that search '{search.partition(',')[0]}' samples from: "
    for role in ("draft", "target"):
        assert re.search(re.escape(f"{place}: language/openai in role '{role}' {law}") + value, said)


def test_each_role_is_held_to_its_own_options(tmp_path):
    """The target's nucleus is unset: the server's default may be another."""
    file = weighed(tmp_path, "core/gsi, temperature: 1.0", target="scoring: prompt_logprobs")
    with pytest.raises(ConfigurationError) as refused:
        load_pipeline(file, Registry.load(), outside=True)
    [said] = str(refused.value).splitlines()
    assert "in role 'target' cannot tell probabilities of the law that search 'core/gsi' samples from: temp" in said


@pytest.mark.parametrize(("law", "good"), [("model", False), ("sampled", True), ("untied", True)])
def test_priors_may_be_of_the_models_own_law_where_that_is_said(tmp_path, law, good):
    file = tmp_path / "puct.yaml"
    policy = ENDPOINT.format(model="m", options=f"logprob_law: {law}")
    search = "{use: core/mcts, rule: puct, temperature: 0.7, iterations: 2}"
    parts = [
        "task: {use: puzzle/countdown}",
        f"policy: {policy}",
        "scorer: {use: puzzle/rules}",
        f"search: {search}",
    ]
    file.write_text("\n".join([*parts, ""]), encoding="utf-8")
    if good:
        load_pipeline(str(file), Registry.load(), outside=True)
    else:
        with pytest.raises(ConfigurationError, match="or  logprob_law: untied  where the model's own are wanted"):
            load_pipeline(str(file), Registry.load(), outside=True)


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps", "xpu:1"])
def test_devices_pass_whether_they_are_here_or_not(name):
    check_device(name)


@pytest.mark.parametrize("name", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:01", "cuda 1", "cpu\n", "meta:0"])
def test_what_torch_would_not_take_is_no_device(name):
    with pytest.raises(ConfigurationError, match="device: auto"):
        check_device(name)


def test_a_package_may_bring_a_kind_of_device(monkeypatch, tmp_path):
    with pytest.raises(ConfigurationError):
        check_device("npu:1")
    package = tmp_path / "torch_npu-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: torch_npu\nVersion: 1.0\n", encoding="utf-8")
    (package / "entry_points.txt").write_text("[torch.backends]\nnpu = torch_npu:load\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    check_device("npu:1")
    with pytest.raises(ConfigurationError):
        check_device("meta")


@pytest.mark.parametrize(("temperature", "good"), [(0.7, False), (1.0, True), (0.0, True)])
def test_a_search_that_weighs_nothing_is_told_too_that_its_calls_would_be_refused(tmp_path, temperature, good):
    file = tmp_path / "sample.yaml"
    policy = ENDPOINT.format(model="m", options="top_p: 1.0")
    parts = [
        "task: {use: puzzle/countdown}",
        f"policy: {policy}",
        f"search: {{use: core/sample, temperature: {temperature}}}",
    ]
    file.write_text("\n".join([*parts, "aggregator: {use: core/majority}", ""]), encoding="utf-8")
    if good:
        load_pipeline(str(file), Registry.load(), outside=True)
    else:
        with pytest.raises(ConfigurationError, match="role 'policy' cannot tell probabilities of the law that search"):
            load_pipeline(str(file), Registry.load(), outside=True)


def test_nothing_heavy_is_imported_for_it(written):
    code = "import sys; from treewright.cli.main import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    command = [sys.executable, "-c", code, "config", "check", written(model="owner/name")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[0].endswith("is good"), done.stderr
    assert done.stdout.splitlines()[-1] == "False"
