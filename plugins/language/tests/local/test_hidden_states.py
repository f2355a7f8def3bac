"""Hidden states with memory: the same numbers, and no token twice."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from plugins.language.tests.local.conftest import SIZES
from transformers import LlamaConfig, LlamaModel, MistralConfig, MistralModel, Qwen2Config, Qwen2Model

from treewright_language.hidden_states import HiddenStates
from treewright_language.prefix_cache import trie_size
from treewright_registry import ConfigurationError

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


def room_for(network, tokens):
    """Bytes that so many tokens' keys, values and states take."""
    return (tokens + 2) * 4 * (2 * 2 * SIZES["num_key_value_heads"] * 8 + SIZES["hidden_size"])


def test_siblings_are_kept_if_their_tree_has_room_though_their_sum_has_none():
    network = model()
    prompt = tuple(range(100))
    level = [(*prompt, number) for number in range(12)]
    states = HiddenStates(network, room_for(network, 400))
    for _ in range(3):
        check(network, states, level)
        level = [(*ids, 7, number) for number, ids in enumerate(level)]
    read = 100 + 12 + 2 * 12 * 2
    assert (sum(map(len, level)) > 400, states.read_tokens) == (True, read)


def test_sequences_that_have_no_room_together_are_read_in_groups():
    network = model()
    sequences = [tuple(range(start, start + 60)) for start in range(0, 240, 30)]
    states = HiddenStates(network, room_for(network, 150))
    check(network, states, sequences)
    check(network, states, sequences[-2:])
    assert states.read_tokens == 60 * 8


def test_a_sequence_too_long_for_the_memory_is_read_beside_it_and_told(caplog):
    network = model()
    states = HiddenStates(network, room_for(network, 50))
    check(network, states, [tuple(range(80)), tuple(range(100, 130))])
    assert "a sequence of 80 tokens does not fit" in caplog.text


def test_threads_may_share_it():
    network, states = model(), HiddenStates(model(), ROOM)
    calls = [[ids] for call in tree(6) for ids in call] * 4
    with ThreadPoolExecutor(4) as pool:
        for sequences, found in zip(calls, pool.map(states.of, calls), strict=True):
            torch.testing.assert_close(found[0], alone(network, sequences[0]), atol=2e-5, rtol=1e-4)


def test_a_memory_that_the_machine_does_not_have_is_told():
    states = HiddenStates(model(), 1 << 60)
    with pytest.raises(ConfigurationError, match=r"no memory for \d+ MiB of keys and values on cpu\n    .*cache_mib"):
        states.of([(1, 2, 3)])


def test_a_network_that_lacks_its_last_layer_is_read_without_memory():
    network = model()
    network.layers = network.layers[:-1]
    states = HiddenStates(network, ROOM)
    for sequences in tree(5):
        check(network, states, sequences)
    assert states.reused_tokens == 0
