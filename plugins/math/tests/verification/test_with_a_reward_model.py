"""Step verification with a reward model behind ``math/prm``: a tiny one, with weights drawn at random."""

import json

import pytest
from plugins.math.tests.reward_readers.tiny_checkpoints import CHATML, make_config, make_headed, make_tokenizer

from treewright import load_pipeline, run_pipeline
from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader
from treewright_math.verification.first_error import first_error

ROWS = [
    {"id": "pens", "problem": "7 * 12 - 30?", "steps": ["7 * 12 = 84\n\nor so.", "84 - 30 = 64", "64."], "label": 1},
    {"id": "cakes", "problem": "2 cakes for 3?", "steps": ["2 by 3.", "Each gets 2/3."], "label": -1},
]
HEAD = {"score.0.weight": (16, 16), "score.0.bias": (16,), "score.2.weight": (2, 16), "score.2.bias": (2,)}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    tokenizer = make_tokenizer(folder, controls=("<|im_start|>", "<|im_end|>", "<extra_0>"), template=CHATML)
    make_headed(folder, make_config("qwen2", tokenizer), HEAD, architecture="Qwen2ForProcessRewardModel")
    return str(folder)


def test_every_given_step_gets_the_score_that_the_reader_gives_it(judge, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    settings = [f"task.path={path}", "task.tuning=0", f"scorer.model={judge}"]
    pipeline = load_pipeline("math/processbench", overrides=[*settings, "scorer.recipe=qwen2.5-math-prm"])
    summary = run_pipeline(pipeline, tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run/results.jsonl").read_text().splitlines()]
    reader = Reader(judge, RECIPES["qwen2.5-math-prm"])
    for row, record in zip(ROWS, records, strict=True):
        [reading] = reader.read([(row["problem"], row["steps"])], separator="")
        scores = record["answer"]["step_scores"]
        assert scores == pytest.approx(list(reading.scores), abs=1e-5)
        assert record["correct"] == (first_error(scores, 0.5) == row["label"])
    assert summary["failures"] == 0
    assert {"acc_err", "acc_cor", "f1"} <= set(summary["metrics"])
