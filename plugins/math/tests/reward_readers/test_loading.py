"""What a reward model's folder must hold, and what is said where it does not."""

import re
import shutil
import sys

import pytest
import torch
from plugins.math.tests.reward_readers.tiny_checkpoints import (
    CHATML,
    LLAMA,
    change_config,
    make_causal_lm,
    make_config,
    make_headed,
    make_tokenizer,
)
from safetensors.torch import load_file, save_file

from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.guessing import guess
from treewright_math.reward_readers.reader import Reader
from treewright_registry import ConfigurationError

HEAD = {"score.0.weight": (16, 16), "score.0.bias": (16,), "score.2.weight": (2, 16), "score.2.bias": (2,)}
CONTROLS = ("<|im_start|>", "<|im_end|>", "<extra_0>")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    tokenizer = make_tokenizer(folder, controls=CONTROLS, template=CHATML)
    make_headed(folder, make_config("qwen2", tokenizer), HEAD, architecture="Qwen2ForProcessRewardModel")
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


def change_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def refusal(folder, recipe="qwen2.5-math-prm", **options):
    with pytest.raises(ConfigurationError) as caught:
        Reader(str(folder), RECIPES[recipe] if recipe else None, **options)
    return str(caught.value)


def test_code_beside_the_weights_is_not_run(folder):
    reader = Reader(str(folder), RECIPES["qwen2.5-math-prm"])
    assert len(reader.read([("1 + 1?", ["2"])])[0].scores) == 1
    assert not [name for name in sys.modules if name.endswith("modeling_vendor")]
    with pytest.raises(RuntimeError, match="code ran"):  # it would have been heard
        exec((folder / "modeling_vendor.py").read_text())


def test_missing_tensors_are_named(folder):
    change_weights(folder, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    assert "lack tensors: layers.1.mlp.up_proj.weight" in refusal(folder)


def test_tensors_that_have_no_place_are_named(folder):
    change_weights(folder, lambda tensors: tensors.update({"value_head.weight": torch.zeros(1, 16)}))
    message = refusal(folder)
    assert "hold tensors that have no place: value_head.weight" in message
    assert "set  recipe:" in message


def test_the_language_models_output_layer_may_be_left_over(folder):
    change_weights(folder, lambda tensors: tensors.update({"lm_head.weight": torch.zeros(4, 16)}))
    Reader(str(folder), RECIPES["qwen2.5-math-prm"])


def test_a_head_that_is_not_there_is_missed_by_name(folder):
    change_weights(folder, lambda tensors: tensors.pop("score.2.bias"))
    message = refusal(folder)
    assert "lacks the head's tensors: score.2.bias" in message


def test_both_accepted_forms_of_a_head_are_told(folder):
    change_weights(folder, lambda tensors: [tensors.pop(name) for name in HEAD])
    assert "score.weight or score.0.weight, score.0.bias, score.2.weight, score.2.bias" in refusal(folder, "trl")


@pytest.mark.parametrize(
    ("name", "shape"), [("score.2.weight", (3, 16)), ("score.0.weight", (16, 8)), ("score.2.bias", (1,))]
)
def test_a_head_of_the_wrong_shape_is_refused(folder, name, shape):
    change_weights(folder, lambda tensors: tensors.update({name: torch.zeros(shape)}))
    message = refusal(folder)
    assert f"'{name}' of the head has shape {list(shape)}" in message
    assert f"asks for {list(HEAD[name])}" in message


def test_weights_of_another_size_than_the_config_says_are_refused(folder):
    change_weights(folder, lambda tensors: tensors.update({"model.norm.weight": torch.zeros(8)}))
    assert "cannot be loaded" in refusal(folder)


def test_another_backbone_is_refused(folder):
    assert "reads models of type mistral or llama" in refusal(folder, "reasoneval")
    change_config(folder, model_type="gpt2")
    assert "says 'gpt2'" in refusal(folder)


@pytest.mark.parametrize("left", [0, 100])
def test_a_damaged_file_is_named(folder, left):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:left])
    assert re.search(r"model.safetensors.* copy .*again", refusal(folder), re.DOTALL)


def test_sharded_weights_are_read(folder, original):
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, chosen in parts.items():
        save_file({name: tensors[name] for name in chosen}, folder / file, metadata={"format": "pt"})
    listing = {name: file for file, chosen in parts.items() for name in chosen}
    (folder / "model.safetensors").unlink()
    import json

    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": listing}))
    answer = [("1 + 1?", ["2", "3"])]
    whole = Reader(str(original), RECIPES["qwen2.5-math-prm"]).read(answer)
    assert Reader(str(folder), RECIPES["qwen2.5-math-prm"]).read(answer) == whole
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors cannot be read" in refusal(folder)


