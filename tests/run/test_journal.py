"""Answers of expensive components are on disk before a search sees them, and are never paid twice."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.engine.toys import BothAtOnce, Judge, Speller, Vowels, Words, component, pipeline
from tests.run.paid_parts import (
    Inline,
    Local,
    LocalReward,
    Panel,
    Remote,
    RemoteReward,
    RemoteRewriter,
    RemoteSamples,
    Unkept,
    paid,
)
from tests.run.running import FILLED, results, run, summary
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright.searches.beam import Beam
from treewright.searches.islands import Islands
from treewright.searches.mcts import Mcts
from treewright.searches.sample import Sample
from treewright.searches.self_refine_mcts import SelfRefineMcts
from treewright_registry import TO_END, ConfigurationError, Env, Need, Problem, Proposals, ProposeRequest

ONCE = CallSettings(retries=0, concurrency=4, batch=4)


def policy(cls: type[Any], folder: Path, **options: Any) -> ComponentSpec:
    return component("policy", cls, ONCE, log=str(folder / "log"), **options)


def uncached(value: Any) -> Any:
    """Without seconds and without the count of answers that came from the journal."""
    if isinstance(value, dict):
        return {name: uncached(each) for name, each in value.items() if name not in ("seconds", "cached_calls")}
    return [uncached(each) for each in value] if isinstance(value, list) else value


def rows(out: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    with sqlite3.connect(out / "journal.sqlite") as connection:
        found = connection.execute(f"SELECT {columns} FROM calls ORDER BY rowid").fetchall()
    connection.close()
    return found


# -- what is kept -----------------------------------------------------------------------------


def test_run_of_cheap_components_makes_no_journal(tmp_path: Path) -> None:
    run(tmp_path / "out")
    assert not (tmp_path / "out" / "journal.sqlite").exists()


@pytest.mark.parametrize(("cls", "kept"), [(Remote, 8), (Local, 8), (Inline, 8), (Unkept, 0)])
def test_components_declare_whether_their_answers_are_kept(tmp_path: Path, cls: type, kept: int) -> None:
    run(tmp_path / "out", pipeline(policy=policy(cls, tmp_path), scorer=component("scorer", Vowels)))
    assert len(paid(tmp_path / "log")) == 8
    if kept:
        assert len(rows(tmp_path / "out")) == kept
    else:
        assert not (tmp_path / "out" / "journal.sqlite").exists()


def test_rows_are_named_by_draw_so_equal_siblings_have_rows_of_their_own(tmp_path: Path) -> None:
    spec = pipeline(policy=policy(Remote, tmp_path), scorer=component("scorer", Judge), count=1)
    run(tmp_path / "out", spec)
    found = rows(tmp_path / "out", "problem, env, call, request, role, method, failed")
    assert found[0] == ("w0", "", 1, 0, "policy", "propose", 0)
    # the judge's four questions, each its own call of the judge's environment
    assert found[1:] == [("w0", "/scorer@2", number, 0, "policy", "propose", 0) for number in (1, 2, 3, 4)]


class Witness:
    """Offers what it gets, and counts the committed rows each time it gets something."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer")}

    def __init__(self, *, journal: str) -> None:
        self.journal = journal

    async def search(self, problem: Problem, env: Env) -> None:
        for _ in range(3):
            [family] = await env.propose([env.root], 2, sampling=TO_END)
            self.look(env)
            for answer, score in zip(family, await env.score(family), strict=True):
                env.offer(answer, score)
            self.look(env)
            await env.together(env.propose([env.root], 1), env.score(family))
            self.look(env)

    def look(self, env: Env) -> None:
        connection = sqlite3.connect(self.journal)
        [(count,)] = connection.execute("SELECT count(*) FROM calls")
        connection.close()
        booked = sum(cost.calls for cost in env.ledger.roles.values())
        assert count >= booked, f"{booked} answers seen, {count} on disk"


@pytest.mark.parametrize("reward", [LocalReward, RemoteReward])
@pytest.mark.parametrize("cls", [Remote, Local, Inline])
def test_no_search_sees_an_answer_that_is_not_committed(tmp_path: Path, cls: type, reward: type) -> None:
    spec = pipeline(
        policy=policy(cls, tmp_path, delay=0.002),
        scorer=component("scorer", reward, ONCE, log=str(tmp_path / "log")),
        search=component("search", Witness, journal=str(tmp_path / "out" / "journal.sqlite")),
    )
    assert run(tmp_path / "out", spec)["failures"] == 0
    assert len(rows(tmp_path / "out")) == len(paid(tmp_path / "log")) == 8 * 3 * 6


