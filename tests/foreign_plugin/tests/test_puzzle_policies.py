import math
from collections import Counter

import pytest

from treewright import (
    TO_END,
    Context,
    LikelihoodRequest,
    Problem,
    ProposeRequest,
    RetrieveRequest,
    Sampling,
    Step,
    Trajectory,
)
from treewright_puzzle.law import IMPOSSIBLE, Setting, law_of
from treewright_puzzle.proposer import AMATEUR, PLAYER, Drafter, Proposer
from treewright_puzzle.puzzle import Puzzle
from treewright_puzzle.reviser import Reviser
from treewright_puzzle.solved import Solved
from treewright_puzzle.state import opening
from treewright_puzzle.task import Countdown

PUZZLE = Puzzle((9, 8, 6, 3), 24, True)
ROOT = Trajectory(Problem("p", PUZZLE.prompt, PUZZLE.metadata))
HITS = tuple(Solved().retrieve([RetrieveRequest(PUZZLE.prompt, 4)])[0])


@pytest.mark.parametrize("skill", [PLAYER, AMATEUR])
@pytest.mark.parametrize("setting", [Setting(0.05), Setting(0.0, 0.3), Setting(0.2, 2.0, 0.7), Setting(0.1, 0.0)])
def test_probabilities_sum_to_one(skill, setting):
    law = law_of(opening(PUZZLE), skill, setting)
    assert math.fsum(map(math.exp, law.log_probabilities)) == pytest.approx(1.0, abs=1e-12)


def test_temperature_raises_probabilities_to_a_power():
    one = law_of(opening(PUZZLE), PLAYER, Setting(0.05)).log_probabilities
    two = law_of(opening(PUZZLE), PLAYER, Setting(0.05, 2.0)).log_probabilities
    assert [two[0] - value for value in two] == pytest.approx([(one[0] - value) / 2 for value in one], abs=1e-12)


def _chi_square(counts, law, drawn):
    """The statistic and its degrees of freedom, operations expected less than five times pooled."""
    statistic, cells, rest_seen, rest_expected = 0.0, 0, 0, 0.0
    for operation, value in zip(law.operations, law.log_probabilities, strict=True):
        expected = drawn * math.exp(value)
        if expected < 5:
            rest_seen, rest_expected = rest_seen + counts[operation], rest_expected + expected
            continue
        statistic, cells = statistic + (counts[operation] - expected) ** 2 / expected, cells + 1
    if rest_expected > 0:
        statistic, cells = statistic + (rest_seen - rest_expected) ** 2 / rest_expected, cells + 1
    return statistic, cells - 1


def test_frequencies_follow_the_law_and_not_a_neighbouring_one():
    drawn = 4000
    [proposals] = Proposer().propose([ProposeRequest(ROOT, drawn, 3)])
    law = law_of(opening(PUZZLE), PLAYER, Setting(0.05))
    lines = Counter(step.content.partition(" (")[0] for step in proposals.steps)
    counts = {operation: lines[str(operation)] for operation in law.operations}
    assert sum(counts.values()) == drawn
    statistic, freedom = _chi_square(counts, law, drawn)
    # 4.5 standard deviations of the chi-square distribution
    limit = freedom + 4.5 * math.sqrt(2 * freedom)
    assert statistic < limit
    wrong, _ = _chi_square(counts, law_of(opening(PUZZLE), PLAYER, Setting(0.05, 1.3)), drawn)
    assert wrong > limit


@pytest.mark.parametrize("sampling", [Sampling(), TO_END, Sampling("end", 0.5, 0.9), Sampling("end", 0.0)])
@pytest.mark.parametrize("context", [Context(), Context(hits=HITS)])
@pytest.mark.parametrize("policy", [Proposer(), Drafter()])
def test_likelihood_of_a_sampled_step_is_its_log_probability(policy, sampling, context):
    [proposals] = policy.propose([ProposeRequest(ROOT, 20, 5, sampling, context)])
    asked = [LikelihoodRequest(ROOT.extend(step), sampling, context) for step in proposals.steps]
    for step, likelihood in zip(proposals.steps, policy.log_likelihood(asked), strict=True):
        assert likelihood.log_probability == pytest.approx(step.log_probability, abs=1e-12)
        assert likelihood.tokens == step.tokens == len(step.content.split())


def test_impossible_steps_have_no_likelihood():
    steps = ["7 * 8 = 56 (left: 56 9 6)\n", "9 * 8 = 71 (left: 71 6 3)\n", "nonsense"]
    asked = [LikelihoodRequest(ROOT.extend(Step(text))) for text in steps]
    assert [item.log_probability for item in Proposer().log_likelihood(asked)] == [IMPOSSIBLE] * 3


def test_siblings_do_not_depend_on_their_number_or_on_the_batch():
    few, many = (ProposeRequest(ROOT, n, 11, TO_END) for n in (3, 9))
    policy = Proposer()
    [alone] = policy.propose([few])
    [_, beside] = policy.propose([few, many])
    assert alone.steps == beside.steps[:3]
    assert len({step.content for step in beside.steps}) > 1


def test_one_step_to_the_end_is_a_whole_answer():
    [proposals] = Proposer().propose([ProposeRequest(ROOT, 5, 1, TO_END)])
    for step in proposals.steps:
        assert step.finish == "stop"
        assert step.content.count("\n") == 4
        assert Countdown().extract(ROOT.extend(step)) is not None


def test_max_tokens_cuts_between_operations():
    [proposals] = Proposer().propose([ProposeRequest(ROOT, 1, 1, Sampling("end", max_tokens=12))])
    [step] = proposals.steps
    assert (step.finish, step.tokens, step.content.count("\n")) == ("length", 9, 1)


def test_solved_examples_raise_the_weight_of_what_they_suggest():
    policy, context = Proposer(), Context(hits=HITS)
    asked = ProposeRequest(ROOT, 50, 2)
    [without], [hinted] = policy.propose([asked]), policy.propose([asked._replace(context=context)])
    assert [step.log_probability for step in without.steps] != [step.log_probability for step in hinted.steps]


def test_revised_answers_keep_their_numbers():
    start = ROOT.extend(Step("answer: (9 - 6) * 8 + 3 = 27\n"))
    [proposals] = Reviser().propose([ProposeRequest(start, 30, 4)])
    for step in proposals.steps:
        numbers = sorted(
            int(part) for part in step.content.replace("(", " ").replace(")", " ").split() if part.isdigit()
        )
        assert numbers == [3, 6, 8, 9]
    assert len({step.content for step in proposals.steps}) > 5