def test_pickled_weights_are_not_loaded_and_the_converter_is_told(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert f"python -m treewright_math.convert_weights {folder} {folder}" in refusal(folder)


@pytest.mark.parametrize(
    ("recipe", "stem"), [("metastone-sprm", "score_module"), ("reasonflux-prm-1.5b", "reward_head")]
)
def test_a_pickled_head_is_not_loaded_and_the_converter_is_told(tmp_path, recipe, stem):
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    tokenizer = make_tokenizer(tmp_path, words={"<think>": 500, "</think>": 501}, template=template)
    make_causal_lm(tmp_path, make_config("qwen2", tokenizer))
    assert f"(there: {stem}.pt) and convert it:" in refusal(tmp_path, recipe)
    (tmp_path / f"{stem}.pt").write_bytes(b"not even a pickle")
    command = f"python -m treewright_math.convert_weights {tmp_path / stem}.pt {tmp_path / stem}.safetensors"
    assert command in refusal(tmp_path, recipe)
    assert guess(str(tmp_path), tmp_path).name == recipe


def test_a_head_file_with_further_tensors_is_refused(tmp_path):
    tokenizer = make_tokenizer(tmp_path)
    make_causal_lm(tmp_path, make_config("qwen2", tokenizer))
    tensors = {"weight": torch.zeros(1, 16), "bias": torch.zeros(1), "scale": torch.zeros(1)}
    save_file(tensors, tmp_path / "reward_head.safetensors")
    assert "holds tensors that have no place: scale" in refusal(tmp_path, "reasonflux-prm-1.5b")


def test_a_vendors_token_id_is_held_against_the_tokenizer(tmp_path):
    words = {"ки": 12901, "+": 648, "-": 387}
    tokenizer = make_tokenizer(tmp_path, words=words)
    make_causal_lm(tmp_path, make_config("mistral", tokenizer))
    message = refusal(tmp_path, "math-shepherd")
    assert "recipe 'math-shepherd' expects 'ки' to be token 12902; this tokenizer makes [12901] of it" in message
    reader = Reader(str(tmp_path), RECIPES["math-shepherd"], strict_ids=False)
    assert len(reader.read([("1 + 1?", ["2"])])[0].scores) == 1


def test_a_mark_that_is_no_single_token_is_refused(tmp_path):
    tokenizer = make_tokenizer(tmp_path, controls=CONTROLS[:2], template=CHATML)
    make_headed(tmp_path, make_config("qwen2", tokenizer), HEAD, architecture="Qwen2ForProcessRewardModel")
    assert "expects '<extra_0>' to be one token; this tokenizer makes [" in refusal(tmp_path)
    assert "expects '<extra_0>' to be one token" in refusal(tmp_path, strict_ids=False)


def test_a_tokenizer_without_chat_template_is_refused_where_one_is_needed(tmp_path):
    tokenizer = make_tokenizer(tmp_path, controls=CONTROLS)
    make_headed(tmp_path, make_config("qwen2", tokenizer), HEAD, architecture="Qwen2ForProcessRewardModel")
    assert "has no chat template" in refusal(tmp_path)


def test_a_chat_template_that_writes_other_marks_is_refused(tmp_path):
    words = {"<|start_header_id|>": 128006, "<|end_header_id|>": 128007, "<|eot_id|>": 128009, "assistant": 78191}
    words |= {"\n\n": 271, "+": 10, "-": 12}
    controls = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
    template = LLAMA.replace("{{ bos_token }}", "").replace("<|end_header_id|>\n\n", "<|end_header_id|>\n")
    tokenizer = make_tokenizer(tmp_path, words=words, controls=controls, template=template)
    make_causal_lm(tmp_path, make_config("llama", tokenizer))
    assert "2 steps gave 0 marks '+'" in refusal(tmp_path, "rlhflow-prm")


def test_skywork_needs_a_token_that_begins_and_reasoneval_one_that_separates(tmp_path):
    for name, kind, head, recipe, missing in (
        ("sky", "qwen2", {"v_head.summary.weight": (1, 16), "v_head.summary.bias": (1,)}, "skywork-o1-prm", "bos"),
        ("reason", "llama", {"score_head.weight": (3, 16)}, "reasoneval", "pad"),
    ):
        tokenizer = make_tokenizer(tmp_path / name)
        make_headed(tmp_path / name, make_config(kind, tokenizer), head, architecture="Vendor")
        assert re.search(rf"{missing} token, and this tokenizer has none", refusal(tmp_path / name, recipe))


def test_a_reference_model_is_asked_for_and_must_share_the_vocabulary(tmp_path):
    for name, words in (("one", {"+": 10}), ("other", {"+": 11})):
        tokenizer = make_tokenizer(tmp_path / name, words=words, controls=CONTROLS, template=CHATML)
        make_causal_lm(tmp_path / name, make_config("qwen2", tokenizer))
    assert "set  reference:" in refusal(tmp_path / "one", "implicit-prm")
    message = refusal(tmp_path / "one", "implicit-prm", reference=str(tmp_path / "other"))
    assert "number their tokens differently, e.g. '+'" in message


def test_a_reference_model_without_use_is_refused(folder):
    assert "has no reference model" in refusal(folder, reference=str(folder))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nowhere" / "at all")
    assert "config.json cannot be read" in refusal(tmp_path)
    assert "is not in the local cache" in refusal("nobody/Qwen2.5-Math-PRM-7B")


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("Qwen2.5-Math-PRM-7B", "qwen2.5-math-prm"),
        ("ReasonFlux-PRM-7B", "reasonflux-prm-7b"),
        ("math-shepherd-mistral-7b-prm", "math-shepherd"),
        ("Llama3.1-8B-PRM-Deepseek-Data", "rlhflow-prm"),
        ("Llama3.1-8B-ORM-Mistral-Data", "rlhflow-orm"),
        ("Skywork-o1-Open-PRM-Qwen-2.5-1.5B", "skywork-o1-prm"),
        ("MetaStone-S1-7B", "metastone-sprm"),
        ("EurusPRM-Stage2", "implicit-prm"),
        ("ReasonEval-34B", "reasoneval"),
        ("PURE-PRM-7B", "pure"),
        ("jinachris/Qwen2.5-Math-7B-PRM800K", "pure-prm800k"),
        ("Qwen2.5-Math-7B-Instruct-PRM-0.1", "trl"),
    ],
)
def test_a_published_name_tells_the_recipe(folder, name, recipe):
    (folder.parent / name).parent.mkdir(exist_ok=True)
    renamed = folder.rename(folder.parent / name)
    assert guess(str(renamed), renamed).name == recipe


