"""Draw from a search by running it through the real engine: one problem is one draw."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np

from tests.engine.toys import component
from tests.laws.exact import Array
from tests.laws.toys import LEAVES, Draws
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution, TraceWriter
from treewright.engine.trace import Trace
from treewright.pipeline import ComponentSpec, PipelineSpec

FIRST_OFFERED = component("aggregator", Best)  # where a search offers one answer only
A_OUTCOMES = [str(outcome) for outcome in range(6)]
B_OUTCOMES = LEAVES


def solutions(
    search: ComponentSpec,
    roles: Mapping[str, ComponentSpec],
    draws: int,
    seed: int,
    aggregator: ComponentSpec = FIRST_OFFERED,
    write_trace: TraceWriter | None = None,
    **fields: Any,
) -> list[Solution]:
    """``draws`` independent runs of the search; a run that ends with an error is an error here."""
    task = component("task", Draws, draws=draws)
    spec = PipelineSpec(task, search, aggregator, roles, seed=seed, **fields)
    found: list[Solution] = []
    run_local(spec, ListFeed(task.build().problems()), found.append, write_trace=write_trace)
    errors = [solution.error for solution in found if solution.error is not None]
    assert not errors, errors[0]
    return found


def evidence_weighted(found: Sequence[Solution], traces: Mapping[str, Trace], outcomes: Sequence[str]) -> Array:
    """A row for each draw: the estimate of the evidence, in the column of the answer. Its mean is the target's mass."""
    rows = np.zeros((len(found), len(outcomes)))
    for row, solution in zip(rows, found, strict=True):
        row[outcomes.index(str(solution.answer))] = exp(traces[solution.problem_id].notes["log_evidence"])
    return rows


def counts(found: Sequence[Solution], outcomes: Sequence[str]) -> list[int]:
    """How often each outcome was the answer; an answer that is no outcome is an error."""
    tally = Counter(str(solution.answer) for solution in found)
    assert set(tally) <= set(outcomes), set(tally) - set(outcomes)
    return [tally[outcome] for outcome in outcomes]