# -- replay -----------------------------------------------------------------------------------

CASES: dict[str, Callable[[Path], dict[str, ComponentSpec]]] = {
    "sample": lambda at: {"search": component("search", Sample, n=6, wave=2), "policy": policy(Remote, at)},
    "samples one by one": lambda at: {"search": component("search", Sample, n=6), "policy": policy(RemoteSamples, at)},
    "beam": lambda at: {"search": component("search", Beam, width=2, branch=2), "policy": policy(Local, at)},
    "mcts": lambda at: {
        "search": component("search", Mcts, branch=2),
        "policy": policy(Remote, at),
        "scorer": component("scorer", LocalReward, ONCE, log=str(at / "log")),
    },
    "self-refine": lambda at: {
        "search": component("search", SelfRefineMcts),
        "policy": policy(RemoteRewriter, at),
        "scorer": component("scorer", RemoteReward, ONCE, log=str(at / "log")),
    },
    "islands": lambda at: {
        "search": component("search", Islands, islands=2, drafts=2, branch=2),
        "policy": policy(RemoteRewriter, at),
    },
    "composite": lambda at: {"policy": policy(Remote, at), "scorer": component("scorer", Panel)},
    "together": lambda at: {
        "search": component("search", BothAtOnce),
        "policy": policy(Inline, at),
        "scorer": component("scorer", Judge),
    },
}


def copied(spec: PipelineSpec, at: Path, copy_at: int) -> PipelineSpec:
    """The same, but that the run folder is copied when so many calls are paid."""
    part = spec.roles["policy"]
    options = {**part.options, "copy_at": copy_at, "run": str(at / "out")}
    changed = ComponentSpec(part.descriptor, options, part.call, part.roles)
    return PipelineSpec(**{**_fields(spec), "roles": {**spec.roles, "policy": changed}})


def _fields(spec: PipelineSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in spec.__slots__}


