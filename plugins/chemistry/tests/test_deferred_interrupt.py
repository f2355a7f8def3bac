"""Ctrl-C is noted and raised where it is asked for; processes that are started never hear it."""

import os
import signal
import subprocess
import sys

import pytest

from treewright_chemistry.deferred_interrupt import DeferredInterrupt, deaf_children

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def test_ctrl_c_is_raised_where_it_is_asked_for():
    with DeferredInterrupt() as interrupt:
        interrupt.check()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
        interrupt.check()  # once
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_nobody_asked_for_is_raised_at_the_end():
    with pytest.raises(KeyboardInterrupt), DeferredInterrupt():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_the_block_goes_before_ctrl_c():
    with pytest.raises(ValueError, match="ours"), DeferredInterrupt():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("ours")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_else_ctrl_c_means_stays():
    told = []
    before = signal.signal(signal.SIGINT, lambda *signs: told.append("theirs"))
    try:
        with DeferredInterrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
            interrupt.check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert told == ["theirs"]


KILL_ITSELF = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('goes on')"


def test_a_process_started_within_hears_nothing_and_one_started_later_does():
    with deaf_children():
        deaf = subprocess.run([sys.executable, "-c", KILL_ITSELF], capture_output=True, text=True, check=False)
    other = subprocess.run([sys.executable, "-c", KILL_ITSELF], capture_output=True, text=True, check=False)
    assert (deaf.stdout, deaf.returncode) == ("goes on\n", 0)
    assert (other.stdout, other.returncode) == ("", -signal.SIGINT)
