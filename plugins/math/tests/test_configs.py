"""The files in ``configs``: good as they stand, and alike but for the models."""

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from plugins.language.tests.vllm_shapes import VllmShapes

from treewright import load_pipeline, run_pipeline
from treewright.cli.main import main
from treewright_language.checkpoints import resolve

FOLDER = Path(__file__).parents[3] / "configs"
FILES = sorted(FOLDER.glob("*.yaml"))
BOTH = [name.removesuffix("-local.yaml") for name in (file.name for file in FILES) if name.endswith("-local.yaml")]


def test_there_are_files_and_the_table_names_all_of_them():
    named = (FOLDER / "README.md").read_text()
    assert len(FILES) == 14
    for file in FILES:
        assert file.name in named or file.name.replace("-endpoint", "-local") in named


def test_every_search_has_a_file_for_folders_and_one_for_servers():
    searches = {"best-of-n", "beam", "gsi", "mcts", "r2", "rsd", "specs"}
    assert {file.name for file in FILES} == {
        f"math-{search}-{kind}.yaml" for search in searches for kind in ("local", "endpoint")
    }


def folders_of(file):
    return set(re.findall(r"\./models/[\w.-]+", "".join(each.read_text() for each in (file, *_extended(file)))))


def _extended(file):
    for name in re.findall(r"^extends: (.*\.yaml)$", file.read_text(), re.MULTILINE):
        yield FOLDER / name
        yield from _extended(FOLDER / name)


def build_knowledge(file):
    """As the file's own first lines say, of a small source, in the working directory."""
    commands = re.findall(
        r"^# treewright (kb build .*)$", "".join(_text(each) for each in (file, *_extended(file))), re.M
    )
    Path("math_pool_4500.jsonl.gz").write_text('{"problem": "What is 1 + 1?", "solution": "It is two, as 1 + 1 = 2."}')
    for command in commands:
        assert main(command.split()) == 0


def _text(file):
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_config_check_finds_nothing_wrong_where_the_models_are(file, tmp_path, monkeypatch, capsys):
    """What the check can see of a folder without loading; the weights in it are none."""
    monkeypatch.chdir(tmp_path)
    for name in folders_of(file):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"model_type": "qwen2"}')
        for empty in ("model.safetensors", "tokenizer.json"):
            (folder / empty).touch()
    build_knowledge(file)
    assert main(["config", "check", str(file)]) == 0
    assert " is good" in capsys.readouterr().out


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_config_check_tells_where_they_are_not(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wanted = folders_of(file)
    assert main(["config", "check", str(file)]) == (2 if wanted else 0)
    missing = re.findall(r"model '(.*?)': the folder .* does not exist", capsys.readouterr().err)
    assert set(missing) <= wanted
    assert bool(missing) == bool(wanted)


@pytest.mark.parametrize("name", ["gsi", "specs"])
def test_searches_that_weigh_two_servers_refuse_another_temperature(name, capsys):
    file = str(FOLDER / f"math-{name}-endpoint.yaml")
    folders = [f"policy.{role}.tokenizer=treewright_math:data/{role}" for role in ("draft", "target")]
    settings = [*folders, "scorer.model=treewright_math:data/target", "search.temperature=0.8"]
    assert main(["config", "check", file, *(word for each in settings for word in ("--set", each))]) == 2
    said = capsys.readouterr().err
    assert said.count(f"the law that search 'core/{name}' samples from: temperature 0.8 and top_p 1: the server") == 2


@pytest.mark.parametrize("name", ["gsi", "specs"])
def test_searches_that_weigh_two_servers_run_with_the_embedded_models_behind_them(name, tmp_path, monkeypatch):
    pytest.importorskip("openai", reason="needs the extra 'language'")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-configs")
    settings = ["task.use=math/embedded", "task.count=2", "search.n=3", "scorer.model=treewright_math:data/prm"]
    settings += ["scorer.dtype=float32", 'scorer.split="\\n"']
    with ExitStack() as servers:
        for role, model in (("draft", "Qwen2.5-Math-1.5B-Instruct"), ("target", "Qwen2.5-Math-7B-Instruct")):
            folder = f"treewright_math:data/{role}"
            server = servers.enter_context(VllmShapes(resolve(folder), name=f"Qwen/{model}"))
            block = {"base_url": server.url, "tokenizer": folder, "max_tokens": 60, "delimiter": "\n"}
            settings += [f"policy.{role}.{option}={json.dumps(value)}" for option, value in block.items()]
        pipeline = load_pipeline(FOLDER / f"math-{name}-endpoint.yaml", overrides=settings)
        summary = run_pipeline(pipeline, tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    assert [(record["error"], record["failed_calls"]) for record in records] == [(None, []), (None, [])]
    assert {role: summary["cost"][role]["failed_calls"] for role in ("draft", "target")} == {"draft": 0, "target": 0}
    assert all(record["answer"] is not None for record in records)
    assert summary["cost"]["target"]["prompt_tokens"] > 0  # it has weighed what the draft wrote


@pytest.mark.parametrize("name", BOTH)
def test_for_an_endpoint_only_policies_and_their_temperature_change(name):
    local, endpoint = (load_pipeline(FOLDER / f"{name}-{kind}.yaml").spec for kind in ("local", "endpoint"))
    assert local.search.name == endpoint.search.name
    assert local.budget == endpoint.budget
    changed = {role for role, block in local.roles.items() if block.name != endpoint.roles[role].name}
    assert changed == {role for role in local.roles if local.roles[role].name == "language/transformers"}
    for role in local.roles.keys() - changed:
        assert local.roles[role].options == endpoint.roles[role].options
    options = [{**each.search.options, "temperature": None} for each in (local, endpoint)]
    assert options[0] == options[1]
