"""The embedded encoder: its sum, its file, what ships, and a small training that resumes."""

import json
import math
import os
import re
from hashlib import sha256
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from treewright_math.text_encoder.embedded_encoder import FILE, EmbeddedTextEncoder, shared_encoder, write_encoder
from treewright_math.text_encoder.features import features_of
from treewright_registry import ConfigurationError, DataError

DATA = Path(str(resources.files("treewright_math").joinpath("data")))
PROBLEMS = [
    "What is the remainder when 17 is divided by 5?",
    "Find the remainder when 2^100 is divided by 7.",
    "A circle has radius 4. What is its area?",
]


def test_numbers_count_as_one_feature_and_as_themselves():
    first, second = features_of("add 12 pears"), features_of("add 13 pears")
    assert len(first) == len(second)
    assert len(set(first) ^ set(second)) == 2


def test_the_vector_is_the_weighted_sum_of_known_features(tmp_path):
    counts = features_of("x x y")
    hashes = np.array(sorted(counts), dtype=np.uint32)
    rows = np.eye(len(hashes), 8, dtype=np.float32) * 127
    write_encoder(tmp_path / FILE, hashes, rows)
    (vector,) = EmbeddedTextEncoder.load(tmp_path / FILE).encode(["x x y"])
    weights = np.array([1 + math.log(counts[int(feature)]) for feature in hashes])
    assert vector[: len(hashes)] == pytest.approx(weights / np.linalg.norm(weights), abs=1e-6)


def test_a_text_is_encoded_the_same_alone_as_among_others():
    encoder = shared_encoder()
    together = encoder.encode(PROBLEMS)
    assert [encoder.encode([text]).tobytes() for text in PROBLEMS] == [row[None].tobytes() for row in together]


def test_problems_of_one_kind_lie_nearer_than_others():
    similar = shared_encoder().encode(PROBLEMS)
    assert similar[0] @ similar[1] > similar[0] @ similar[2] + 0.2


@pytest.mark.parametrize("text", ["", "   ", "\0\0", "\ud800", "漢字", "9^" * 100_000], ids=len)
def test_any_text_has_a_vector_of_length_one(text):
    (vector,) = shared_encoder().encode([text])
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_what_ships_is_small_and_is_what_the_account_says():
    content = (DATA / FILE).read_bytes()
    account = json.loads((DATA / "text_encoder.json").read_text())
    assert len(content) <= 3_000_000
    assert sha256(content).hexdigest() == account["sha256"]
    assert all(source["licence"] == "MIT" for source in account["sources"])


def test_the_card_tells_the_figures_of_the_account_and_the_exception():
    account = json.loads((DATA / "text_encoder.json").read_text())
    card = (DATA / "text_encoder.card.md").read_text(encoding="utf-8")
    figures = re.findall(r"^\| .* \| (0\.\d{3}) \|$", card, re.MULTILINE)
    assert figures == [f"{value:.3f}" for value in account["figures"].values()]
    assert f"{account['options']['features']:,} features with a vector of {account['options']['dimension']}" in card
    assert f"{account['seconds']:.0f} s on one core" in card
    assert "test part without MATH500" in card
    for source in account["sources"]:
        assert f"`{source['name']}`" in card


