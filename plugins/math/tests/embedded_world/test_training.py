"""The recipe trains, resumes to the same bits, and writes an ordinary model folder."""

import json
import re

import pytest
import torch

from treewright_language.checkpoints import load_tokenizer
from treewright_math.embedded_world import recipe_run, tokenizer
from treewright_math.embedded_world.batches import Pools, padded
from treewright_math.embedded_world.examples import Mixture
from treewright_math.embedded_world.export import export, load_causal
from treewright_math.embedded_world.generation import generate
from treewright_math.embedded_world.trainer import EmbeddedTrainer
from treewright_math.embedded_world.training import (
    CURRICULUM,
    SHALLOW,
    Place,
    Plan,
    Training,
    encoder_of,
    mixture_at,
    next_token_loss,
    rate_factor,
)
from treewright_registry import ConfigurationError

PLAN = Plan("tiny", steps=8, tokens=400, warm_up=2)


@pytest.fixture(scope="module")
def vocabulary():
    return tokenizer.build()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def quietly(*_):
    pass


def test_a_training_that_was_stopped_ends_with_the_same_bits(vocabulary, tmp_path):
    whole = Training(PLAN, vocabulary, tmp_path / "whole")
    whole.run(8, quietly)
    (tmp_path / "parts").mkdir()
    first = Training(PLAN, vocabulary, tmp_path / "parts")
    first.run(3, quietly)
    first.save()
    first.run(5, quietly)  # lost with the kill
    second = Training(PLAN, vocabulary, tmp_path / "parts")
    assert second.resume() and second.place.step == 3
    second.run(8, quietly)
    state = second.model.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in whole.model.state_dict().items())


def test_without_a_checkpoint_there_is_nothing_to_resume(vocabulary, tmp_path):
    training = Training(PLAN, vocabulary, tmp_path)
    assert not training.resume() and training.place == Place()


def test_another_seed_gives_other_weights_and_other_examples(vocabulary, tmp_path):
    one, other = (Training(PLAN._replace(seed=seed), vocabulary, tmp_path) for seed in (0, 1))
    name = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(one.model.state_dict()[name], other.model.state_dict()[name])
    assert _pool(0, vocabulary)[0].ids.tolist() == _pool(0, vocabulary)[0].ids.tolist()
    assert [b.ids.tolist() for b in _pool(0, vocabulary)] != [b.ids.tolist() for b in _pool(1, vocabulary)]


def _pool(seed, vocabulary):
    return Pools(seed, encoder_of(vocabulary), 3, 400).pool(0, Mixture())


def test_batches_hold_each_example_once_and_keep_to_their_size(vocabulary):
    batches = _pool(0, vocabulary)
    assert all(batch.ids.size <= 400 or len(batch.ids) == 1 for batch in batches)
    assert all(((batch.targets == -100) | (batch.targets >= 0)).all() for batch in batches)
    assert sum(int((batch.ids != 3).sum()) for batch in batches) >= 16 * 400


def test_targets_are_the_next_tokens_where_something_is_learnt():
    batch = padded([([7, 8, 9], [False, True, True]), ([5, 6], [False, False])], pad=3)
    assert batch.ids.tolist() == [[7, 8, 9], [5, 6, 3]]
    assert batch.targets.tolist() == [[8, 9, -100], [-100, -100, -100]]


def test_padding_on_the_right_changes_no_loss(vocabulary, tmp_path):
    model = Training(PLAN, vocabulary, tmp_path).model
    rows = [([7, 8, 9, 10], [False, False, True, True]), ([5, 6, 30], [False, True, True])]
    together = float(next_token_loss(model, padded(rows, 3), half=False).detach())
    alone = [float(next_token_loss(model, padded([row], 3), half=False).detach()) for row in rows]
    assert together == pytest.approx(sum(alone) / 2, rel=1e-5)


