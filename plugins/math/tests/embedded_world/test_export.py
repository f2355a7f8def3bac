"""Exported models are read by the ordinary classes of transformers, word for word and logit for logit."""

from importlib.resources import files
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2ForCausalLM

from treewright_language.checkpoints import load_causal_lm, load_tokenizer, vocabulary_fingerprint
from treewright_math.embedded_world.export import as_qwen2, export, load_causal, write_folder
from treewright_math.embedded_world.facts import draw_fact
from treewright_math.embedded_world.model_sizes import SIZES, configuration
from treewright_math.embedded_world.problem import draw_problem
from treewright_math.embedded_world.prompts import IM_END, PAD, fact_record, user_message
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution
from treewright_math.embedded_world.tokenizer import build

DATA = Path(str(files("treewright_math") / "data"))


@pytest.fixture(scope="module")
def model():
    words = build()
    torch.manual_seed(3)
    ends = (words.token_to_id(IM_END), words.token_to_id(PAD))
    model = Qwen2ForCausalLM(configuration(SIZES["tiny"], words.get_vocab_size(), *ends)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_()  # else a reader that loses them would go unseen
            weight.copy_(weight.half())  # what the file holds
    return model


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("new")
    export(model, folder)
    return folder


def conversations(count):
    """Generated problems with and without records, asked and answered."""
    draw = Random(11)
    for number in range(count):
        problem = draw_problem(Recipe(facts=0.5, distractors=2), draw, "train")
        records = [fact_record(draw_fact(draw, evaluation=False).text)] if number % 2 else []
        yield [
            {"role": "user", "content": user_message(problem.text, records)},
            {"role": "assistant", "content": solution(problem) + "\n日本 café"},
        ]


def check_tokens(folder):
    ours, theirs = load_tokenizer(str(folder)), AutoTokenizer.from_pretrained(folder)
    for messages in conversations(200):
        text = ours.apply_chat_template(messages, tokenize=False)
        assert theirs.apply_chat_template(messages, tokenize=False) == text
        ids = ours.encode(text, add_special_tokens=False)
        assert theirs.encode(text) == theirs.encode(text, add_special_tokens=False) == ids
        assert theirs.decode(ids) == ours.decode(ids) == text
    assert (theirs.eos_token_id, theirs.pad_token_id) == (ours.eos_token_id, ours.pad_token_id)
    assert vocabulary_fingerprint(theirs) == vocabulary_fingerprint(ours)


def test_the_ordinary_tokenizer_finds_the_same_tokens(exported):
    check_tokens(exported)


def test_as_qwen2_it_would_not(model, tmp_path):
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    write_folder(tmp_path, model.config, "Qwen2ForCausalLM", tensors)
    ours, theirs = load_tokenizer(str(tmp_path)), AutoTokenizer.from_pretrained(tmp_path)
    texts = [messages[0]["content"] for messages in conversations(20)]
    assert any(theirs.encode(text) != ours.encode(text) for text in texts)


@pytest.mark.parametrize("name", ["target", "draft"])
def test_the_ordinary_tokenizer_reads_the_shipped_folders(name):
    check_tokens(DATA / name)


def test_the_ordinary_model_gives_the_logits_of_the_trained_one(model, exported):
    read = AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32).eval()
    assert read.config.model_type == "llama"
    words = load_tokenizer(str(exported))
    with torch.inference_mode():
        for messages in conversations(8):
            ids = words.apply_chat_template(messages, return_tensors="pt", return_dict=True)["input_ids"]
            torch.testing.assert_close(read(ids).logits, model(ids).logits, rtol=0, atol=1e-5)


def test_training_goes_on_from_the_very_weights(model, exported):
    read, _ = load_causal(exported)
    assert isinstance(read, Qwen2ForCausalLM)
    for name, weight in model.state_dict().items():
        assert torch.equal(read.state_dict()[name], weight)


def test_a_llama_that_is_no_qwen2_is_refused(exported):
    biased = load_causal_lm(str(exported), dtype="float32")
    with torch.no_grad():
        biased.model.layers[0].self_attn.o_proj.bias[0] = 0.5
    with pytest.raises(ValueError, match="it is no Qwen2"):
        as_qwen2(biased)
