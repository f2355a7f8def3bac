"""Checkpoints that cannot be used are refused with what is wrong, where, and what to do."""

import json
import shutil

import pytest

from treewright_language.checkpoints import (
    load_causal_lm,
    load_tokenizer,
    pick_device,
    resolve,
    vocabulary_fingerprint,
)
from treewright_language.transformers_policy import TransformersPolicy
from treewright_registry import ConfigurationError


def without(name):
    return lambda folder: (folder / name).unlink()


def renamed(name, other):
    return lambda folder: (folder / name).rename(folder / other)


def cut(name, size):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def written(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def configured(**changes):
    def change(folder):
        path = folder / "config.json"
        config = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({name: value for name, value in config.items() if value != "gone"}))

    return change


BROKEN = {
    "no config": (without("config.json"), "there is no config.json"),
    "damaged config": (cut("config.json", 40), "config.json cannot be read"),
    "config of something else": (configured(model_type="gone"), "does not say 'model_type'"),
    "no weights": (without("model.safetensors"), "there is no model.safetensors"),
    "pickled weights": (renamed("model.safetensors", "pytorch_model.bin"), "save them as safetensors"),
    "cut weights": (cut("model.safetensors", 5000), "damaged or cut short"),
    "damaged weights": (written("model.safetensors", b"hello " * 50), "damaged or cut short"),
    "other weights": (configured(intermediate_size=40), "must be of the same model"),
    "weights lacking": (configured(num_hidden_layers=3, layer_types="gone"), "the weights lack 12 tensors"),
    "weights too many": (
        configured(num_hidden_layers=1, layer_types="gone"),
        "12 tensors that the model has no place for",
    ),
    "unknown architecture": (configured(model_type="strange"), "newer one, or another checkpoint"),
    "no language model": (configured(model_type="vit"), "newer one, or another checkpoint"),
    "code of its own": (
        configured(model_type="strange", auto_map={"AutoConfig": "a.B", "AutoModelForCausalLM": "a.C"}),
        "trust_remote_code: true",
    ),
    "no tokenizer": (without("tokenizer.json"), "tokenizer"),
    "damaged tokenizer": (cut("tokenizer.json", 100), "the tokenizer cannot be loaded"),
    "tokenizer of another model": (configured(vocab_size=200), "must be of the same model"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_folder_is_refused_with_place_and_remedy(case, checkpoint, tmp_path):
    change, said = BROKEN[case]
    folder = shutil.copytree(checkpoint(), tmp_path / "broken")
    change(folder)
    with pytest.raises(ConfigurationError) as refused:
        TransformersPolicy(model=str(folder), device="cpu")
    assert said in str(refused.value)
    assert str(folder) in str(refused.value)


def test_tokenizer_with_more_tokens_than_the_model_is_refused(checkpoint):
    with pytest.raises(ConfigurationError, match="belong to another model"):
        TransformersPolicy(model=str(checkpoint(vocab_size=290)), device="cpu")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("./no/such/folder", "does not exist"),
        ("treewright_language:data/none", "has no folder 'data/none'"),
        ("treewright_nowhere:data", "there is no package 'treewright_nowhere'"),
        (__file__, "name the folder"),
    ],
)
def test_name_of_nothing_is_refused(name, said):
    with pytest.raises(ConfigurationError, match=said):
        resolve(name)


def test_hub_name_is_not_fetched_unless_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for load in (load_tokenizer, load_causal_lm):
        with pytest.raises(ConfigurationError, match="download: true"):
            load("nobody/nothing-at-all")


def test_folder_within_a_package_is_found():
    assert resolve("treewright_language:.").name == "treewright_language"


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta"])
def test_unknown_device_is_refused(name):
    with pytest.raises(ConfigurationError, match="device: auto"):
        pick_device(name)


def test_devices_that_pass_the_check_are_known_to_torch():
    import torch

    from treewright_language.device_name import _KINDS

    assert {torch.device(kind).type for kind in _KINDS} == _KINDS


def test_precision_is_float32_on_a_cpu_unless_chosen(checkpoint):
    import torch

    assert load_causal_lm(str(checkpoint()), device="cpu").dtype == torch.float32
    assert load_causal_lm(str(checkpoint()), device="cpu", dtype="bfloat16").dtype == torch.bfloat16


def test_tokenizer_file_is_taken_as_it_stands(checkpoint):
    from tokenizers import Tokenizer

    ours = load_tokenizer(str(checkpoint()))
    theirs = Tokenizer.from_file(str(checkpoint() / "tokenizer.json"))
    for text in ("Tom has 71 apples.\n\nSo", "e\u0301 12345\n \n.", "<|im_end|> x"):
        assert ours.encode(text, add_special_tokens=False) == theirs.encode(text, add_special_tokens=False).ids


def test_fingerprint_is_of_the_vocabulary_alone(checkpoint, tmp_path):
    one, same = load_tokenizer(str(checkpoint())), load_tokenizer(str(checkpoint("llama")))
    before = vocabulary_fingerprint(one)
    one(["a", "a long one"], padding=True)  # leaves settings in the tokenizer
    one.chat_template = None
    assert vocabulary_fingerprint(one) == before == vocabulary_fingerprint(same)
    one.add_tokens(["<more>"])
    assert vocabulary_fingerprint(one) != before


def test_model_that_keeps_a_state_is_refused(checkpoint, tmp_path):
    import transformers

    folder = shutil.copytree(checkpoint(), tmp_path / "mamba")
    config = transformers.MambaConfig(vocab_size=320, hidden_size=16, num_hidden_layers=2, state_size=4, eos_token_id=2)
    (folder / "config.json").unlink()
    (folder / "generation_config.json").unlink()
    transformers.MambaForCausalLM(config).save_pretrained(folder)
    with pytest.raises(ConfigurationError, match="keeps something else than keys and values"):
        TransformersPolicy(model=str(folder), device="cpu")


def test_weights_that_give_no_numbers_are_blamed_themselves(checkpoint, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoint(), tmp_path / "damaged")
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"][:] = torch.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigurationError, match=r"give no numbers.*\n.*damaged"):
        TransformersPolicy(model=str(folder), device="cpu")


def test_model_that_takes_no_masks_of_four_dimensions_is_refused(build):
    with pytest.raises(ConfigurationError, match="cannot be batched"):
        build("bloom", config={"n_layer": 2, "n_head": 4})


def _accelerated():
    import torch

    return torch.cuda.is_available()


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not _accelerated(), reason="needs a GPU"))]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "off"), [("bfloat16", 0.1), ("float16", 0.02), ("float32", 1e-4)])
def test_every_precision_judges_about_what_it_drew(dtype, off, device, build, requests, judged):
    policy = build(dtype=dtype, device=device)
    asked = requests(3, 2)
    answers = policy.propose(asked)
    likely = policy.log_likelihood(judged(asked, answers))
    drawn = [step.log_probability for answer in answers for step in answer.steps]
    assert len(drawn) == 6
    found = max(abs(each.log_probability - value) for each, value in zip(likely, drawn, strict=True))
    assert found <= off, found


def test_sliding_window_limits_the_context(build, requests):
    policy = build("mistral", config={"sliding_window": 64}, max_tokens=200)
    assert policy._tokens._context == 64
    steps = policy.propose(requests(2, 4, unit="end"))
    assert all(step.finish in ("stop", "length") for each in steps for step in each.steps)
