import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from treewright_math.grading.grader import Grader
from treewright_math.grading.outcome import Outcome
from treewright_math.grading.quick_comparison import compare_quickly
from treewright_math.grading.worker import Computing
from treewright_math.grading.worker_process import WorkerProcess
from treewright_registry import CallFailed

HOSTILE = {
    "tower": "9^{9^{9^9}}",
    "power": "7^{1000000000}",
    "factorial": "10000000!",
    "sum": "\\sum_{n=1}^{10000000} n^n",
    "deep parentheses": "(" * 900 + "1" + ")" * 900,
    "open braces": "{" * 1500,
    "one megabyte": "1" * 10**6,
    "NUL": "1\x008",
    "lone surrogate": "18\ud800",
    "line ends": "1\n8\r\n\u2028",
    "empty": "",
    "broken box": "}}}\\boxed{18",
    "Python": "__import__('os')._exit(0)",
}


@pytest.fixture(scope="module")
def grader():
    made = Grader(deadline=0.7)
    assert made.compare("\\sqrt{8}", "2\\sqrt{2}") == Outcome(True, "math-verify")
    yield made
    made.close()


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def children(process):
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def gone(process, seconds):
    begin = time.monotonic()
    while alive(process):
        if time.monotonic() - begin > seconds:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    ("reference", "answer", "equal", "by"),
    [
        ("18", "18", True, "text"),
        ("18", "$18.00", True, "text"),
        ("\\frac{1}{2}", "0.5", True, "text"),
        ("18", "19", False, "number"),
        ("1000", "1.0e3", True, "text"),
        ("10{,}000", "10000", True, "text"),
        ("\\frac{\\sqrt{3}}{3}", "\\frac{1}{\\sqrt{3}}", True, "math-verify"),
        ("\\{1,2\\}", "2,1", True, "math-verify"),
        ("[1,2)", "[1,2]", False, "math-verify"),
        ("1/3", "0.333333", True, "math-verify"),
        ("x^2-1", "(x-1)(x+1)", True, "math-verify"),
        ("10\\%", "0.1", True, "math-verify"),
    ],
)
def test_answers_are_compared_by_what_it_takes(grader, reference, answer, equal, by):
    assert grader.compare(reference, answer) == Outcome(equal, by)


def test_plain_comparisons_say_nothing_where_it_takes_algebra():
    assert compare_quickly("\\sqrt{8}", "2\\sqrt{2}") is None
    assert compare_quickly("1/3", "0.3333") is None  # near enough to be a rounding


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_hostile_answer_hangs_or_is_right(grader, kind):
    begin, worker = time.perf_counter(), grader.worker
    outcome = grader.compare("\\frac{7919}{3}", HOSTILE[kind])
    assert not outcome.equal
    assert time.perf_counter() - begin < 15
    assert grader.worker == worker  # only its fork was killed
    assert grader.compare("\\sqrt{12}", "2\\sqrt{3}").equal


def test_a_late_answer_says_so(grader):
    outcome = grader.compare("18", HOSTILE["tower"])
    assert outcome == Outcome(False, "math-verify", "no answer within 0.7 s")


def test_a_late_answer_is_not_asked_about_again(grader, monkeypatch):
    first = grader.compare("18", HOSTILE["power"])
    monkeypatch.setattr(WorkerProcess, "compare", lambda self, pairs: pairs and pytest.fail("asked again"))
    assert grader.compare("18", HOSTILE["power"]) is first


def test_in_a_batch_only_the_hostile_one_is_lost(grader):
    pairs = [("\\sqrt{18}", "3\\sqrt{2}"), ("18", "8^{8^{8^8}}"), ("\\sqrt{50}", "5\\sqrt{2}"), ("2", "2")]
    assert [outcome.equal for outcome in grader.compare_all(pairs)] == [True, False, True, True]


def test_long_answers_never_reach_the_worker():
    grader = Grader()
    assert grader.compare("18", "1" * 10**6).by == "refused"
    assert grader.compare("9" * 3000, "9" * 3000 + " ").equal
    assert grader.compare("18", "18").equal
    assert grader.worker is None


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda reference, answer: len(bytearray(16 << 30)) > 0, "MemoryError in math-verify"),
        (lambda reference, answer: os._exit(3), "its computation crashed"),
        (lambda reference, answer: time.sleep(60), "no answer within 0.2 s"),
        (lambda reference, answer: any(iter(int, 1)), "no answer within 0.2 s"),
        (lambda reference, answer: compute_deeper(answer), "RecursionError in math-verify"),
    ],
)
def test_a_computation_that_goes_wrong_costs_itself_only(compute, reason):
    computing = Computing(compute, deadline=0.2, memory=8 << 30, private=[])
    assert json.loads(computing.ask(b'["18", "19"]\n')) == [False, reason]
    computing.end()


