"""A tiny random checkpoint for servers: Qwen2 with a vocabulary of printable ASCII, so that every text is one."""

import string
from pathlib import Path

MERGED = ["the sum is 12\n\nthen 7 and 12\n\n", "add 3 and 4.\n\n", "answer: 12"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def make_checkpoint(folder: Path, *, ends: float = 0.0) -> Path:
    """Write one into ``folder``; the larger ``ends``, the sooner answers end."""
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=4096, initializer_range=0.2, tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():  # the first channel stays a positive constant, so that its column of the head is a bias
        model.model.embed_tokens.weight[:, 0] = 3.0
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        model.lm_head.weight[:, 0] = 0.0
        model.lm_head.weight[:2, 0] = -20.0  # special tokens that no answer holds
        model.lm_head.weight[tokenizer.eos_token_id, 0] = ends
    model.generation_config = GenerationConfig(
        do_sample=True, top_k=0, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(folder)
    return folder


def make_tokenizer():
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.decoder = decoders.Fuse()
    # as in large models, a token may end with line breaks, and none goes on behind them
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[^\n]*\n*"), "isolated")
    alphabet = [character for character in string.printable if character not in "\t\r\x0b\x0c"]
    trainer = trainers.BpeTrainer(vocab_size=140, special_tokens=SPECIAL, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(MERGED * 5, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def make_parrot(folder: Path, text: str) -> Path:
    """Write a checkpoint that ends every line with ``text`` and then its answer, whatever it is asked.

    Its weights say which token follows which: the line break before an answer is followed by one token that is
    the whole text, and that one by the end.
    """
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    tokenizer = make_tokenizer()
    tokenizer.add_tokens([text])
    tokenizer.save_pretrained(folder)
    size = len(tokenizer)
    config = Qwen2Config(
        vocab_size=size, hidden_size=4 * size, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=16_384, tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    said, begin = tokenizer.convert_tokens_to_ids(text), tokenizer.convert_tokens_to_ids("\n")
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(size, 4 * size))
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        model.lm_head.weight[said, begin] = 10.0
        model.lm_head.weight[tokenizer.eos_token_id, said] = 10.0
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder)
    return folder
