"""Recipes with a head of their own, each against one forward pass per step, written out here."""

import pytest
import torch
from plugins.math.tests.reward_readers.tiny_checkpoints import (
    CHATML,
    change_config,
    hidden_at_the_end,
    linear,
    make_config,
    make_headed,
    make_tokenizer,
)

from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader
from treewright_registry import ConfigurationError

PROBLEM = "Tom has 3 apples and buys 4. How many?"
STEPS = ("Tom has 3 + 4 = 7 apples.\n\n", "So, 7\nof them.\n\n", "The answer is 7.")
TEXTS = ("Tom has 3 + 4 = 7 apples.", "So, 7\nof them.", "The answer is 7.")
LINES = ("Tom has 3 + 4 = 7 apples.", "So, 7", "of them.", "The answer is 7.")
SHORT = ("Why?", ("Because.",))


def read(folder, recipe, steps=STEPS, **options):
    [reading] = Reader(str(folder), RECIPES[recipe], **options).read([(PROBLEM, steps)])
    assert reading.reason is None
    return reading


def qwen(tmp_path, name="qwen"):
    folder = tmp_path / name
    tokenizer = make_tokenizer(folder, controls=("<|im_start|>", "<|im_end|>", "<extra_0>"), template=CHATML)
    head = {"score.0.weight": (16, 16), "score.0.bias": (16,), "score.2.weight": (2, 16), "score.2.bias": (2,)}
    config = make_config("qwen2", tokenizer)
    return folder, tokenizer, *make_headed(folder, config, head, architecture="Qwen2ForProcessRewardModel")


def process_score(backbone, head, ids):
    numbers = linear(head, "score.2", linear(head, "score.0", hidden_at_the_end(backbone, ids)).relu())
    return float(numbers.softmax(-1)[1])


@pytest.mark.parametrize(
    ("recipe", "system"),
    [
        ("qwen2.5-math-prm", "Please reason step by step, and put your final answer within \\boxed{}."),
        ("reasonflux-prm-7b", ""),
    ],
)
def test_qwen_math_prm_reads_class_1_at_the_mark_after_each_step(tmp_path, recipe, system):
    folder, tokenizer, backbone, head = qwen(tmp_path)
    text = f"<|im_start|>system\n{system}<|im_end|>\n" if system else ""
    text += f"<|im_start|>user\n{PROBLEM}<|im_end|>\n<|im_start|>assistant\n"
    expected, before_the_mark = [], []
    for step in TEXTS:
        text += step
        before_the_mark.append(process_score(backbone, head, tokenizer(text)["input_ids"]))
        text += "<extra_0>"
        expected.append(process_score(backbone, head, tokenizer(text)["input_ids"]))
    reading = read(folder, recipe)
    assert reading.scores == pytest.approx(expected, abs=1e-5)
    assert reading.owners == (0, 1, 2)
    assert reading.tokens == len(tokenizer(text + "<|im_end|>\n")["input_ids"])
    assert reading.scores != pytest.approx(before_the_mark, abs=1e-2)  # the wrong position does not pass


def test_an_unfinished_answer_gets_the_scores_that_it_keeps_when_it_goes_on(tmp_path):
    folder, *_ = qwen(tmp_path)
    whole = read(folder, "qwen2.5-math-prm").scores
    assert read(folder, "qwen2.5-math-prm", STEPS[:2]).scores == pytest.approx(whole[:2], abs=1e-5)


def test_an_answer_written_as_one_step_is_cut_at_empty_lines(tmp_path):
    folder, *_ = qwen(tmp_path)
    whole = read(folder, "qwen2.5-math-prm", ("".join(STEPS),))
    assert whole.scores == pytest.approx(read(folder, "qwen2.5-math-prm").scores, abs=1e-6)
    assert whole.owners == (0, 0, 0)


def test_skywork_reads_the_value_head_at_each_lines_newline(tmp_path):
    tokenizer = make_tokenizer(tmp_path, controls=("<|endoftext|>",), bos="<|endoftext|>")
    head = {"v_head.summary.weight": (1, 16), "v_head.summary.bias": (1,)}
    config = make_config("qwen2", tokenizer)
    backbone, head = make_headed(tmp_path, config, head, architecture="Qwen2ForPrmModel", left_over=("lm_head.weight",))
    text, expected, elsewhere = f"<|endoftext|>{PROBLEM}\n", [], []
    for line in LINES:
        elsewhere.append(hidden_at_the_end(backbone, tokenizer(text + line)["input_ids"]))
        text += line + "\n"
        expected.append(hidden_at_the_end(backbone, tokenizer(text)["input_ids"]))
    raw = [float(linear(head, "v_head.summary", state)[0]) for state in expected]
    reading = read(tmp_path, "skywork-o1-prm")
    assert reading.scores == pytest.approx([float(torch.tensor(value).sigmoid()) for value in raw], abs=1e-5)
    assert reading.owners == (0, 1, 1, 2)
    assert reading.scores != pytest.approx(
        raw, abs=1e-2
    )  # raw values, as the vendor's server returns them, do not pass
    wrong = [float(linear(head, "v_head.summary", state)[0].sigmoid()) for state in elsewhere]
    assert reading.scores != pytest.approx(wrong, abs=1e-2)


