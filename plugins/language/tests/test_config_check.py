"""``treewright config check`` finds what is wrong with a policy's options without loading a library for models."""

import subprocess
import sys

import pytest

from treewright.configuration import load_pipeline
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
        ("language/transformers", "model: treewright:nope", "package 'treewright' has no folder 'nope'"),
        ("language/transformers", "cache_mib: 64", "4:10: .*there is no config.json"),
        ("language/openai", "top_p: 1.5", r"5:10: .*top_p must be in \(0, 1\], not 1.5"),
        ("language/openai", "extra: {stop: x}", "5:10: .*extra must not hold stop"),
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


def test_nothing_heavy_is_imported_for_it(written):
    code = "import sys; from treewright.cli.main import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    command = [sys.executable, "-c", code, "config", "check", written(model="owner/name")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[0].endswith("is good"), done.stderr
    assert done.stdout.splitlines()[-1] == "False"