@pytest.mark.parametrize("moment", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("case", CASES)
def test_run_goes_on_from_the_files_of_any_moment_and_pays_no_committed_call_again(
    tmp_path: Path, case: str, moment: float
) -> None:
    spec = pipeline(**CASES[case](tmp_path), budget={"candidates": 16}, count=4)
    run(tmp_path / "whole", spec)
    total = len(paid(tmp_path / "log"))
    (tmp_path / "log").unlink()
    run(tmp_path / "out", copied(spec, tmp_path, max(1, int(total * moment))))
    stop = int((tmp_path / "out-paid").read_text())
    lost = stop - len(rows(tmp_path / "out-copy"))
    assert 0 < lost <= 16  # paid at that moment, and not yet delivered or committed

    (tmp_path / "log").unlink()
    run(tmp_path / "out-copy", spec, resume=True)
    assert len(paid(tmp_path / "log")) == total - stop + lost
    assert uncached(results(tmp_path / "out-copy")) == uncached(results(tmp_path / "whole"))
    assert uncached(summary(tmp_path / "out-copy")) == uncached(summary(tmp_path / "whole"))
    key = "problem, env, call, request, role, method, digest, failed, result"
    assert sorted(rows(tmp_path / "out-copy", key)) == sorted(rows(tmp_path / "whole", key))


def test_replayed_answers_are_charged_as_before_and_counted_as_cached(tmp_path: Path) -> None:
    spec = pipeline(policy=policy(Remote, tmp_path), search=component("search", Sample, n=6, wave=2), count=3)
    whole = run(tmp_path / "out", spec)
    (tmp_path / "out" / "results.jsonl").unlink()
    again = run(tmp_path / "out", spec, resume=True)
    assert len(paid(tmp_path / "log")) == 9
    assert uncached(again["cost"]) == uncached(whole["cost"])
    assert (whole["cost"]["policy"]["cached_calls"], again["cost"]["policy"]["cached_calls"]) == (0, 9)
    assert again["cost"]["policy"]["seconds"] == pytest.approx(whole["cost"]["policy"]["seconds"], rel=1e-9)


class Interrupted(Inline):
    """Ctrl-C comes while the fifth request is under way."""

    def pay(self, requests: Sequence[Any]) -> None:
        super().pay(requests)
        if len(paid(self.log)) == 5:
            os.kill(os.getpid(), signal.SIGINT)


def test_answers_that_came_before_ctrl_c_are_kept_though_no_search_saw_them(tmp_path: Path) -> None:
    call = CallSettings(batch=1)
    spec = pipeline(policy=component("policy", Interrupted, call, log=str(tmp_path / "log")))
    assert run(tmp_path / "out", spec)["interrupted"]
    assert len(paid(tmp_path / "log")) == 5
    assert [problem for (problem,) in rows(tmp_path / "out", "problem")] == ["w0", "w1", "w2", "w3"]
    assert not run(tmp_path / "out", spec, resume=True)["interrupted"]
    assert [line.split()[1] for line in paid(tmp_path / "log")] == [
        *(f"w{n}" for n in range(5)),
        "w4",
        "w5",
        "w6",
        "w7",
    ]


# -- failures ---------------------------------------------------------------------------------


def test_failed_problem_is_repeated_with_its_paid_answers_and_its_failed_calls_made_again(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("")
    good = pipeline(policy=policy(Remote, tmp_path, broken=str(tmp_path / "broken")))
    run(tmp_path / "whole", good)
    (tmp_path / "broken").write_text("w2 w5")
    assert run(tmp_path / "out", good)["failures"] == 2
    (tmp_path / "log").unlink()
    (tmp_path / "broken").write_text("")
    assert run(tmp_path / "out", good, resume=True)["failures"] == 0
    assert sorted(line.split()[1] for line in paid(tmp_path / "log")) == ["w2", "w5"]
    assert uncached(results(tmp_path / "out")) == uncached(results(tmp_path / "whole"))


class Wilful(Sample):
    """Extends the root twice, then whatever came, and always ends with an error the first time."""

    def __init__(self, *, broken: str) -> None:
        super().__init__(n=2)
        self.broken = Path(broken)

    async def search(self, problem: Problem, env: Env) -> None:
        families = await env.propose([env.root, env.root], 1)
        second = [child for family in families for child in family]
        await env.propose(second, 1, sampling=TO_END)
        if self.broken.read_text():
            raise RuntimeError("not today")
        [[answer]] = await env.propose([env.root], 1, sampling=TO_END)
        [score] = await env.score([answer])
        env.offer(answer, score)


class HalfFails(Remote):
    """One of the first two requests of each problem fails while the file is not empty."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        answer = await super().propose(requests)
        assert self.broken is not None
        if self.broken.read_text() and requests[0].trajectory.step is None and requests[0].seed % 2:
            raise ConnectionError("no service")
        return answer


def test_repeated_problem_may_take_another_way_than_the_journal_after_a_failed_call(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("yes")
    spec = pipeline(
        policy=policy(HalfFails, tmp_path, broken=str(broken)),
        search=component("search", Wilful, broken=str(broken)),
        count=20,
    )
    assert run(tmp_path / "out", spec)["failures"] == 20
    broken.write_text("")
    assert run(tmp_path / "out", spec, resume=True)["failures"] == 0
    again = pipeline(
        policy=policy(HalfFails, tmp_path, broken=str(broken)),
        search=component("search", Wilful, broken=str(broken)),
        count=20,
    )
    run(tmp_path / "whole", again)
    assert uncached(results(tmp_path / "out")) == uncached(results(tmp_path / "whole"))


def test_unfinished_problem_lives_with_the_failures_that_an_uninterrupted_run_had(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("w1")
    spec = pipeline(policy=policy(Remote, tmp_path, broken=str(tmp_path / "broken")), count=3)
    whole = run(tmp_path / "out", spec)
    failed = results(tmp_path / "out")
    (tmp_path / "out" / "results.jsonl").unlink()  # as if killed before any problem ended
    (tmp_path / "broken").write_text("")
    again = run(tmp_path / "out", spec, resume=True)
    assert (whole["failures"], again["failures"]) == (1, 1)
    assert uncached(results(tmp_path / "out")) == uncached(failed)
    assert len(paid(tmp_path / "log")) == 3


class Dying(Local):
    """Takes its process with it at the second call for problem w1."""

    def pay(self, requests: Sequence[Any]) -> None:
        super().pay(requests)
        if sum(" w1 " in line for line in paid(self.log)) >= 3 and requests[0].trajectory.problem.id == "w1":
            os._exit(9)


def test_problem_whose_worker_died_is_solved_again_without_paying_twice(tmp_path: Path) -> None:
    call = CallSettings(batch=1)
    dying = component("policy", Dying, call, log=str(tmp_path / "log"))
    spec = pipeline(policy=dying, search=component("search", Sample, n=6, wave=2), count=4)
    found = run(tmp_path / "out", spec, workers=2)
    assert found["failures"] == 1
    # two answers are kept, the third call dies in the first worker and again in the one that is given w1 alone
    assert sum(" w1 " in line for line in paid(tmp_path / "log")) == 4


# -- whose journal it is ----------------------------------------------------------------------


class OtherWords(Words):
    """The same ids, other questions."""

    def problems(self) -> list[Problem]:
        return [Problem(problem.id, f"another {problem.prompt}") for problem in super().problems()]


class Shouting(Speller):
    """Writes other steps than the policy that the run began with."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        answers = super().propose(requests)
        return [
            Proposals([step._replace(content=str(step.content).upper()) for step in each.steps]) for each in answers
        ]


def test_changed_data_are_noticed_at_the_first_call_and_nothing_is_paid_or_lost(tmp_path: Path) -> None:
    spec = pipeline(policy=policy(Remote, tmp_path), count=3)
    run(tmp_path / "out", spec)
    (tmp_path / "out" / "results.jsonl").unlink()
    before = rows(tmp_path / "out")
    changed = PipelineSpec(**{**_fields(spec), "task": component("task", OtherWords, count=3)})
    for workers in (1, 2):
        with pytest.raises(ConfigurationError) as raised:
            run(tmp_path / "out", changed, resume=True, workers=workers)
        text = str(raised.value)
        assert "call 1 of the search, request 0: the journal holds the answer to another request" in text
        assert "go back to what it was; or remove the journal" in text
    assert len(paid(tmp_path / "log")) == 3
    assert rows(tmp_path / "out") == before
    assert (tmp_path / "out" / "config.yaml").exists()


def test_changed_step_of_a_cheap_component_is_noticed_where_it_first_matters(tmp_path: Path) -> None:
    reward = component("scorer", LocalReward, ONCE, log=str(tmp_path / "log"))
    run(tmp_path / "out", pipeline(scorer=reward, count=2))
    (tmp_path / "out" / "results.jsonl").unlink()
    with pytest.raises(ConfigurationError, match=r"\(scorer\.score, now scorer\.score\)"):
        run(tmp_path / "out", pipeline(policy=component("policy", Shouting), scorer=reward, count=2), resume=True)


def test_journal_of_another_configuration_is_refused(tmp_path: Path) -> None:
    spec = pipeline(policy=policy(Remote, tmp_path), count=2)
    run(tmp_path / "one", spec)
    run(tmp_path / "two", spec, FILLED.replace("seed: 0", "seed: 1"))
    shutil.copy(tmp_path / "one" / "journal.sqlite", tmp_path / "two" / "journal.sqlite")
    with pytest.raises(ConfigurationError) as raised:
        run(tmp_path / "two", spec, FILLED.replace("seed: 0", "seed: 1"), resume=True)
    assert str(raised.value) == (
        f"{tmp_path}/two/journal.sqlite: belongs to another configuration, so this run cannot go on with it\n"
        "    use the same settings, or choose another --out"
    )


# -- what becomes of it -----------------------------------------------------------------------


def test_pruned_journal_holds_failed_problems_only(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("w2")
    search = component("search", Sample, n=4, wave=1)
    spec = pipeline(policy=policy(Remote, tmp_path, broken=str(tmp_path / "broken")), search=search, count=40)
    run(tmp_path / "kept", spec)
    run(tmp_path / "pruned", spec, journal="prune")
    assert {id_ for (id_,) in rows(tmp_path / "kept", "problem")} == {f"w{number}" for number in range(40)}
    assert {id_ for (id_,) in rows(tmp_path / "pruned", "problem")} == {"w2"}
    sizes = [(tmp_path / name / "journal.sqlite").stat().st_size for name in ("pruned", "kept")]
    assert sizes[0] < sizes[1]


def test_run_without_journal_makes_none_and_pays_again_after_a_kill(tmp_path: Path) -> None:
    spec = pipeline(policy=policy(Remote, tmp_path), count=3)
    run(tmp_path / "out", spec, journal="off")
    assert not (tmp_path / "out" / "journal.sqlite").exists()
    (tmp_path / "out" / "results.jsonl").unlink()
    run(tmp_path / "out", spec, journal="off", resume=True)
    assert len(paid(tmp_path / "log")) == 6
