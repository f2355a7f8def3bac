"""Policies that answer the first problems and then hang, as long as a file (the gate) exists."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from tests.engine.toys import Speller
from treewright_registry import Proposals, ProposeRequest

ANSWERED = ("w0", "w1", "w2", "w3")


class HangsInline(Speller):
    """Blocks the scheduler's own thread."""

    def __init__(self, *, gate: str) -> None:
        self.gate = Path(gate)

    def must_hang(self, requests: Sequence[ProposeRequest]) -> bool:
        """Whether to hang now; leaves a note for the test, and one of every problem answered."""
        ids = [request.trajectory.problem.id for request in requests]
        if self.gate.exists() and any(id_ not in ANSWERED for id_ in ids):
            self.gate.with_name("hanging").touch()
            return True
        with self.gate.with_name("asked").open("a") as file:
            file.write("".join(f"{id_}\n" for id_ in ids))
        return False

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if self.must_hang(requests):
            time.sleep(600)
        return super().propose(requests)


class HangsBusy(HangsInline):
    """Never gives the processor away."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        while self.must_hang(requests):
            pass
        return Speller.propose(self, requests)


class HangsOnAThread(HangsInline):
    """Blocks a thread of its own."""

    expensive = True


class HangsAtAnEndpoint(HangsInline):
    """Waits for an answer that never comes."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:  # type: ignore[override]
        if self.must_hang(requests):
            await asyncio.sleep(600)
        return Speller.propose(self, requests)
