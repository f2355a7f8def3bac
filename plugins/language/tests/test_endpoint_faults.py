"""Runs against a server that breaks: the short form of ``benchmarks/endpoint_faults.py``."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from plugins.language.tests.fault_proxy import FAULTS

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "endpoint_faults.py"


@pytest.fixture
def faults(embedded_checkpoint, tmp_path, monkeypatch):
    """Runs one arm: its figures, and what does not hold."""
    specification = importlib.util.spec_from_file_location("endpoint_faults", BENCHMARK)
    benchmark = importlib.util.module_from_spec(specification)
    monkeypatch.setattr(sys, "path", list(sys.path))
    specification.loader.exec_module(benchmark)
    monkeypatch.setenv("OPENAI_API_KEY", benchmark.KEY)
    monkeypatch.setattr(benchmark, "CONCURRENCY", 4)
    monkeypatch.setattr("treewright.engine.endpoint._pause", lambda attempt: 0.0)

    def run(requests, share, retries, deadline=30.0, kinds=FAULTS):
        figures = benchmark.measure(tmp_path, embedded_checkpoint, requests, share, retries, kinds, deadline)
        return figures, benchmark.complaints(figures), tmp_path / f"retries-{retries}"

    return run


def test_what_breaks_is_repeated_at_the_exact_cost_and_the_key_is_nowhere(faults):
    figures, complaints, _ = faults(40, 0.25, 3, kinds=[kind for kind in FAULTS if kind != "hang"])
    assert complaints == []
    assert figures["answered"] == figures["problems"] == 10
    assert figures["faults"] >= 6
    assert {name for name in FAULTS if figures.get(f"faults: {name}")} >= {"truncated", "malformed"}
    assert figures["generated_tokens of answers that were lost"] > 0  # so that the comparison can fail


def test_what_breaks_and_is_not_repeated_is_recorded(faults):
    figures, complaints, out = faults(32, 0.5, 0, deadline=4.0)
    assert complaints == []
    assert figures["failed samples"] > 5
    records = [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    reasons = " ".join(reason for record in records for reason in record["failed_calls"])
    for said in ("HTTP 500", "the answer is no JSON", "APIConnectionError", "no answer within the deadline"):
        assert said in reasons
