"""No token is computed twice, and the cache stays within its setting."""

import random

import pytest
import torch

from treewright_language.prefix_cache import PrefixCache, Shape, encoded, trie_size
from treewright_registry import Problem, Trajectory


class Computed:
    """All beginnings whose keys and values have been computed, told from requests and answers alone."""

    def __init__(self, policy):
        self.policy = policy
        self.known = set()

    def read(self, requests):
        """How many tokens are new in these requests."""
        wanted = set()
        for request in requests:
            ids = self.policy._tokens.to_draw(request, None).ids
            wanted |= {ids[:end] for end in range(1, len(ids) + 1)}
        new = wanted - self.known
        self.known |= new
        return len(new)

    def drawn(self, request, step):
        ids = self.policy._tokens.to_draw(request, None).ids
        drawn = step.encoding.ids
        self.known |= {ids + drawn[:end] for end in range(1, len(drawn))}


@pytest.mark.parametrize("seed", range(3))
def test_tokens_read_are_exactly_those_not_computed_before(seed, build, requests):
    policy = build(rows=16, tokens_per_step=5)
    computed = Computed(policy)
    choice = random.Random(seed)
    nodes = requests(6, 1)
    for round_ in range(12):  # as tree searches do: go on anywhere, also twice from the same place
        chosen = choice.choices(nodes, k=8)
        asked = [request._replace(n=choice.randint(1, 3), seed=round_) for request in chosen]
        before = policy.counters.prefilled
        new = computed.read(asked)
        answers = policy.propose(asked)
        assert policy.counters.prefilled - before == new
        for request, answer in zip(asked, answers, strict=True):
            for step in answer.steps:
                computed.drawn(request, step)
                if step.finish == "step":
                    nodes.append(request._replace(trajectory=request.trajectory.extend(step)))
    assert policy.counters.reread == policy.counters.crowded == 0
    assert len(nodes) > 100


def test_judging_reads_new_tokens_once_and_going_on_reads_the_last_one(build, requests, judged):
    draft, target = build(tokens_per_step=6), build(tokens_per_step=6, config={"seed": 2})
    asked = requests(4, 3)
    answers = draft.propose(asked)
    computed = Computed(target)
    new = computed.read(asked)
    for request, answer in zip(asked, answers, strict=True):
        for step in answer.steps:
            size = len(computed.known)
            computed.drawn(request, step)
            new += len(computed.known) - size
    target.log_likelihood(judged(asked, answers))
    assert (target.counters.prefilled, target.counters.reread) == (new, 0)
    accepted = [
        request._replace(trajectory=request.trajectory.extend(answer.steps[1]))
        for request, answer in zip(asked, answers, strict=True)
    ]
    target.propose(accepted)
    assert target.counters.prefilled == new + len(accepted)


def test_without_reuse_every_call_reads_everything(build, requests):
    policy = build(reuse=False)
    for _ in range(2):
        policy.propose(requests(1, 4))
    [ready] = [policy._tokens.to_draw(request, None) for request in requests(1, 4)]
    assert policy.counters.prefilled == 2 * len(ready.ids)
    assert policy.cache_peak_bytes == 0


def test_small_cache_gives_the_same_steps_within_its_memory(build, requests):
    asked = [request for seed in range(6) for request in requests(8, 2, seed=seed, unit="end", max_tokens=40)]
    large, small = build(config={"num_hidden_layers": 4}), build(config={"num_hidden_layers": 4}, cache_mib=1, rows=8)
    for start in range(0, len(asked), 8):
        part = asked[start : start + 8]
        left, right = large.propose(part), small.propose(part)
        assert [step.encoding for each in left for step in each.steps] == [
            step.encoding for each in right for step in each.steps
        ]
    assert small.cache_peak_bytes <= 1 << 20 < large.cache_peak_bytes


LONG = {"num_hidden_layers": 8, "max_position_embeddings": 8192}  # 1,024 bytes a token


@pytest.fixture
def long_requests(requests):
    """``long_requests(count, n, words)``: prompts that share nothing but the template's beginning."""

    def long_requests(count, n, words):
        return [
            request._replace(trajectory=Trajectory(Problem(f"long{i}", f"{i} " * words)))
            for i, request in enumerate(requests(count, n))
        ]

    return long_requests


def encodings(answers):
    return [[step.encoding for step in each.steps] for each in answers]


def test_prompt_that_does_not_fit_into_the_cache_is_answered_without_it_and_told_once(build, long_requests, caplog):
    policy = build(config=LONG, cache_mib=1)
    asked = long_requests(2, 4, 700)
    steps = policy.propose(asked)
    again = policy.propose(asked)
    assert policy.counters.crowded == 4
    assert [record.message for record in caplog.records if "cache_mib: 3  or more" in record.message] == [
        record.message for record in caplog.records
    ]
    assert len(caplog.records) == 1
    assert encodings(steps) == encodings(again) == encodings(build(config=LONG).propose(asked))
    assert policy.cache_peak_bytes <= 1 << 20


