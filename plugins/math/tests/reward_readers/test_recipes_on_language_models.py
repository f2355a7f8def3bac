"""Recipes that read a language model's own logits, each against one forward pass per step, written out here."""

import pytest
import torch
from plugins.math.tests.reward_readers.tiny_checkpoints import (
    CHATML,
    LLAMA,
    logits_at_the_end,
    make_causal_lm,
    make_config,
    make_tokenizer,
)

from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader

PROBLEM = "Tom has 3 apples and buys 4. How many?"
STEPS = ("Tom has 3 + 4 = 7 apples.\n\n", "Step 2: So, 7 - 0.\n\n", "The answer is 7.")
TEXTS = ("Tom has 3 + 4 = 7 apples.", "Step 2: So, 7 - 0.", "The answer is 7.")
NUMBERED = ("Step 1: Tom has 3 + 4 = 7 apples.", "Step 2: So, 7 - 0.", "Step 3: The answer is 7.")
SHEPHERD_WORDS = {"ки": 12902, "+": 648, "-": 387}
LLAMA_WORDS = {
    "<|begin_of_text|>": 128000,
    "<|start_header_id|>": 128006,
    "<|end_header_id|>": 128007,
    "<|eot_id|>": 128009,
    "assistant": 78191,
    "\n\n": 271,
    "+": 10,
    "-": 12,
}


def read(folder, recipe, steps=STEPS, **options):
    [reading] = Reader(str(folder), RECIPES[recipe], **options).read([(PROBLEM, steps)])
    assert reading.reason is None
    return reading


def shepherd(tmp_path):
    tokenizer = make_tokenizer(tmp_path, words=SHEPHERD_WORDS, controls=("<s>",), bos="<s>", begins=True)
    return tokenizer, make_causal_lm(tmp_path, make_config("mistral", tokenizer))


def rlhflow(tmp_path):
    controls = [word for word in LLAMA_WORDS if word.startswith("<|")]
    tokenizer = make_tokenizer(tmp_path, words=LLAMA_WORDS, controls=controls, template=LLAMA, bos=controls[0])
    return tokenizer, make_causal_lm(tmp_path, make_config("llama", tokenizer))


def share(logits, good, bad):
    return float(logits[[good, bad]].softmax(-1)[0])


def test_math_shepherd_weighs_plus_against_minus_at_the_tag_itself(tmp_path):
    tokenizer, model = shepherd(tmp_path)
    text, expected, before, whole_vocabulary = f"{PROBLEM} ", [], [], []
    for step in NUMBERED:
        text += f"{step} "
        before.append(share(logits_at_the_end(model, tokenizer(text)["input_ids"]), 648, 387))
        text += "ки"
        logits = logits_at_the_end(model, tokenizer(text)["input_ids"])
        expected.append(share(logits, 648, 387))
        whole_vocabulary.append(float(logits.softmax(-1)[648]))
        text += "\n"
    reading = read(tmp_path, "math-shepherd")
    assert reading.scores == pytest.approx(expected, abs=1e-5)
    assert reading.scores != pytest.approx(before, abs=1e-2)
    assert reading.scores != pytest.approx(whole_vocabulary, abs=1e-2)
    assert reading.tokens == len(tokenizer(text)["input_ids"])


def test_rlhflow_reads_where_the_assistants_plus_is_predicted_turn_by_turn(tmp_path):
    tokenizer, model = rlhflow(tmp_path)
    conversation, expected, at_the_plus, whole_vocabulary = [], [], [], []
    for number, step in enumerate(TEXTS):
        conversation.append({"role": "user", "content": f"{PROBLEM} {step}" if number == 0 else step})
        conversation.append({"role": "assistant", "content": "+"})
        ids = tokenizer.apply_chat_template(conversation, tokenize=True, return_dict=False)
        assert ids[-2:] == [10, 128009]
        logits = logits_at_the_end(model, ids[:-2])  # the position "-3" of the authors' code
        expected.append(share(logits, 10, 12))
        whole_vocabulary.append(float(logits.softmax(-1)[10]))
        at_the_plus.append(share(logits_at_the_end(model, ids[:-1]), 10, 12))
    reading = read(tmp_path, "rlhflow-prm")
    assert reading.scores == pytest.approx(expected, abs=1e-5)
    assert reading.scores != pytest.approx(at_the_plus, abs=1e-2)
    assert reading.scores != pytest.approx(whole_vocabulary, abs=1e-2)  # PRMBench's softmax
    [one_turn] = Reader(str(tmp_path), RECIPES["rlhflow-prm"]).read([(PROBLEM, ["".join(STEPS)])], separator="")
    assert len(one_turn.scores) == 1
    assert one_turn.scores[0] != pytest.approx(reading.scores[-1], abs=1e-3)


