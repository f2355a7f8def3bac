"""One thread, as for the reward models' tests."""

from plugins.math.tests.reward_readers.conftest import one_thread

__all__ = ["one_thread"]