def test_the_rate_rises_stays_and_falls():
    plan = Plan(steps=100, warm_up=10)
    rates = [rate_factor(plan, step) for step in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert set(rates[9:76]) == {1.0}
    assert rates[-1] == pytest.approx(0.04) and rates[75:] == sorted(rates[75:], reverse=True)


def test_shallow_problems_with_small_numbers_come_first():
    mixtures = [mixture_at(PLAN, step) for step in range(0, CURRICULUM[-1][0] + 100, 50)]
    for setting in ("deepest", "largest", "distractors", "facts"):
        values = [getattr(mixture, setting) for mixture in mixtures]
        assert values == sorted(values) and values[0] < values[-1] == getattr(Mixture(), setting)


def test_examples_keep_to_the_mixture(vocabulary):
    early = Pools(0, encoder_of(vocabulary), 3, 400).pool(0, mixture_at(PLAN, 0))
    texts = [vocabulary.decode(row.tolist(), skip_special_tokens=False) for batch in early for row in batch.ids]
    assert all("Retrieved records" not in text for text in texts)
    told = [text.partition("assistant")[0] for text in texts]
    assert max(int(number) for text in told for number in re.findall("[0-9]+", text)) <= 20


def test_the_recipe_writes_a_folder_that_loads_like_any_other(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(recipe_run, "PROGRESS_PROBLEMS", 1)
    trainer = EmbeddedTrainer(model="tiny", steps=4, tokens=400, count=1, sampled=0, evaluate_every=3, half=False)
    figures = trainer.train(tmp_path, resume=False)
    assert figures["weights"] == sum(p.numel() for p in load_causal(tmp_path)[0].parameters())
    assert figures["easy, seen, facts none"] == 0.0
    said = capsys.readouterr().out
    assert "step 3  validation: easy 0.00/0.00" in said and "step 4/4" in said and "tokens/s" in said
    assert load_tokenizer(str(tmp_path)).eos_token == "<|im_end|>"
    assert "steps right" in (tmp_path / "card.md").read_text(encoding="utf-8")
    rows = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["facts"], row["worked"]) for row in rows][-4:] == [
        ("given", 0),
        ("unknown", 0),
        ("none", 2),
        ("none", 10),
    ]


def test_generation_does_not_depend_on_what_stands_beside_it(vocabulary, tmp_path):
    model = Training(PLAN, vocabulary, tmp_path).model.eval()
    prompts = ["Tom has 2 apples.", "Ann has 30 pens. How many pens does Ann have?"]
    together = generate(model, vocabulary, prompts, most=12)
    assert together == [generate(model, vocabulary, [text], most=12)[0] for text in prompts]
    samples = generate(model, vocabulary, prompts, most=12, temperature=1.0, samples=3, seed=4)
    assert [len(texts) for texts in samples] == [3, 3]
    assert samples == generate(model, vocabulary, prompts, most=12, temperature=1.0, samples=3, seed=4)


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        EmbeddedTrainer(steps=-1)
    with pytest.raises(ValueError, match="count"):
        EmbeddedTrainer(count=0)


def test_a_training_begins_with_the_weights_of_an_exported_model(vocabulary, tmp_path):
    first = Training(PLAN, vocabulary, tmp_path)
    export(first.model, tmp_path)
    second = Training(PLAN._replace(seed=5), vocabulary, tmp_path / "other", tmp_path)
    begun = second.model.state_dict()
    assert all(torch.equal(tensor.half().float(), begun[name]) for name, tensor in first.model.state_dict().items())


def test_a_model_of_another_size_to_begin_with_is_refused(tmp_path):
    trainer = EmbeddedTrainer(model="draft", start="treewright_math:data/target", threads=1)
    with pytest.raises(ConfigurationError, match=r"start  has Size\(hidden=128.*'draft' has Size\(hidden=80"):
        trainer.train(tmp_path, resume=False)


def test_a_curriculum_may_stay_with_short_problems_or_begin_with_all():
    assert {mixture_at(PLAN._replace(curriculum="shallow"), step) for step in (0, 9000)} == {SHALLOW}
    assert mixture_at(PLAN._replace(curriculum="full"), 0) == Mixture()
