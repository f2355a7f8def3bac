"""Tiny random checkpoints in the vendors' formats, made on the spot, and slow, obvious ways of reading them."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, PreTrainedTokenizerFast

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
THINKING = (
    "{% for m in messages %}<|User|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|Assistant|><think>\n{% endif %}"
)


def make_tokenizer(folder, *, words=None, controls=(), template=None, bos=None, pad=None, begins=False):
    """A byte-level tokenizer in which some words are single tokens with given ids.

    Args:
        folder: where it is saved.
        words: text → id of tokens that every text may hold.
        controls: special tokens; each gets the id given in ``words``, or one from 200 on.
        template: chat template.
        bos, pad: which controls those are.
        begins: whether the tokenizer itself puts the bos token in front.
    """
    words = {**{word: number for number, word in enumerate(controls, 200)}, **(words or {})}
    spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    taken, number, vocabulary, merges = set(words.values()), 300, {}, []
    for letter in sorted(pre_tokenizers.ByteLevel.alphabet()):
        number = next(n for n in range(number, number + 1000) if n not in taken)
        vocabulary[letter] = number
        number += 1
    whole = [
        word for word in words if len(word.encode()) > 1 and word.strip()
    ]  # found as they stand, before all merging
    for word, its_id in words.items():
        spelt = "".join(part for part, _ in spell.pre_tokenize_str(word))
        vocabulary[word if word in whole else spelt] = its_id
        if word == "\n\n":
            merges.append((spelt[0], spelt[1]))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = spell
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in whole if word not in controls])
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in controls])
    if begins:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, pad_token=pad)
    made.chat_template = template
    made.save_pretrained(folder)
    return made


def make_config(kind, tokenizer, **changes):
    """The config of a tiny network that knows all of the tokenizer's ids; its outputs vary strongly."""
    size = max(tokenizer.get_vocab().values()) + 1
    settings = {
        "vocab_size": size,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 512,
        "initializer_range": 0.5,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    return AutoConfig.for_model(kind, **{**settings, **changes})


def make_causal_lm(folder, config, seed=0):
    """A random language model, saved as usual."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(folder)
    return model


def make_headed(folder, config, head, *, architecture, seed=0, left_over=()):
    """A backbone and a head's tensors in one file, with vendor's code beside it that must not run.

    Args:
        head: name → shape.
        left_over: further names, each a vector.
    """
    torch.manual_seed(seed)
    backbone = AutoModel.from_config(config).eval()
    tensors = {f"model.{name}": value.clone() for name, value in backbone.state_dict().items()}
    made = {name: torch.randn(shape) * 0.7 for name, shape in head.items()}
    spare = {name: torch.randn(3) for name in left_over}
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_file({**tensors, **made, **spare}, Path(folder) / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(folder)
    change_config(folder, architectures=[architecture], auto_map={"AutoModel": f"modeling_vendor.{architecture}"})
    (Path(folder) / "modeling_vendor.py").write_text("raise RuntimeError('the vendor\\'s code ran')\n")
    return backbone, made


def change_config(folder, **changes):
    path = Path(folder) / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@torch.no_grad()
def hidden_at_the_end(backbone, ids, layer=-1):
    """The hidden state at the last of these tokens, from a pass over nothing else."""
    return backbone(torch.tensor([ids]), output_hidden_states=True).hidden_states[layer][0, -1]


@torch.no_grad()
def logits_at_the_end(model, ids):
    """The language model's logits at the last of these tokens, from a pass over nothing else."""
    return model(torch.tensor([ids])).logits[0, -1]


def linear(tensors, name, vector):
    """A linear layer written out."""
    return tensors[f"{name}.weight"] @ vector + tensors.get(f"{name}.bias", 0.0)
