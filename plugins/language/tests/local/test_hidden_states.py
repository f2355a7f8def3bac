"""Hidden states with memory: the same numbers, and no token twice."""

import random

import pytest
import torch
from plugins.language.tests.local.conftest import SIZES
from transformers import LlamaConfig, LlamaModel, MistralConfig, MistralModel, Qwen2Config, Qwen2Model

from treewright_language.hidden_states import HiddenStates
from treewright_language.prefix_cache import trie_size

ROOM = 1 << 20
KINDS = {
    "llama": (LlamaModel, LlamaConfig, {}),
    "qwen2": (Qwen2Model, Qwen2Config, {}),
    "mistral": (MistralModel, MistralConfig, {"sliding_window": 64}),
}


def model(kind="llama"):
    network, config, more = KINDS[kind]
    torch.manual_seed(3)
    return network(config(**SIZES | more)).eval()


def tree(seed, branches=3, depth=4, prompt=50):
    """The sequences of a search, call by call: each goes on from one of the call before."""
    draw = random.Random(seed)
    level = [tuple(draw.randrange(300) for _ in range(prompt + problem)) for problem in range(2)]
    calls = [level]
    for _ in range(depth):
        longer = [(*ids, first, *draw.choices(range(300), k=8)) for ids in level for first in range(branches)]
        level = draw.sample(longer, min(len(longer), 9))
        level = [ids[: len(ids) - draw.randint(0, 7)] for ids in level]
        calls.append(level)
    return calls


def alone(network, ids):
    with torch.inference_mode():
        return network(input_ids=torch.tensor([ids]), use_cache=False).last_hidden_state[0]


def check(network, states, sequences, starts=None):
    found = states.of(sequences, starts)
    for row, ids in enumerate(sequences):
        first = starts[row] if starts else 0
        torch.testing.assert_close(found[row, first : len(ids)], alone(network, ids)[first:], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", [0, ROOM])
def test_states_are_those_of_each_sequence_read_by_itself(kind, room):
    network = model(kind)
    states = HiddenStates(network, room)
    for sequences in tree(1):
        check(network, states, sequences)


def test_every_token_of_a_search_is_computed_once():
    states = HiddenStates(model(), ROOM)
    calls = tree(2)
    for sequences in calls:
        states.of(sequences)
    everything = [ids for sequences in calls for ids in sequences]
    assert states.read_tokens == trie_size(everything)
    assert states.read_tokens + states.reused_tokens == sum(map(len, everything))


def test_without_room_every_call_reads_all():
    states = HiddenStates(model(), 0)
    calls = tree(2)
    for sequences in calls:
        states.of(sequences)
    assert (states.read_tokens, states.reused_tokens) == (sum(len(ids) for call in calls for ids in call), 0)


def test_sequences_of_one_call_that_begin_alike_are_read_once_to_where_they_part():
    network, states = model(), HiddenStates(model(), ROOM)
    prompt = tuple(range(100))
    sequences = [(*prompt, number, number + 1) for number in range(6)]
    check(network, states, sequences)
    assert states.read_tokens == len(prompt) + 6 * 2


def test_a_repeated_sequence_costs_nothing():
    network, states = model(), HiddenStates(model(), ROOM)
    check(network, states, [(1, 2, 3, 4)])
    check(network, states, [(1, 2, 3, 4), (1, 2)])
    assert states.read_tokens == 4


def test_states_that_nobody_asks_for_are_left_out():
    network, states = model(), HiddenStates(model(), ROOM)
    prompt = tuple(range(60))
    check(network, states, [prompt])
    check(network, states, [(*prompt, 7, 8, 9), (*prompt, 5)], [58, 60])


def test_a_full_memory_forgets_the_oldest_and_stays_right():
    network = model()
    states = HiddenStates(network, 200 * 1024)
    for seed in range(6):
        for sequences in tree(seed, depth=2):
            check(network, states, sequences[:4])
    assert states.reused_tokens > 0


def test_a_call_too_large_for_the_memory_is_read_without_it():
    network = model()
    states = HiddenStates(network, 30 * 1024)
    check(network, states, tree(4)[-1])
    assert states.reused_tokens == 0


def test_a_network_that_lacks_its_last_layer_is_read_without_memory():
    network = model()
    network.layers = network.layers[:-1]
    states = HiddenStates(network, ROOM)
    for sequences in tree(5):
        check(network, states, sequences)
    assert states.reused_tokens == 0