def test_rlhflow_orm_reads_one_turn_with_the_whole_answer(tmp_path):
    tokenizer, model = rlhflow(tmp_path)
    conversation = [
        {"role": "user", "content": f"{PROBLEM} {''.join(STEPS)}"},
        {"role": "assistant", "content": "+"},
    ]
    ids = tokenizer.apply_chat_template(conversation, tokenize=True, return_dict=False)
    expected = share(logits_at_the_end(model, ids[:-2]), 10, 12)
    reading = read(tmp_path, "rlhflow-orm")
    assert reading.scores == pytest.approx([expected], abs=1e-5)
    assert reading.owners == (2,)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_implicit_rewards_are_sums_of_log_ratios_over_the_answers_tokens(tmp_path, kind):
    model_folder, reference_folder = tmp_path / "model", tmp_path / "reference"
    for folder in (model_folder, reference_folder):
        tokenizer = make_tokenizer(folder, controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    model = make_causal_lm(model_folder, make_config(kind, tokenizer), seed=1)
    reference = make_causal_lm(reference_folder, make_config(kind, tokenizer), seed=2)
    text = f"<|im_start|>user\n{PROBLEM}<|im_end|>\n<|im_start|>assistant\n"
    ids, total, cumulative = tokenizer(text)["input_ids"], 0.0, []
    for number, step in enumerate(NUMBERED):
        for token in tokenizer(("\n\n" if number else "") + step)["input_ids"]:
            own = logits_at_the_end(model, ids).double().log_softmax(-1)[token]
            other = logits_at_the_end(reference, ids).double().log_softmax(-1)[token]
            total += 0.001 * float(own - other)
            ids.append(token)
        cumulative.append(total)
    options = {"reference": str(reference_folder)}
    reading = read(model_folder, "implicit-prm", **options)
    assert reading.scores == pytest.approx(cumulative, abs=1e-6)
    assert any(score < -0.01 or score > 0.01 for score in reading.scores)
    single = read(model_folder, "implicit-prm-single", **options)
    differences = [after - before for before, after in zip([0.0, *cumulative], cumulative, strict=False)]
    assert single.scores == pytest.approx(differences, abs=1e-6)
    assert reading.tokens == 2 * len(ids)
    same = read(model_folder, "implicit-prm", reference=str(model_folder))
    assert same.scores == (0.0, 0.0, 0.0)


def test_long_answers_go_through_the_vocabulary_in_parts(tmp_path, monkeypatch):
    tokenizer = make_tokenizer(tmp_path, controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    make_causal_lm(tmp_path, make_config("llama", tokenizer))
    make_tokenizer(tmp_path / "other", controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    make_causal_lm(tmp_path / "other", make_config("llama", tokenizer), seed=5)
    at_once = read(tmp_path, "implicit-prm", reference=str(tmp_path / "other")).scores
    monkeypatch.setattr("treewright_math.reward_readers.one_pass._CHUNK", 7)
    assert read(tmp_path, "implicit-prm", reference=str(tmp_path / "other")).scores == pytest.approx(at_once, abs=1e-9)


def test_implicit_scores_do_not_depend_on_the_batch(tmp_path):
    tokenizer = make_tokenizer(tmp_path, controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    make_causal_lm(tmp_path, make_config("llama", tokenizer))
    make_tokenizer(tmp_path / "other", controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    make_causal_lm(tmp_path / "other", make_config("llama", tokenizer), seed=5)
    reader = Reader(str(tmp_path), RECIPES["implicit-prm"], reference=str(tmp_path / "other"))
    answers = [(PROBLEM, STEPS), ("Why?", ("So.",)), (PROBLEM, STEPS[:1])]
    for answer, reading in zip(answers, reader.read(answers), strict=True):
        assert reading.scores == pytest.approx(reader.read([answer])[0].scores, abs=1e-6)


def test_a_half_precision_model_reads_nearly_the_same(tmp_path):
    shepherd(tmp_path)
    exact = read(tmp_path, "math-shepherd").scores
    rough = read(tmp_path, "math-shepherd", dtype="bfloat16").scores
    assert rough == pytest.approx(exact, abs=0.15)
    assert rough != exact
    assert torch.get_default_dtype() is torch.float32