def compute_deeper(answer):
    return compute_deeper(answer)


def test_several_threads_share_a_grader(grader):
    wrong = []

    def ask(start):
        for number in range(start, start + 10):
            if not grader.compare(f"\\sqrt{{{number * number * 2}}}", f"{number}\\sqrt{{2}}").equal:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(2 + 10 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_worker_that_dies_is_replaced(grader):
    before = grader.worker
    os.kill(before, signal.SIGKILL)
    assert grader.compare("\\sqrt{147}", "7\\sqrt{3}") == Outcome(True, "math-verify")  # asked once more
    assert grader.worker not in (None, before)


def test_closing_ends_every_process():
    grader = Grader(deadline=5)
    grader.compare("\\sqrt{8}", "2\\sqrt{2}")
    worker = grader.worker
    [fork] = children(worker)
    grader.close()
    assert gone(worker, 60) and gone(fork, 60)
    assert grader.worker is None


def test_a_killed_run_leaves_no_worker_behind():
    program = """
        import threading, time
        from treewright_math.grading.grader import Grader
        grader = Grader(deadline=1)
        grader.compare("\\\\sqrt{8}", "3")
        threading.Thread(target=grader.compare, args=("18", "9^{9^{9^9}}"), daemon=True).start()
        time.sleep(0.3)
        print(grader.worker, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE) as run:
        worker = int(run.stdout.readline())
        [fork] = children(worker)
        assert alive(worker) and alive(fork)
        run.kill()
    assert gone(worker, 60) and gone(fork, 60)


def test_a_hanging_fork_ends_without_its_worker():
    grader = Grader(deadline=0.5)
    grader.compare("\\sqrt{8}", "3")
    worker = grader.worker
    [fork] = children(worker)
    thread = threading.Thread(target=grader.compare, args=("18", "9^{9^{9^9}}"))
    thread.start()
    time.sleep(0.2)
    os.kill(worker, signal.SIGKILL)
    thread.join()
    grader.close()
    assert gone(fork, 60)


def test_a_worker_that_cannot_start_says_what_to_look_at(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CallFailed, match=r"does not start \(its process ended\); is math-verify installed\?"):
        Grader().compare("\\sqrt{8}", "3")


def test_a_deadline_must_be_positive():
    with pytest.raises(ValueError, match="deadline must be positive, not 0"):
        Grader(deadline=0)


def test_the_stored_labels_of_math_cot_100_are_ours_but_for_one(grader):
    from treewright_math.data_files.rows import read_rows
    from treewright_math.recorded.layouts import read_recorded

    if not os.environ.get("TREEWRIGHT_DATA"):
        pytest.skip("TREEWRIGHT_DATA is not set")
    problems = [read_recorded(row.fields) for row in read_rows("$TREEWRIGHT_DATA/math/math_cot_100.jsonl.gz")]
    samples = [(problem.reference, sample) for problem in problems for sample in problem.samples]
    outcomes = grader.compare_all([(reference, sample.answer) for reference, sample in samples])
    missed = [
        (reference, sample.answer)
        for (reference, sample), outcome in zip(samples, outcomes, strict=True)
        if outcome.equal != sample.correct
    ]
    assert len(samples) == 800
    assert missed == [("10{,}000", "10000")]


def test_a_question_that_costs_two_workers_is_to_blame(monkeypatch):
    asked = []

    def compared(self, batch):
        asked.append(list(batch))
        if batch[0][1] == "deadly":
            return [], "its process ended"
        answered = next((place for place, pair in enumerate(batch) if pair[1] == "deadly"), len(batch))
        loss = None if answered == len(batch) else "its process ended"
        return [Outcome(True, "math-verify")] * answered, loss

    monkeypatch.setattr(WorkerProcess, "_compared", compared)
    outcomes = WorkerProcess(5.0, 1 << 30).compare([("1", "a"), ("2", "deadly"), ("3", "c")])
    lost = Outcome(False, "math-verify", "the grading worker was lost (its process ended)")
    assert outcomes == [Outcome(True, "math-verify"), lost, Outcome(True, "math-verify")]
    assert [len(batch) for batch in asked] == [3, 2, 1]


@pytest.mark.slow
def test_a_fork_of_a_run_starts_a_worker_of_its_own():
    program = """
        import os
        from treewright_math.grading.grader import Grader
        grader = Grader()
        assert grader.compare("\\sqrt{8}", "2\\sqrt{2}").equal
        before = grader.worker
        if os.fork() == 0:
            assert grader.compare("\\sqrt{18}", "3\\sqrt{2}").equal and grader.worker != before
            raise SystemExit(0)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        assert grader.compare("\\sqrt{32}", "4\\sqrt{2}").equal and grader.worker == before
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=60)