@pytest.mark.skipif("TREEWRIGHT_DATA" not in os.environ, reason="needs the development data")
@pytest.mark.parametrize(
    ("name", "known"),
    [("llm_samples_math_l5.jsonl.gz", (368, 334, 305)), ("processbench_math.json.gz", (955, 847, 769)),
     ("math_cot_100.jsonl.gz", (100, 95, 89)), ("math500.jsonl.gz", (500, 0, 0)),
     ("gsm8k_test.jsonl.gz", (1319, 0, 0))],
)  # fmt: skip
def test_what_the_card_says_of_other_sets_is_so(name, known):
    from treewright_math.data_files.problem_fields import problems_of_files
    from treewright_math.retrieval.same_problem import problem_key
    from treewright_math.text_encoder.training_texts import read_texts, split

    data = Path(os.environ["TREEWRIGHT_DATA"])
    texts = read_texts(data)
    asked = {problem_key(problem) for problem in problems_of_files(str(data / "math" / name), "task.path")}
    pool, trained = ({problem_key(text.problem) for text in part if text.subject} for part in (texts, split(texts)[0]))
    assert (len(asked), len(asked & pool), len(asked & trained)) == known
    if known[1]:
        row = f"| `{name.split('.')[0]}` | {known[0]} | {known[1]} | {known[2]} |"
        assert row in (DATA / "text_encoder.card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_damaged_or_missing_file_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError, match=r"text_encoder\.safetensors: no text encoder: (?s:.*)treewright train"):
        EmbeddedTextEncoder.load(tmp_path / FILE)


@pytest.mark.skipif("TREEWRIGHT_DATA" not in os.environ, reason="needs the development data")
def test_the_figures_of_the_card_are_those_of_the_shipped_file():
    from treewright_math.text_encoder.encoder_figures import figures_of
    from treewright_math.text_encoder.training_texts import read_texts, split

    kept, held_out = split(read_texts(Path(os.environ["TREEWRIGHT_DATA"])))
    figures = json.loads((DATA / "text_encoder.json").read_text())["figures"]
    assert figures_of(shared_encoder(), kept, held_out) == pytest.approx(figures, abs=2e-3)


@pytest.fixture
def data(tmp_path):
    """A data folder of two small files."""
    folder = tmp_path / "data" / "math"
    folder.mkdir(parents=True)
    shapes = ["the area of a circle", "the remainder of a division", "the sum of the first numbers"]
    rows = [
        {
            "problem": f"What is {shapes[n % 3]} with {n}?",
            "solution": f"We see {shapes[n % 3]}: {n}.",
            "type": str(n % 3),
        }
        for n in range(60)
    ]
    for name in ("gsm8k_train.jsonl.gz", "math_pool_4500.jsonl.gz"):  # read as they are, whatever the name says
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "data"


class Killed(Exception):
    pass


def killed_after_the_first_checkpoint(line):
    if line.startswith("step 200 "):
        raise Killed


def test_a_training_that_is_resumed_gives_the_vectors_of_an_uninterrupted_one(data, tmp_path):
    from treewright_math.text_encoder.training import TrainingOptions, train
    from treewright_math.text_encoder.training_texts import read_texts

    texts = read_texts(data)
    options = TrainingOptions(steps=220, features=200, dimension=8, batch=16)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    _, rows, _ = train(texts, whole, options, resume=False, log=lambda line: None)
    with pytest.raises(Killed):
        train(texts, broken, options, resume=False, log=killed_after_the_first_checkpoint)
    _, resumed, _ = train(texts, broken, options, resume=True, log=lambda line: None)
    assert resumed.tobytes() == rows.tobytes()
    other = TrainingOptions(steps=220, features=200, dimension=8, batch=17)
    with pytest.raises(ConfigurationError, match="holds a training with other options"):
        train(texts, broken, other, resume=True, log=lambda line: None)


def test_problems_of_excluded_files_are_not_trained_on(data, tmp_path):
    from treewright_math.text_encoder.training_texts import read_texts

    (tmp_path / "test.jsonl").write_text(json.dumps({"question": "what is the area of a circle with 3"}))
    texts = read_texts(data)
    kept = read_texts(data, str(tmp_path / "test.jsonl"))
    assert {text.problem for text in texts} - {text.problem for text in kept} == {
        "What is the area of a circle with 3?"
    }
    assert len(texts) == len(kept) + 2  # it stood in both files


def test_the_recipe_writes_a_usable_encoder_with_its_account(data, tmp_path):
    from treewright_math.text_encoder.trainer import TextEncoderTrainer

    figures = TextEncoderTrainer(data=str(data), steps=100, features=200, dimension=8).train(tmp_path, resume=False)
    assert figures["same subject"] > 0.6
    account = json.loads((tmp_path / "text_encoder.json").read_text())
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o644  # whoever installed the package, all can read it
    assert account["sha256"] == sha256((tmp_path / FILE).read_bytes()).hexdigest()
    assert shared_encoder(str(tmp_path)).encode(["a circle"]).shape == (1, 8)