def test_a_models_own_word_tells_the_recipe_and_where_its_steps_end(folder):
    change_config(folder, treewright={"recipe": "qwen2.5-math-prm", "separator": "\n"})
    reader = Reader(str(folder))
    assert reader.recipe.name == "qwen2.5-math-prm"
    answer = ("1 + 1?", ["2\n3\n"])
    assert len(reader.read([answer])[0].scores) == 2
    assert len(reader.read([answer], separator="")[0].scores) == 1
    change_config(folder, treewright={"recipe": "qwen"})
    assert "names the recipe 'qwen', which there is not" in refusal(folder, None)


@pytest.mark.parametrize(
    ("head", "architecture", "recipe"),
    [
        ({"v_head.summary.weight": (1, 16)}, "Qwen2ForPrmModel", "skywork-o1-prm"),
        (HEAD, "Qwen2ForProcessRewardModel", ("qwen2.5-math-prm", "reasonflux-prm-7b")),
        ({"score.weight": (2, 16)}, "Qwen2ForTokenClassification", ("pure", "pure-prm800k", "trl")),
        ({"score_head.weight": (3, 16)}, "ReasonEval_7B", ("reasoneval", "reasoneval-redundancy")),
        ({}, "Qwen2ForCausalLM", ("math-shepherd", "rlhflow-prm", "rlhflow-orm", "implicit-prm")),
    ],
)
def test_the_files_tell_the_recipe_or_the_candidates(tmp_path, head, architecture, recipe):
    tokenizer = make_tokenizer(tmp_path)
    make_headed(tmp_path, make_config("qwen2", tokenizer), head, architecture=architecture)
    if isinstance(recipe, str):
        assert guess(str(tmp_path), tmp_path).name == recipe
        return
    with pytest.raises(ConfigurationError, match="set  recipe:  to one of them") as caught:
        guess(str(tmp_path), tmp_path)
    assert all(name in str(caught.value) for name in recipe)
