"""Policy chemistry/llm with a model in this process, and with the same one behind an endpoint: one block differs."""

import json

import pytest
from plugins.language.tests.served_checkpoint import make_parrot
from plugins.language.tests.vllm_shapes import VllmShapes

from treewright.cli.main import main

KEY = "sk-secret-of-the-chemists"
SMILES = "<smiles>CCO</smiles>"
ETHANOL = {
    "id": "ethanol",
    "smiles": "CCO",
    "formula": "C2H6O",
    "c13": ["18.0 (1C, s), 58.0 (1C, s)"],
    "h1": ["1.18 (3H, t, J = 7.0 Hz), 3.60 (2H, q, J = 7.0 Hz)"],
}
METHANOL = {"id": "methanol", "smiles": "CO", "formula": "CH4O", "c13": ["50.0 (1C, s)"], "h1": ["3.40 (3H, s)"]}
PIPELINE = """\
extends: chemistry/k-mse-llm
task: {{path: {records}}}
budget: {{candidates: {candidates}}}
policy:
  policy: {{repairs: 1}}
  model: {model}
"""


@pytest.fixture(scope="module")
def parrot(tmp_path_factory):
    """A checkpoint that proposes ethanol, whatever it is asked."""
    for library in ("torch", "transformers", "openai"):
        pytest.importorskip(library, reason="needs the extra 'language' of treewright")
    return make_parrot(tmp_path_factory.mktemp("models") / "parrot", SMILES)


@pytest.fixture
def elucidate(parrot, tmp_path, monkeypatch):
    """Runs the pipeline with a block for the model; exit code and records by id."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def elucidate(block, *records, candidates=1):
        data, file = tmp_path / "records.json", tmp_path / "pipeline.yaml"
        data.write_text(json.dumps(records))
        file.write_text(PIPELINE.format(records=data, candidates=candidates, model=block))
        out = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        code = main(["run", str(file), "--out", str(out)])
        assert not any(KEY.encode() in path.read_bytes() for path in out.rglob("*") if path.is_file())
        lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
        return code, {record["id"]: record for record in map(json.loads, lines)}

    return elucidate


def test_a_local_checkpoint_and_an_endpoint_answer_alike_at_the_same_cost(elucidate, parrot):
    code, local = elucidate(f"{{use: language/transformers, model: '{parrot}', device: cpu, max_tokens: 64}}", ETHANOL)
    with VllmShapes(parrot, key=KEY) as server:
        block = f"{{use: language/openai, model: tiny, base_url: '{server.url}', max_tokens: 64}}"
        code_there, remote = elucidate(block, ETHANOL)
        spent = dict(server.spent)
    assert code == code_there == 0
    here, there = local["ethanol"], remote["ethanol"]
    assert here["answer"] == there["answer"] == "CCO"
    assert here["correct"] is there["correct"] is True
    costs = [record["cost"]["model"] for record in (here, there)]
    for name in ("calls", "prompt_tokens", "generated_tokens", "failed_calls"):
        assert costs[0][name] == costs[1][name]
    assert costs[1]["prompt_tokens"] == spent["prompt_tokens"]
    assert costs[1]["generated_tokens"] == spent["completion_tokens"] == 2  # the structure, and the end


@pytest.mark.parametrize("back_end", ["local", "endpoint"])
def test_repairs_of_a_model_that_does_not_learn_are_bounded_and_counted(elucidate, parrot, back_end):
    with VllmShapes(parrot, key=KEY) as server:
        block = {
            "local": f"{{use: language/transformers, model: '{parrot}', device: cpu, max_tokens: 64}}",
            "endpoint": f"{{use: language/openai, model: tiny, base_url: '{server.url}', max_tokens: 64}}",
        }[back_end]
        # ethanol is no isomer of methanol: taken in the end, as nothing better comes; its rewrite changes nothing
        code, records = elucidate(block, METHANOL, candidates=2)
    record = records["methanol"]
    assert (code, record["answer"], record["correct"]) == (0, "CCO", False)
    cost = record["cost"]["model"]
    # the draft twice; then the search asks three times for something new, each a critique and the rewrite twice
    assert cost["calls"] == 2 + 3 * (1 + 2)
    assert cost["generated_tokens"] == 2 * cost["calls"]
    assert len(record["failed_calls"]) == 3
    assert all(
        "answer: CCO has another formula: 1 C too many, 2 H too many." in each for each in record["failed_calls"]
    )
