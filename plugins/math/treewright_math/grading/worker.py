r"""The grading worker: ``python -m treewright_math.grading.worker DEADLINE MEMORY``.

Two processes. This one imports math-verify once, reads questions from standard input and writes answers to standard
output, one JSON line each. It computes nothing itself: a fork of it does, which is replaced in milliseconds when it
ends. So no answer can hang it, and a deep recursion or an exhausted memory ends a fork only.

The fork has DEADLINE seconds of its own computing time for each answer, and MEMORY bytes of address space (RLIMIT_AS).
The system ends it at the deadline (ITIMER_PROF), whatever it does and whether or not anybody still waits for it; and
what is in time does not depend on how busy the machine is. Should it sleep, this process kills it.

A question is ``[reference, answer]``, its answer ``[equal, reason]``.
"""

import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, BinaryIO, Final, NoReturn

_RECURSION: Final = 3_000
PATIENCE: Final = 4
"""Real seconds, per second of the deadline, before a fork is killed from outside."""


class Computing:
    """The fork that computes, replaced whenever it has to be killed."""

    def __init__(
        self, equal: Callable[[str, str], bool], deadline: float, memory: int, private: Sequence[BinaryIO]
    ) -> None:
        self._equal = equal
        self._deadline = deadline
        self._memory = memory
        self._private = private  # files of this process that a fork has no business with
        self._process = 0
        self._questions: BinaryIO
        self._answers: BinaryIO

    def ask(self, line: bytes) -> bytes:
        """The fork's answer to a question, or why there is none."""
        if not self._process:
            self._fork()
        try:
            self._questions.write(line)
            self._questions.flush()
            ready, _, _ = select.select([self._answers], [], [], PATIENCE * self._deadline)
            answer = self._answers.readline() if ready else b""
        except OSError:
            ready, answer = [], b""
        if answer:
            return answer
        cause = self.end()
        late = not ready or cause == signal.SIGPROF
        reason = f"no answer within {self._deadline:g} s" if late else "its computation crashed"
        return json.dumps([False, reason]).encode() + b"\n"

    def end(self) -> int:
        """End the fork, if there is one; the signal that it died of."""
        if not self._process:
            return 0
        try:
            os.kill(self._process, signal.SIGKILL)  # does nothing to a fork that has ended already
            _, status = os.waitpid(self._process, 0)
        finally:
            self._questions.close()
            self._answers.close()
            self._process = 0
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0

    def _fork(self) -> None:
        question_end, questions = os.pipe()
        answers, answer_end = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            for number in (questions, answers, *(file.fileno() for file in self._private)):
                os.close(number)  # else its copies would hide from the others that an end was closed
            self._compute(os.fdopen(question_end, "rb"), os.fdopen(answer_end, "wb"))
        os.close(question_end)
        os.close(answer_end)
        self._questions, self._answers = os.fdopen(questions, "wb", buffering=0), os.fdopen(answers, "rb")

    def _compute(self, questions: BinaryIO, answers: BinaryIO) -> NoReturn:
        sys.setrecursionlimit(_RECURSION)
        resource.setrlimit(resource.RLIMIT_AS, (self._memory, self._memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        for line in questions:
            signal.setitimer(signal.ITIMER_PROF, self._deadline)
            answers.write(json.dumps(self._compared(line)).encode() + b"\n")
            answers.flush()
        os._exit(0)

    def _compared(self, line: bytes) -> list[Any]:
        reference, answer = json.loads(line)
        try:
            return [self._equal(reference, answer), None]
        except Exception as error:  # hostile text may raise anything; math-verify catches most itself
            return [False, f"{type(error).__name__} in math-verify"]


def math_verify_equal() -> Callable[[str, str], bool]:
    """math-verify's comparison, without its own time limits: those need the main thread and trust signals."""
    import logging
    import warnings

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    from math_verify import parse, verify

    def parsed(text: str) -> list[Any]:
        found: list[Any] = parse(f"\\boxed{{{text}}}", parsing_timeout=None)
        return found

    reference_parsed = lru_cache(maxsize=256)(parsed)

    def equal(reference: str, answer: str) -> bool:
        return bool(verify(reference_parsed(reference), parsed(answer), timeout_seconds=None))

    equal("\\frac{1}{2}", "\\sqrt{2}")  # builds the parser's tables once, before any fork
    return equal


def main() -> None:
    """Serve until standard input ends."""
    deadline, memory = float(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)  # what a library prints must not get among the answers
    computing = Computing(math_verify_equal(), deadline, memory, [questions, answers])
    answers.write(b"ready\n")
    answers.flush()
    try:
        for line in questions:
            answers.write(computing.ask(line))
            answers.flush()
    except BrokenPipeError:
        pass  # the parent is gone
    finally:
        computing.end()
        os._exit(0)  # nothing is left to be written; closing the broken pipe would complain


if __name__ == "__main__":
    main()
