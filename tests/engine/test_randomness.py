"""Draws are named by where they happen; equal siblings have different futures."""

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

import pytest

from tests.engine.toys import component, pipeline, solve
from treewright_registry import Env, Key, Need, Problem, Score


class TwinSearch:
    """Extends the very same trajectory many times over and offers all futures."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy")}

    async def search(self, problem: Problem, env: Env) -> None:
        twins = [env.root] * 64
        for _ in range(4):
            families = await env.propose(twins, 1)
            twins = [family[0] for family in families]
        for twin in twins:
            env.offer(twin, Score(env.random("score", twin.text).uniform()))


def test_equal_siblings_get_different_futures() -> None:
    spec = pipeline(search=component("search", TwinSearch), count=1)
    solution = solve(spec)["w0"]
    words = {solution.answer} | {runner["answer"] for runner in solution.runners_up}
    assert len(words) == 10  # 64 draws of 256 words: all ten kept answers differ


def test_keys_have_known_values() -> None:
    """Frozen: results of old runs stay reproducible."""
    assert Key.root(0, "p").digest.hex() == "f49b03e58518fc730e7c3f692b3d4917"
    assert Key.root(0, "p").child(1, "a").seed == Key.root(0, "p", 1, "a").seed


def test_integers_and_texts_are_different_paths() -> None:
    assert Key.root(0, 1).digest != Key.root(0, "1").digest


def test_uniform_draws_are_uniform() -> None:
    counts = Counter(int(Key.root(3, index).uniform() * 10) for index in range(20_000))
    chi_square = sum((counts[cell] - 2000) ** 2 / 2000 for cell in range(10))
    assert chi_square < 33.7  # 99.99 % quantile, 9 degrees of freedom


def test_choice_follows_its_weights_and_never_takes_a_zero() -> None:
    weights = [0.0, 1.0, 0.0, 3.0, 0.0]
    counts = Counter(Key.root(5, index).choice(weights) for index in range(20_000))
    assert set(counts) == {1, 3}
    assert (counts[1] - 5000) ** 2 / 5000 + (counts[3] - 15000) ** 2 / 15000 < 15.1


def test_choice_without_a_positive_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one positive weight"):
        Key.root(0).choice([0.0, 0.0])
