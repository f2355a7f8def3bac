"""Components whose calls cost something: each appends a line to a file that outlives its process.

A line is written when a call has been paid for: after its work, before its answer is delivered.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.engine.toys import Rewriter, Speller, Vowels
from treewright_registry import Capability, Env, Key, Need, Problem, Proposals, ProposeRequest, Score, ScoreRequest


class Paying:
    """Counts paid requests across processes.

    Args:
        log: where a line is appended for each.
        delay: most seconds of work for each.
        copy_at: when so many are paid, the run folder is copied as a kill would leave it.
        run: the run folder to copy.
        broken: a file with ids of problems whose requests fail.
    """

    def __init__(self, *, log: str, delay: float = 0.0, copy_at: int = 0, run: str = "", broken: str = "") -> None:
        self.log = Path(log)
        self.delay = delay
        self.copy_at = copy_at
        self.run = run
        self.broken = Path(broken) if broken else None

    def seconds(self, request: Any) -> float:
        """How long the work takes."""
        return self.delay * Key.root(request.seed, "delay").uniform()

    def pay(self, requests: Sequence[Any]) -> None:
        """Note that the requests are paid for.

        Raises:
            ConnectionError: a request of a broken problem.
        """
        lines = [f"{type(self).__name__} {each.trajectory.problem.id} {each.seed}\n" for each in requests]
        file = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, "".join(lines).encode())
        os.close(file)
        if self.broken is not None and requests[0].trajectory.problem.id in self.broken.read_text().split():
            raise ConnectionError("no service")
        if self.copy_at and self.copy_at <= (count := len(paid(self.log))):
            self.copy_at = 0
            # drafts of files vanish while they are copied: another thread puts them in their places
            passing = shutil.ignore_patterns("*-shm", f".*.{os.getpid()}")
            shutil.copytree(self.run, f"{self.run}-copy", ignore=passing)
            Path(f"{self.run}-paid").write_text(str(count))


class Remote(Paying):
    """Behind an endpoint."""

    def __init__(self, *, log: str, delay: float = 0.0, copy_at: int = 0, run: str = "", broken: str = "") -> None:
        super().__init__(log=log, delay=delay, copy_at=copy_at, run=run, broken=broken)

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        await asyncio.sleep(self.seconds(requests[0]))
        self.pay(requests)
        return Speller().propose(requests)


class RemoteSamples(Remote):
    """Behind an endpoint that gives one sample a call."""

    single_samples = True


class RemoteRewriter(Remote):
    """Behind an endpoint, writing whole answers."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        await asyncio.sleep(self.seconds(requests[0]))
        self.pay(requests)
        return Rewriter().propose(requests)


class Local(Paying):
    """A large model in this process, in batches."""

    expensive = True

    def __init__(self, *, log: str, delay: float = 0.0, copy_at: int = 0, run: str = "", broken: str = "") -> None:
        super().__init__(log=log, delay=delay, copy_at=copy_at, run=run, broken=broken)

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        time.sleep(sum(map(self.seconds, requests)))
        self.pay(requests)
        return Speller().propose(requests)


class Inline(Local):
    """On the engine's own thread, and yet worth a journal."""

    expensive = False
    journalled = True


class Unkept(Local):
    """On a thread, but not worth a journal."""

    journalled = False


class LocalReward(Vowels):
    """A reward model in this process, in batches."""

    expensive = True

    def __init__(self, *, log: str, delay: float = 0.0) -> None:
        self._paying = Paying(log=log, delay=delay)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        time.sleep(sum(map(self._paying.seconds, requests)))
        self._paying.pay(requests)
        return super().score(requests)


class RemoteReward:
    """A reward model behind an endpoint; one verdict in ten on revised answers is a failure that says why."""

    level = "step"
    range = (0.0, 1.0)
    link = "real"

    def __init__(self, *, log: str, delay: float = 0.0) -> None:
        self._paying = Paying(log=log, delay=delay)

    async def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        await asyncio.sleep(self._paying.seconds(requests[0]))
        self._paying.pay(requests)
        if requests[0].trajectory.depth > 1 and requests[0].key("failure").uniform() < 0.1:
            return [Score(float("nan"), reason="the judge was silent")]
        return Vowels().score(requests)


class Panel:
    """A composite scorer: asks the policy twice, the second time about its first answers."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy")}
    level = "step"
    range = (0.0, 1.0)
    link = "real"

    async def score(self, requests: Sequence[ScoreRequest], env: Env) -> list[Score]:
        scores = []
        for request in requests:
            question = env.root if request.trajectory.step is None else request.trajectory
            [first] = await env.propose([type(question)(Problem("panel", question.text))], 2)
            [*second] = await env.propose(first, 1)
            texts = [each.text for family in (first, *second) for each in family]
            scores.append(Score(sum("a" in text for text in texts) / max(1, len(texts))))
        return scores


def paid(log: Path) -> list[str]:
    """The paid requests, one line each."""
    return log.read_text().splitlines() if log.exists() else []
