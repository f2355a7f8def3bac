"""The law of a next token against a slow, obvious computation, and draws against the law."""

import itertools
from math import exp, inf, isclose, log

import numpy as np
import pytest
import torch
from tests.laws.chi_square import p_value

from treewright_language.keyed_uniforms import uniforms
from treewright_language.token_law import Law, RowLaws, draw, log_probabilities

LOGITS = [2.0, 1.5, -1.0, 1.5, 0.25, -3.0, 2.75, 0.0, 0.0, -8.0]
LAWS = [
    Law(temperature, top_k, top_p)
    for temperature, top_k, top_p in itertools.product((0.0, 0.3, 1.0, 1.7), (None, 1, 3, 50), (1.0, 0.9, 0.4, 1e-9))
]


def slow_law(logits, law):
    """The docstring of ``token_law``, token by token."""
    if law.temperature == 0:
        return [float(i == logits.index(max(logits))) for i in range(len(logits))]
    weights = [exp((z - max(logits)) / law.temperature) for z in logits]
    weights = [w / sum(weights) for w in weights]
    if law.top_k is not None:
        least = sorted(weights)[-law.top_k :][0]
        weights = [w if w >= least else 0.0 for w in weights]
        weights = [w / sum(weights) for w in weights]
    if law.top_p < 1:
        kept = [w if sum(v for v in weights if v > w) < law.top_p else 0.0 for w in weights]
        weights = [w / sum(kept) for w in kept]
    return weights


def fast_law(logits, laws):
    return RowLaws(laws, torch.device("cpu")).probabilities(torch.tensor(logits))


@pytest.mark.parametrize("law", LAWS)
def test_law_equals_the_slow_one(law):
    assert fast_law([LOGITS], [law])[0].tolist() == pytest.approx(slow_law(LOGITS, law), abs=1e-12)


def test_rows_have_laws_of_their_own_and_keep_them_when_others_leave():
    rows = [list(np.roll(LOGITS, i)) for i in range(len(LAWS))]
    laws = RowLaws(LAWS, torch.device("cpu"))
    expected = [slow_law([float(z) for z in row], law) for row, law in zip(rows, LAWS, strict=True)]
    assert laws.probabilities(torch.tensor(rows)).tolist() == [pytest.approx(row, abs=1e-12) for row in expected]
    order = [5, 1, 40, 17]
    laws.keep(order)
    after = laws.probabilities(torch.tensor([rows[i] for i in order])).tolist()
    assert after == [pytest.approx(expected[i], abs=1e-12) for i in order]


@pytest.mark.parametrize("temperature", [5e-324, 1e-320, 1e-310, 1e-300, 1e-20])
def test_the_lowest_temperatures_are_the_limit_of_low_ones(temperature):
    assert fast_law([LOGITS], [Law(temperature)]).tolist() == fast_law([LOGITS], [Law(0.0)]).tolist()
    ties = fast_law([[1.0, 3.0, 3.0]], [Law(temperature)])
    assert ties.tolist() == [[0.0, 0.5, 0.5]]


@pytest.mark.parametrize("law", [law for law in LAWS if law.temperature in (0.3, 1.0) and law.top_k in (None, 3)])
def test_draws_follow_the_law(law):
    exact = slow_law(LOGITS, law)
    found, likely = drawn(law)
    assert all(isclose(value, log(exact[token]), abs_tol=1e-12) for token, value in zip(found, likely, strict=True))
    if sum(p > 0 for p in exact) > 1:
        assert p_value(np.bincount(found, minlength=len(exact)).tolist(), exact) > 1e-4


def test_draws_of_another_temperature_are_told_apart():
    found, _ = drawn(Law(1.15))
    assert p_value(np.bincount(found, minlength=len(LOGITS)).tolist(), slow_law(LOGITS, Law(1.0))) < 1e-10


def drawn(law, count=20_000):
    probabilities = fast_law([LOGITS], [law]).expand(count, -1)
    tokens, likely = draw(probabilities, uniforms(np.arange(count, dtype=np.uint64) * np.uint64(7919), 3))
    return tokens.numpy(), likely.tolist()


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2**-53])
def test_no_number_draws_a_token_that_the_law_excludes(number):
    logits = [-inf, 0.0, 50.0, -inf, 0.0, -inf]
    tokens, likely = draw(fast_law([logits], [Law(0.5)]), np.array([number]))
    assert logits[tokens.item()] > -inf
    assert likely.item() > -inf


def test_excluded_tokens_have_log_probability_minus_infinity():
    law = fast_law([LOGITS] * 3, [Law(1.0, top_k=2), Law(0.0), Law(1.0, top_p=0.5)])
    assert log_probabilities(law, torch.tensor([5, 0, 9])).tolist() == [-inf, -inf, -inf]
    assert log_probabilities(law, torch.tensor([6, 6, 6]))[1].item() == 0.0


def test_uniform_numbers_are_the_published_generators():
    # the first outputs of SplitMix64 from seeds 0 and 1234567
    published = {0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4], 1234567: [6457827717110365317, 3203168211198807973]}
    for seed, outputs in published.items():
        for position, output in enumerate(outputs):
            found = uniforms(np.array([seed], dtype=np.uint64), position)
            assert found.tolist() == [(output >> 11) / 2**53]


def test_uniform_numbers_of_a_row_do_not_depend_on_the_others():
    seeds = np.array([3, 2**64 - 1, 12345], dtype=np.uint64)
    assert uniforms(seeds, 9)[1] == uniforms(seeds[1:2], 9)[0]
    assert 0 <= uniforms(seeds, 9).min() <= uniforms(seeds, 9).max() < 1
