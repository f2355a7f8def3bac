"""Rows that share a prefix get the logits that each would get by itself."""

import pytest
import torch

from treewright_language import network, shared_prefix
from treewright_language.shared_prefix import attended, grouped, plainly


@pytest.fixture
def sharing(monkeypatch):
    """Prefixes are shared wherever they can be; how often they were."""
    monkeypatch.setattr(network, "_WORTH", 0)
    calls = []
    ordinary = shared_prefix.SharedPrefix.attended

    def counted(self, *arguments):
        calls.append(self._size)
        return ordinary(self, *arguments)

    monkeypatch.setattr(shared_prefix.SharedPrefix, "attended", counted)
    return calls


def test_rows_of_equal_prefixes_are_grouped_and_large_families_split():
    places = grouped(["a", "b", "a", "c", "a", "a", "a"])
    assert places.size == 5
    assert places.first == [0, 1, 3]
    assert places.of_rows == [0, 5, 1, 10, 2, 3, 4]
    split = grouped(["a"] * 9 + list("bcdefgh"))
    assert split.size == 4
    assert len(split.first) == 3 + 7
    assert len(set(split.of_rows)) == 16
    assert grouped(["a", "b"]) == ([0, 1], 1, [0, 1])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("heads", "of_keys", "tokens"), [(4, 4, 1), (4, 2, 1), (6, 2, 3), (3, 3, 5)])
def test_kernel_agrees_with_the_formula(heads, of_keys, tokens, masked):
    torch.manual_seed(heads * tokens)
    query = torch.randn(3, heads, tokens, 8)
    keys, values = torch.randn(3, of_keys, 7, 8), torch.randn(3, of_keys, 7, 8)
    mask = torch.zeros(3, 1, tokens, 7).masked_fill_(torch.rand(3, 1, tokens, 7) < 0.3, -1e30) if masked else None
    found, mass = attended(query, keys, values, mask, None)
    repeated = (each.repeat_interleave(heads // of_keys, 1) for each in (keys, values))
    expected, expected_mass = plainly(query, *repeated, mask, 8**-0.5)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(mass, expected_mass)


def test_widths_that_the_kernel_does_not_take_go_by_the_formula():
    query, keys, values = torch.randn(2, 4, 1, 8), torch.randn(2, 2, 5, 8), torch.randn(2, 2, 5, 3)
    found, _ = attended(query, keys, values, None, None)
    ordinary = torch.nn.functional.scaled_dot_product_attention(query, keys, values, enable_gqa=True)
    torch.testing.assert_close(found, ordinary)


@pytest.mark.parametrize(
    ("architecture", "shares"), [("qwen2", True), ("llama", True), ("mistral", True), ("gemma2", False)]
)
def test_prefixes_are_shared_where_the_architecture_allows_it(architecture, shares, build):
    special = {"head_dim": 8, "sliding_window": 96, "pad_token_id": 0} if architecture == "gemma2" else {}
    assert build(architecture, config=special)._writer._reader._network._shares is shares  # Gemma 2: not by SDPA


def test_model_that_looks_away_from_the_prefix_is_found_out(monkeypatch, build):
    def without_prefix(*arguments, shared_prefix=None, **options):
        return ordinary(*arguments, **options)

    ordinary = shared_prefix.attend
    monkeypatch.setattr(shared_prefix, "attend", without_prefix)
    policy = build()
    built = policy._writer._reader._network
    assert not built._shares
    assert built._model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("architecture", ["qwen2", "llama", "mistral"])
def test_steps_and_likelihoods_are_those_of_rows_by_themselves(architecture, build, requests, judged, sharing):
    asked = requests(5, 4, temperature=1.1, max_tokens=10)
    alone = build(architecture, rows=1, reuse=False)
    expected = [alone.propose([request])[0].steps for request in asked]
    calls = len(sharing)
    policy = build(architecture, rows=64)
    found = policy.propose(asked)
    longer = [
        request._replace(trajectory=request.trajectory.extend(answer.steps[0]))
        for request, answer in zip(asked, found, strict=True)
    ]
    assert [[step.encoding for step in answer.steps] for answer in found] == [
        [step.encoding for step in steps] for steps in expected
    ]
    drawn = policy.propose(longer)
    for request, answer in zip(longer, drawn, strict=True):
        for step, other in zip(answer.steps, alone.propose([request])[0].steps, strict=True):
            assert step.encoding == other.encoding
            assert step.log_probability == pytest.approx(other.log_probability, abs=1e-4)
    likely = build(architecture, rows=64).log_likelihood(judged(longer, drawn))
    steps = [step for answer in drawn for step in answer.steps]
    assert [each.log_probability for each in likely] == pytest.approx([s.log_probability for s in steps], abs=1e-4)
    assert max(sharing[calls:]) >= 4  # four rows looked at one prefix


def test_tokens_read_are_the_same_with_shared_prefixes(build, requests, sharing):
    asked = requests(6, 3)
    counted = []
    for worth in (0, 1 << 60):
        network._WORTH = worth
        policy = build()
        for answers in (policy.propose(asked), policy.propose(asked)):
            assert sum(len(answer.steps) for answer in answers) == 18
        counted.append(policy.counters)
    assert counted[0] == counted[1]
    assert counted[0].reread == 0
