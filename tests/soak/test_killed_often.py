"""SIGKILL at fifty random moments and more, up to four in one run: ``make soak``."""

import random
from pathlib import Path

import pytest

from tests.run import checkpoint_killing
from tests.run.killing import CASES, Home, survive

pytestmark = pytest.mark.slow

KILLS = (1, 1, 2, 4)  # runs and how often each is killed: eight moments for each of seven cases


@pytest.mark.parametrize("case", CASES)
def test_runs_killed_again_and_again_go_on_without_paying_again(tmp_path: Path, case: str) -> None:
    moments = random.Random(f"long {case}")
    home = Home(tmp_path / "home", CASES[case])
    for kills in KILLS:
        survive(home, moments, kills)


def test_process_killed_while_it_checkpoints_loses_no_committed_row(tmp_path: Path) -> None:
    checkpoint_killing.survive(tmp_path, random.Random("long checkpoints"), kills=40)
