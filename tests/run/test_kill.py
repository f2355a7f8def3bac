"""SIGKILL at random moments: nothing committed is paid twice, and the end is that of an uninterrupted run.

Five moments here; fifty in ``tests/soak``.
"""

import random
from pathlib import Path

import pytest

from tests.run import checkpoint_killing
from tests.run.killing import CASES, Home, survive

SHORT = ("best-of-n", "beam", "mcts, two workers", "self-refine", "composite")


@pytest.mark.parametrize("case", SHORT)
def test_run_killed_at_a_random_moment_goes_on_without_paying_again(tmp_path: Path, case: str) -> None:
    moments = random.Random(f"short {case}")
    survive(Home(tmp_path / "home", CASES[case], count=6), moments, kills=1)


def test_process_killed_while_it_checkpoints_loses_no_committed_row(tmp_path: Path) -> None:
    checkpoint_killing.survive(tmp_path, random.Random("short checkpoints"), kills=3)