@pytest.mark.parametrize("pad", ["<s>", "</s>"])  # the 7B separates with its bos token, the 34B with another
@pytest.mark.parametrize("kind", ["mistral", "llama"])
def test_reasoneval_reads_three_classes_at_each_steps_last_token(tmp_path, kind, pad):
    begins = pad == "<s>"
    tokenizer = make_tokenizer(tmp_path, controls=("<s>", "</s>"), bos="<s>", pad=pad, begins=begins)
    head = {"score_head.weight": (3, 16)} | ({"score_head.bias": (3,)} if begins else {})
    config = make_config(kind, tokenizer)
    backbone, head = make_headed(tmp_path, config, head, architecture="ReasonEval_7B")
    ids = tokenizer(f"Question:\n{PROBLEM}\nAnswer:\nLet's think step by step.\n")["input_ids"]
    validity, redundancy, first_tokens = [], [], []
    for step in TEXTS:
        own = tokenizer(step, add_special_tokens=False)["input_ids"]
        first_tokens.append(
            float(linear(head, "score_head", hidden_at_the_end(backbone, ids + own[:1])).softmax(-1)[0])
        )
        ids = ids + own
        classes = linear(head, "score_head", hidden_at_the_end(backbone, ids)).softmax(-1)
        validity.append(float(classes[1] + classes[2]))
        redundancy.append(float(classes[1]))
    reading = read(tmp_path, "reasoneval")
    assert reading.scores == pytest.approx(validity, abs=1e-5)
    assert reading.scores != pytest.approx([1 - value for value in first_tokens], abs=1e-2)
    without = read(tmp_path, "reasoneval-redundancy")
    assert without.scores == pytest.approx([1 - value for value in redundancy], abs=1e-5)
    assert reading.tokens == len(ids)  # the separators are gone


@pytest.mark.parametrize(("recipe", "mark"), [("pure", "\n"), ("pure-prm800k", "\n\n")])
@pytest.mark.parametrize("form", ["linear", "two layers"])
def test_pure_reads_the_difference_of_classes_at_the_mark_of_its_checkpoint(tmp_path, form, recipe, mark):
    tokenizer = make_tokenizer(tmp_path, words={"\n\n": 271})
    head = {"score.weight": (2, 16), "score.bias": (2,)}
    if form == "two layers":
        head = {"score.0.weight": (16, 16), "score.0.bias": (16,), "score.2.weight": (2, 16), "score.2.bias": (2,)}
    config = make_config("qwen2", tokenizer)
    backbone, head = make_headed(tmp_path, config, head, architecture="Qwen2ForTokenClassification")
    ids, expected, elsewhere = tokenizer(PROBLEM)["input_ids"], [], []
    for step in TEXTS:
        ids = ids + tokenizer(step)["input_ids"]
        elsewhere.append(classes_of(backbone, head, ids, form))
        ids = ids + tokenizer(mark)["input_ids"]
        expected.append(classes_of(backbone, head, ids, form))
    reading = read(tmp_path, recipe)
    assert read(tmp_path, "pure", mark=mark).scores == reading.scores
    assert reading.scores == pytest.approx([float(p[1] - p[0]) for p in expected], abs=1e-5)
    assert reading.scores != pytest.approx([float(p[1] - p[0]) for p in elsewhere], abs=1e-2)
    assert reading.scores != pytest.approx([float(p[1]) for p in expected], abs=1e-2)


def trl(folder, bos=None, words=None):
    tokenizer = make_tokenizer(folder, controls=("<|begin|>",), bos=bos, words=words)
    head = {"score.weight": (2, 16), "score.bias": (2,)}
    made = make_headed(folder, make_config("llama", tokenizer), head, architecture="LlamaForTokenClassification")
    return tokenizer, *made


def trl_scores(tokenizer, backbone, head, steps, separator, bos=None):
    """The authors' way: each beginning of the answer as one text, read at its last token."""
    texts = [separator.join((PROBLEM, *steps[:number])) + separator for number in range(1, len(steps) + 1)]
    ids = [tokenizer((bos or "") + text)["input_ids"] for text in texts]
    return [float(classes_of(backbone, head, beginning, "linear")[1]) for beginning in ids]


@pytest.mark.parametrize("words", [None, {"\n\n": 271, ".\n\n": 272}])  # the full stop may merge into the separator
@pytest.mark.parametrize("bos", ["<|begin|>", None])
def test_trl_reads_class_1_where_the_text_up_to_each_empty_line_ends(tmp_path, bos, words):
    made = trl(tmp_path, bos, words)
    reading = read(tmp_path, "trl")
    assert reading.scores == pytest.approx(trl_scores(*made, TEXTS, "\n\n", bos), abs=1e-5)
    assert reading.owners == (0, 1, 2)


