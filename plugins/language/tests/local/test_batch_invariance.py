"""The same seeds give the same steps, whatever else is in the batch and whatever the cache holds."""

import pytest


def walk(policy, requests, together):
    """Two rounds: each problem goes on from its first open step; requests in groups of ``together``."""
    asked = requests(5, 3, temperature=1.1, max_tokens=10)
    steps = []
    for round_ in range(2):
        answers = []
        for start in range(0, len(asked), together):
            answers += policy.propose(asked[start : start + together])
        steps += [answer.steps for answer in answers]
        longer = []
        for request, answer in zip(asked, answers, strict=True):
            for step in answer.steps:
                if step.finish == "step":
                    trajectory = request.trajectory.extend(step)
                    longer.append(request._replace(trajectory=trajectory, seed=request.seed + round_))
                    break
        asked = longer
    return steps


_found = []


@pytest.fixture
def expected(build, requests):
    """The walk with nothing shared; made once."""
    if not _found:
        _found.append(walk(build(rows=1, reuse=False), requests, 1))
    return _found[0]


@pytest.mark.parametrize("reuse", [True, False])
@pytest.mark.parametrize(("rows", "together"), [(1, 1), (7, 5), (64, 5), (64, 2)])
def test_tokens_do_not_depend_on_batch_and_cache(rows, together, reuse, build, requests, expected):
    found = walk(build(rows=rows, reuse=reuse), requests, together)
    assert [[step.encoding.ids for step in steps] for steps in found] == [
        [step.encoding.ids for step in steps] for steps in expected
    ]
    for left, right in zip(found, expected, strict=True):
        for one, other in zip(left, right, strict=True):
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


@pytest.mark.parametrize("reuse", [True, False])
def test_sixty_four_rows_draw_what_each_draws_alone(reuse, build, requests):
    asked = requests(16, 4, temperature=1.1, max_tokens=10)  # 64 samples: they fill the batch
    whole = build(rows=64, reuse=reuse)
    alone = build(rows=1, reuse=False)
    for _ in range(2):
        together = whole.propose(asked)
        apart = [alone.propose([request])[0] for request in asked]
        assert sum(len(answer.steps) for answer in together) == 64
        for left, right in zip(together, apart, strict=True):
            assert [step.encoding.ids for step in left.steps] == [step.encoding.ids for step in right.steps]
        open_steps = [next(step for step in answer.steps if step.finish != "stop") for answer in together]
        asked = [
            request._replace(trajectory=request.trajectory.extend(step))
            for request, step in zip(asked, open_steps, strict=True)
        ]


def test_strict_mode_is_the_same_to_the_last_bit(build, requests, judged):
    policies = [
        build(strict=True, reuse=reuse, rows=rows, cache_mib=mib)
        for reuse, rows, mib in [(True, 1, 64), (True, 64, 64), (False, 1, 64), (True, 64, 1)]
    ]
    runs = [walk(policy, requests, together) for policy, together in zip(policies, (1, 5, 2, 5), strict=True)]
    assert runs[1:] == runs[:1] * 3
    asked = requests(4, 2, max_tokens=10)
    answers = policies[0].propose(asked)
    drawn = [step.log_probability for answer in answers for step in answer.steps]
    for policy in policies:
        likely = policy.log_likelihood(judged(asked, answers))
        assert [each.log_probability for each in likely] == drawn


def test_strict_mode_draws_what_the_fast_one_draws(build, requests, expected):
    found = walk(build(strict=True), requests, 5)
    assert [[step.content for step in steps] for steps in found] == [
        [step.content for step in steps] for steps in expected
    ]


def test_fast_mode_differs_in_last_bits(build, requests, expected):
    found = walk(build(rows=64), requests, 5)
    assert found != expected  # else the comparison to the last bit above would show nothing


def test_samples_of_a_request_differ_and_have_seeds_of_their_own(build, requests):
    [request] = requests(1, 12, unit="end")
    steps = build().propose([request])[0].steps
    assert len({step.encoding.ids for step in steps}) == 12
    assert build().propose([request._replace(n=5)])[0].steps == build().propose([request._replace(n=5)])[0].steps
    first = build().propose([request._replace(n=1)])[0].steps[0]
    assert first.encoding == steps[0].encoding
