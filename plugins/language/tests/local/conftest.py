"""Tiny random checkpoints, made on the spot, and policies on them."""

import importlib.util

import pytest

from treewright_registry import LikelihoodRequest, Problem, ProposeRequest, Sampling, Trajectory

if importlib.util.find_spec("torch") and importlib.util.find_spec("transformers"):
    import torch
else:  # the extra 'language' is not installed
    collect_ignore_glob = ["test_*.py"]

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SPOKEN = ["Tom has 23 + 48 = 71 apples.\n\nSo the answer is 71.\n\n", "the théâtre is there 日本\n"]
SIZES = {
    "vocab_size": 320,  # more than the tokenizer knows, as in many published checkpoints
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,  # laws with something to choose
    "bos_token_id": None,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small products are fastest so, and other tests may run beside these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_tokenizer(folder, template=TEMPLATE):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SPOKEN * 20, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = template
    fast.save_pretrained(folder)
    return fast


def write_checkpoint(folder, architecture="qwen2", seed=1, **changes):
    """A checkpoint of random weights in the usual layout; returns its folder."""
    import transformers

    names = {"qwen2": "Qwen2", "llama": "Llama", "mistral": "Mistral", "gemma2": "Gemma2", "bloom": "Bloom"}
    name = names[architecture]
    write_tokenizer(folder)
    torch.manual_seed(seed)
    config = getattr(transformers, f"{name}Config")(**{**SIZES, "sliding_window": None, **changes})
    transformers.utils.logging.disable_progress_bar()
    getattr(transformers, f"{name}ForCausalLM")(config).save_pretrained(folder)
    transformers.utils.logging.enable_progress_bar()
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Folders by architecture, each made once."""
    made = {}

    def checkpoint(architecture="qwen2", **changes):
        name = (architecture, *sorted(changes.items()))
        if name not in made:
            made[name] = write_checkpoint(tmp_path_factory.mktemp(architecture), architecture, **changes)
        return made[name]

    return checkpoint


@pytest.fixture
def build(checkpoint):
    """A policy on a tiny checkpoint."""
    from treewright_language.transformers_policy import TransformersPolicy

    def build(architecture="qwen2", *, config=None, **options):
        folder = checkpoint(architecture, **(config or {}))
        return TransformersPolicy(
            **{"model": str(folder), "device": "cpu", "max_tokens": 24, "delimiter": "e", **options}
        )

    return build


@pytest.fixture
def requests():
    """``requests(count, n, **sampling)``: first steps of so many problems, of different lengths."""

    def requests(count=6, n=3, seed=7, **sampling):
        problems = [
            Problem(f"p{i}", f"How many apples has Tom{', and so on' * (i % 4)}, if {i}?") for i in range(count)
        ]
        return [
            ProposeRequest(Trajectory(problem), n, seed + 100 * i, Sampling(**sampling))
            for i, problem in enumerate(problems)
        ]

    return requests


@pytest.fixture
def judged():
    """``judged(requests, answers)``: a request for the likelihood of each step that was drawn."""

    def judged(requests, answers, change=lambda step: step, **sampling):
        return [
            LikelihoodRequest(
                request.trajectory.extend(change(step)), request.sampling._replace(**sampling), request.context
            )
            for request, answer in zip(requests, answers, strict=True)
            for step in answer.steps
        ]

    return judged


@pytest.fixture
def plain_logits():
    """``plain_logits(policy, ids)``: logits after each token, by one pass without any cache."""

    def plain_logits(policy, ids):
        model = policy._writer._reader._network._model
        with torch.inference_mode():
            return model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0, :, : policy._text.size]

    return plain_logits
