"""The reward model's samples, labels, form and figures."""

import json
import re
from random import Random

import pytest
import torch
from transformers import Qwen2ForCausalLM

from treewright_math.embedded_world import prm_evaluation, prm_run, prm_training
from treewright_math.embedded_world.corruption import KINDS, corrupted
from treewright_math.embedded_world.export import export as export_causal
from treewright_math.embedded_world.export import load_causal
from treewright_math.embedded_world.model_sizes import SIZES, configuration
from treewright_math.embedded_world.prm_batches import batches_of, laid_out
from treewright_math.embedded_world.prm_evaluation import auc, auc_interval
from treewright_math.embedded_world.prm_model import ProcessRewardModel, export
from treewright_math.embedded_world.prm_samples import label, made_up, read, write
from treewright_math.embedded_world.problem import draw_problem
from treewright_math.embedded_world.prompts import prompt
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution_lines
from treewright_math.embedded_world.step_check import check
from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader
from treewright_math.reward_readers.recipe import Answer
from treewright_math.step_splitting import pieces_of
from treewright_registry import Key

RECIPE = RECIPES["likelihood-head"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def solver(tmp_path_factory):
    """An untrained language model in the form of the shipped ones."""
    folder = tmp_path_factory.mktemp("solver")
    torch.manual_seed(0)
    export_causal(Qwen2ForCausalLM(configuration(SIZES["tiny"], 508, 2, 3)), folder)
    return folder


@pytest.fixture(scope="module")
def samples():
    return [made_up(Key.root(0, "test", number)) for number in range(40)]


def test_labels_are_right_up_to_the_first_fault_and_wrong_from_there():
    problem = draw_problem(Recipe(depth=(3, 3)), Random(0), "train")
    lines = solution_lines(problem)
    assert label(problem, lines).right == (True,) * 4
    wrong = [lines[0], "Tom has nothing.", *lines[2:]]
    assert label(problem, wrong).right == (True, False, False, False)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_corruption_is_found_at_the_place_where_it_was_made(kind):
    draw, found = Random(1), []
    for _ in range(60):
        problem = draw_problem(Recipe(depth=(2, 5)), draw, "train")
        lines, usual = corrupted(problem, draw, kind), solution_lines(problem)
        if lines != usual:
            first = next(i for i, line in enumerate(lines) if i >= len(usual) or line != usual[i])
            found.append(check(problem, "\n".join(lines)).first_error >= first)
    assert len(found) > 50 and all(found)


def test_samples_come_back_from_their_file_as_they_were(samples, tmp_path):
    write(samples, tmp_path / "samples.jsonl")
    assert read(tmp_path / "samples.jsonl") == samples
    assert 0.1 < sum(all(one.right) for one in samples) / len(samples) < 0.5


def test_training_and_reader_see_the_very_same_tokens(solver, tmp_path, samples):
    from treewright_math.embedded_world.export import load_causal

    causal, tokenizer = load_causal(solver)
    export(ProcessRewardModel(causal.model), tmp_path)
    reader = Reader(str(tmp_path), RECIPE)
    for sample in samples[:10]:
        steps = tuple(f"{line}\n" for line in sample.lines)
        laid = RECIPE.layout(reader.vocabulary, Answer(sample.problem, steps, pieces_of(steps, "\n"), "\n"))
        assert laid == laid_out(sample, tokenizer)
        whole = prompt(sample.problem, []) + "\n".join(sample.lines)
        assert list(laid.ids) == tokenizer.encode(whole, add_special_tokens=False).ids


def test_batches_carry_one_label_for_each_step(solver, samples):
    _, tokenizer = load_causal(solver)
    batches = batches_of(samples, tokenizer, 2000, Key.root(1))
    assert sum(len(batch.right) for batch in batches) == sum(len(one.lines) for one in samples)
    assert sum(int(batch.right.sum()) for batch in batches) == sum(sum(one.right) for one in samples)
    again = batches_of(samples, tokenizer, 2000, Key.root(1))
    assert all((one.ids == other.ids).all() for one, other in zip(batches, again, strict=True))


def test_the_recipe_writes_what_the_published_form_is_read_by(solver, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(prm_evaluation, "DIFFICULTIES", ("easy",))
    plan = prm_training.PrmPlan(steps=4, tokens=1500, sampled=6, made_up=30, half=False, further=1)
    prm_run.run(plan, tmp_path, False, str(solver), [str(solver)], command="the command", count=1)
    assert 30 <= int(re.search(r"(\d+) solutions", capsys.readouterr().out)[1]) <= 36
    rows = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["difficulty"], row["phrasing"]) for row in rows] == [("easy", "seen"), ("easy", "held-out")]
    reader = Reader(str(tmp_path), RECIPE)
    (reading,) = reader.read([("Tom has 2 apples.", ["Tom has 1 + 1 = 2 apples.\n", "The answer is 2."])], "\n")
    assert len(reading.scores) == 2 and all(0 < score < 1 for score in reading.scores)
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "Step AUC" in card and "\n    the command\n" in card


def test_a_stopped_training_ends_with_the_same_bits(solver, samples, tmp_path):
    states = []
    for name, stops in (("whole", (4,)), ("parts", (2, 4))):
        folder = tmp_path / name
        folder.mkdir()
        for number, steps in enumerate(stops):
            torch.manual_seed(0)
            causal, tokenizer = load_causal(solver)
            model = ProcessRewardModel(causal.requires_grad_(True).model)
            plan = prm_training.PrmPlan(steps=4, tokens=1500, half=False)
            prm_training.train(plan, model, tokenizer, samples, folder, resume=number > 0, until=steps)
        states.append(model.state_dict())
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_auc_is_the_share_of_pairs_in_the_right_order():
    assert auc([(0.1, False), (0.4, True), (0.35, False), (0.8, True)]) == 1.0
    assert auc([(0.1, True), (0.4, False), (0.35, True), (0.8, False)]) == 0.0
    assert auc([(0.5, True), (0.5, False)]) == 0.5
    assert auc([(0.9, True), (0.5, False), (0.5, True), (0.1, False), (0.2, True)]) == pytest.approx(4.5 / 6)
    value, low, high = auc_interval([(0.9, True), (0.5, False), (0.5, True), (0.1, False), (0.2, True)])
    assert low < value < high <= 1.0


def test_the_language_part_learns_from_right_steps_only(solver, samples):
    causal, tokenizer = load_causal(solver)
    model, plan = ProcessRewardModel(causal.model), prm_training.PrmPlan(half=False)
    sample = next(one for one in samples if one.right[0] and not one.right[-1])
    (batch,) = batches_of([sample], tokenizer, 2000, Key.root(1))
    with torch.no_grad():
        _, language = prm_training.losses(plan, model, batch)
    good = sample.right.index(False)
    ids = tokenizer.encode(prompt(sample.problem, []), add_special_tokens=False).ids
    start, text = len(ids), "\n".join(sample.lines[:good])
    ids += tokenizer.encode(text, add_special_tokens=False).ids
    with torch.no_grad():
        laws = causal(torch.tensor([ids])).logits[0].log_softmax(-1)
    expected = [-float(laws[place - 1, ids[place]]) for place in range(start, len(ids))]
    assert float(language) == pytest.approx(sum(expected) / len(expected), abs=1e-5)
