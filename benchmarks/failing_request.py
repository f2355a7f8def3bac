"""One of 64 requests fails: what becomes of the other 63, and of the 64 after them?

A policy behind a limiter of 32 requests, of which request 20 raises. Then the same sampler is asked again. treewright
runs here; its_hub 1.2.0 in the Python given with ``--peers``, stopped after ``--patience`` seconds.

    python benchmarks/failing_request.py --peers .benchmarks-venv/bin/python --json failing.json
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

N, FAILING, LIMIT = 64, 20, 32

_OURS = f"""
import asyncio
from engine_overhead_ours import _part, InstantScorer, InstantTask, Best
from instant_parts import InstantEndpoint, OneRequestEach
from treewright import __version__
from treewright.engine.local import ListFeed, run_local
from treewright.pipeline import CallSettings, PipelineSpec
from dataclasses import replace

class Failing(InstantEndpoint):
    count = 0
    async def propose(self, requests):
        Failing.count += 1
        number = Failing.count
        await asyncio.sleep(0.001)
        if number == {FAILING}:
            raise RuntimeError("one of {N}")
        return await super().propose(requests)

policy = replace(_part("policy", Failing), call=CallSettings(concurrency={LIMIT}, retries=0))
spec = PipelineSpec(_part("task", InstantTask), _part("search", OneRequestEach, n={N}), _part("aggregator", Best),
                    {{"policy": policy, "scorer": _part("scorer", InstantScorer)}})
print(__version__, flush=True)
for _ in range(2):
    run_local(spec, ListFeed(InstantTask().problems()), lambda made: print(int(made.cost["policy"]["candidates"])))
"""

_ITS_HUB = f"""
import asyncio
from importlib.metadata import version
from its_hub import AbstractLanguageModel, AbstractOutcomeRewardModel, BestOfN
from its_hub.core.orchestrator import LMOrchestrator

class Failing(AbstractLanguageModel):
    count = answered = 0
    async def agenerate(self, messages, stop=None, **options):
        return [await self.agenerate_single(each) for each in messages]
    async def agenerate_single(self, messages, stop=None, **options):
        Failing.count += 1
        number = Failing.count
        await asyncio.sleep(0.001)
        if number == {FAILING}:
            raise RuntimeError("one of {N}")
        Failing.answered += 1
        return {{"role": "assistant", "content": str(number)}}

class Reward(AbstractOutcomeRewardModel):
    def score(self, messages, **options):
        return [0.5 for _ in messages]
    async def ascore(self, messages, orchestrator=None, **options):
        return [0.5 for _ in messages]

print(version("its_hub"), flush=True)
sampler = BestOfN(Reward(), LMOrchestrator(max_concurrency={LIMIT}))
for _ in range(2):
    try:
        result = sampler.infer(Failing(), "go", {N}, return_response_only=False)
        print(len(result.responses), flush=True)
    except Exception as error:
        print(0, flush=True)
"""


def measure(system: str, python: str, program: str, patience: float) -> list[dict[str, Any]]:
    """Answers kept of each round and seconds until the end, as rows; a round that never ended has none."""
    begin = time.perf_counter()
    folder = str(Path(__file__).parent)
    process = subprocess.Popen([python, "-c", program], stdout=subprocess.PIPE, text=True, cwd=folder)
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    seconds = time.perf_counter() - begin
    version, *kept = output.split()
    ended = process.returncode == 0
    print(f"{system:<12}{version:<8} answers kept: {' and '.join([*kept, *['none'] * (2 - len(kept))])} of {N}", end="")
    print(f", {seconds:.1f} s" if ended else f", had not ended after {patience:g} s")
    same = {"system": system, "version": version, "work": f"request {FAILING} of {N} fails, then {N} more", "size": N}
    figures = [("rounds_ended", len(kept), "rounds"), ("answers_kept", sum(map(int, kept)), "answers")]
    return [{**same, "metric": metric, "value": value, "unit": unit} for metric, value, unit in figures]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has its_hub")
    parser.add_argument("--patience", type=float, default=20.0, help="seconds until a run counts as hung (default: 20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args()
    table = measure("treewright", sys.executable, _OURS, options.patience)
    if options.peers:
        table += measure("its_hub", options.peers, _ITS_HUB, options.patience)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