def test_call_that_does_not_fit_into_the_cache_together_is_split(build, long_requests):
    policy = build(config=LONG, cache_mib=1, max_tokens=4)
    asked = long_requests(4, 2, 250)
    computed = Computed(policy)
    new = computed.read(asked)
    answers = policy.propose(asked)
    assert policy.counters.crowded == 0
    assert new <= policy.counters.prefilled < new + 40  # the template's beginning at most is read anew
    assert encodings(answers) == encodings(build(config=LONG, max_tokens=4).propose(asked))
    assert 0 < policy.cache_peak_bytes <= 1 << 20
    assert policy.passing_peak_bytes == 0


def test_cache_of_one_call_holds_each_sequence_once(build, long_requests):
    policy = build(config=LONG, reuse=False, max_tokens=2)
    asked = long_requests(1, 32, 200)
    length = len(policy._tokens.to_draw(asked[0], None).ids)
    policy.propose(asked)
    assert length * 1024 <= policy.passing_peak_bytes < 2 * length * 1024


def test_spaces_that_hold_nothing_any_more_are_forgotten():
    cache = PrefixCache(SHAPE, 640)
    for number in range(200):
        cache.begin()
        ids = (number, *range(9))
        assert cache.store(ids, 0, states(ids), 0, 0, space=b"%d" % number)
        everything = tuple(range(50, 100))
        assert not cache.store(everything, 0, states(everything), 0, 0, space=b"too long")
        assert len(cache._roots) <= 4
        _check_slots(cache)


def test_names_of_spaces_are_short(build, requests):
    policy = build(strict=True)
    policy.propose(requests(3, 1))
    assert {len(name) for name in policy._writer._caches.kept._roots} == {16}


SHAPE = Shape((((1, 2), (2, 1)),), torch.float32, torch.device("cpu"), 16)


def states(ids):
    """Keys and values that name the beginning they stand at the end of."""
    names = [float(hash(tuple(ids[: end + 1])) % 65521) for end in range(len(ids))]
    row = torch.tensor(names)
    return [(row[None, None, :, None].expand(1, 1, -1, 2), row[None, None, :, None].expand(1, 2, -1, 1))]


@pytest.mark.parametrize("seed", range(4))
def test_cache_returns_what_was_stored_or_nothing_under_any_order_of_calls(seed):
    choice = random.Random(seed)
    cache = PrefixCache(SHAPE, 8 * 1024)
    assert cache.capacity == 447
    hits = refused = 0
    for _ in range(600):
        cache.begin()
        ids = tuple(choice.choices(range(3), k=choice.randint(1, 40)))
        found = cache.find(ids, len(ids))
        if len(found.slots):
            out = [(torch.empty(1, 1, len(ids) + 3, 2), torch.empty(1, 2, len(ids) + 3, 1))]
            cache.gather([found.slots], len(ids), out)
            kept = len(found.slots)
            for given, wanted in zip(out[0], states(ids)[0], strict=True):
                assert torch.equal(given[:, :, len(ids) - kept : len(ids)], wanted[:, :, :kept])
                assert not given[:, :, : len(ids) - kept].any()
            hits += kept == len(ids)
        if found.logits is not None:
            assert found.logits.tolist() == [float(len(ids))]
        start = choice.randint(0, len(found.slots))
        logits = torch.tensor([float(len(ids))]) if choice.random() < 0.5 else None
        stored = cache.store(ids, start, states(ids), 0, start, logits=logits)
        refused += not stored
        assert cache.tokens <= cache.capacity
        assert cache.used_bytes <= cache.peak_bytes <= 8 * 1024
        _check_slots(cache)
    assert hits > 20
    assert refused == 0


def _check_slots(cache):
    """Every slot is free, or belongs to exactly one token."""
    pending, owned = list(cache._roots.values()), []
    while pending:
        node = pending.pop()
        assert len(node.slots) * 4 == len(node.tokens)
        owned += node.slots.tolist()
        pending += node.children.values()
    free = cache._free[: cache._free_count].tolist()
    assert sorted(owned + free) == list(range(1, cache.capacity + 1))


def test_least_recently_used_branch_goes_first_and_one_in_use_never():
    cache = PrefixCache(SHAPE, 640)
    assert cache.capacity == 34
    branches = [(branch, *range(9)) for branch in range(3)]
    for ids in branches:
        cache.begin()
        assert cache.store(ids, 0, states(ids), 0, 0)
    cache.begin()
    cache.find(branches[0], 10)
    cache.begin()
    newer = (7, *range(9))
    assert cache.store(newer, 0, states(newer), 0, 0)
    assert [len(cache.find(ids, 10).slots) for ids in branches] == [10, 0, 10]
    everything = tuple(range(50, 84))
    assert not cache.store(everything, 0, states(everything), 0, 0)  # all that is left is in use


def test_spaces_share_nothing():
    cache = PrefixCache(SHAPE, 4096)
    cache.store((1, 2), 0, states((1, 2)), 0, 0, space=b"a")
    assert len(cache.find((1, 2), 2, b"a").slots) == 2
    assert len(cache.find((1, 2), 2, b"b").slots) == len(cache.find((1, 2), 2).slots) == 0
    assert len(encoded((1, 2))) == 8


def test_tree_of_sequences_counts_common_beginnings_once():
    assert trie_size([]) == 0
    assert trie_size([(1, 2, 3), (1, 2, 3), (1, 2), (1, 2, 4, 5), (9,), (256, 1), (1, 256)]) == 9