def test_trl_writes_the_separator_that_steps_are_cut_at(tmp_path):
    made = trl(tmp_path)
    expected = trl_scores(*made, LINES, "\n")
    reader = Reader(str(tmp_path), RECIPES["trl"])
    [by_option] = reader.read([(PROBLEM, STEPS)], separator="\n")
    assert by_option.scores == pytest.approx(expected, abs=1e-5)
    assert by_option.owners == (0, 1, 1, 2)
    [uncut] = reader.read([(PROBLEM, LINES)], separator="")
    assert uncut.scores == pytest.approx(trl_scores(*made, LINES, "\n\n"), abs=1e-5)
    [marked] = Reader(str(tmp_path), RECIPES["trl"], mark="\n").read([(PROBLEM, LINES)], separator="")
    assert marked.scores == pytest.approx(expected, abs=1e-5)
    change_config(tmp_path, treewright={"recipe": "trl", "separator": "\n"})
    [by_its_word] = Reader(str(tmp_path)).read([(PROBLEM, STEPS)])
    assert by_its_word.scores == pytest.approx(expected, abs=1e-5)


def test_a_mark_is_refused_where_the_recipe_fixes_it(tmp_path):
    folder, *_ = qwen(tmp_path)
    with pytest.raises(ConfigurationError, match=r"'qwen2\.5-math-prm' fixes what stands behind a step"):
        Reader(str(folder), RECIPES["qwen2.5-math-prm"], mark="\n")


def classes_of(backbone, head, ids, form):
    state = hidden_at_the_end(backbone, ids)
    if form == "linear":
        return linear(head, "score", state).softmax(-1)
    return linear(head, "score.2", linear(head, "score.0", state).relu()).softmax(-1)


def test_scores_do_not_depend_on_the_batch(tmp_path):
    folder, *_ = qwen(tmp_path)
    answers = [(PROBLEM, STEPS), SHORT, (PROBLEM * 3, STEPS[:1]), ("", STEPS[1:]), SHORT]
    alone = [Reader(str(folder), RECIPES["qwen2.5-math-prm"]).read([answer])[0] for answer in answers]
    for limit in (1, 300, 100000):
        together = Reader(str(folder), RECIPES["qwen2.5-math-prm"], batch_tokens=limit).read(answers)
        for one, other in zip(alone, together, strict=True):
            assert one.scores == pytest.approx(other.scores, abs=1e-5)
            assert one._replace(scores=()) == other._replace(scores=())


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_the_likelihood_head_sees_the_language_models_opinion_of_each_step(tmp_path, kind):
    tokenizer = make_tokenizer(tmp_path, controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    config = make_config(kind, tokenizer, tie_word_embeddings=True)
    wide = {"score.0.weight": (22, 22), "score.0.bias": (22,), "score.2.weight": (2, 22), "score.2.bias": (2,)}
    backbone, head = make_headed(tmp_path, config, wide, architecture="Qwen2ForProcessRewardModel")
    backbone.requires_grad_(False)
    text = f"<|im_start|>user\n{PROBLEM}<|im_end|>\n<|im_start|>assistant\n"
    ids, expected, least, most_behind = tokenizer(text)["input_ids"], [], 0.0, 0.0
    for number, step in enumerate(LINES):
        likely, behind = [], []
        for token in tokenizer(("\n" if number else "") + step)["input_ids"]:
            with torch.no_grad():
                before = backbone(torch.tensor([ids])).last_hidden_state[0, -1]
            law = (backbone.get_input_embeddings().weight @ before).log_softmax(-1)
            likely.append(max(float(law[token]), -12.0) / 4)
            behind.append(max(float(law[token] - law.max()), -12.0) / 4)
            ids.append(token)
        least, most_behind = min(least, *likely), min(most_behind, *behind)
        numbers = [min(likely), sum(likely) / len(likely), min(behind), sum(likely) / 4, least, most_behind]
        state = backbone(torch.tensor([ids])).last_hidden_state[0, -1]
        inner = (head["score.0.weight"] @ torch.cat([state, torch.tensor(numbers)]) + head["score.0.bias"]).relu()
        expected.append(float((head["score.2.weight"] @ inner + head["score.2.bias"]).softmax(-1)[1]))
    [reading] = Reader(str(tmp_path), RECIPES["likelihood-head"]).read([(PROBLEM, [f"{step}\n" for step in LINES])])
    assert reading.scores == pytest.approx(expected, abs=1e-4)
    change_config(tmp_path, tie_word_embeddings=False)
    with pytest.raises(ConfigurationError, match="tie_word_embeddings: true"):
        Reader(str(tmp_path), RECIPES["likelihood-head"])
