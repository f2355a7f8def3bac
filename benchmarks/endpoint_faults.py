"""An endpoint that breaks: is every problem answered or recorded as failed, none lost, none hung, the cost exact?

The whole engine runs word problems of ``math/embedded``, four samples each, through ``language/openai`` against the
embedded target behind vLLM's wire shapes. Between them stands a proxy that breaks a share of the requests: 429 with
Retry-After, 500, a reset connection, a request that hangs, an answer that is cut off, an answer that is no JSON. Once
failed requests are repeated (``retries: 2``), once they are not. The cost in the ledger is compared, token by token,
with what the server counted itself, less what it spent on answers that never arrived, and on those that were written to
a client which had given up at its deadline: no client can know what these cost. The run folder is searched for the key.

    python benchmarks/endpoint_faults.py --json faults.json
    python benchmarks/endpoint_faults.py --requests 100          the short form
    python benchmarks/endpoint_faults.py --deadline 0.5          many answers come too late

The exit code is 1 if any of that does not hold.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from plugins.language.tests.fault_proxy import FAULTS, FaultProxy  # noqa: E402
from plugins.language.tests.vllm_shapes import VllmShapes  # noqa: E402

from treewright import Registry, __version__, load_pipeline, run_pipeline  # noqa: E402
from treewright_language.checkpoints import resolve  # noqa: E402
from treewright_language.openai_policy import OpenAIPolicy  # noqa: E402
from treewright_registry import Proposals, ProposeRequest, Score, ScoreRequest  # noqa: E402

KEY = "sk-secret-of-the-benchmark-4711"
SAMPLES = 4
DEADLINE = 30.0  # seconds; a request that hangs costs as much, and no other may come near it
CONCURRENCY = 16
TOKENS = 80  # of an answer, at most; these end by themselves, with some 30
MODEL = "treewright_math:data/target"
NEVER = ("lost", "samples without a word", "answers not taken before the deadline", "files that hold the key")
COST = {"prompt_tokens": "prompt_tokens", "generated_tokens": "completion_tokens"}

PIPELINE = """\
task: {{use: math/embedded, difficulty: easy, count: {count}}}
policy:
  use: faults/openai
  model: tiny
  base_url: {url}
  temperature: 1.0
  max_tokens: {tokens}
  call: {{concurrency: {concurrency}, deadline: {deadline}, retries: {retries}, patience: 120}}
scorer: {{use: faults/length}}
search: {{use: core/sample, n: {samples}}}
live: 16
"""


class Length:
    """The longer, the better."""

    level, range, link = "outcome", (0.0, 1e6), "real"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """The number of characters."""
        return [Score(float(len(request.trajectory.text))) for request in requests]


class Watched(OpenAIPolicy):
    """The policy, and what became of its requests, each named by the seed that it sends."""

    returned: ClassVar[Counter[int]] = Counter()
    given_up: ClassVar[Counter[int]] = Counter()

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """As the policy does."""
        [seed] = [request.key(0).seed % 2**31 for request in requests]
        try:
            answers = await super().propose(requests)
        except asyncio.CancelledError:
            self.given_up[seed] += 1
            raise
        self.returned[seed] += 1
        return answers


class Late(NamedTuple):
    """Answers that were written whole to a client which did not take them.

    Attributes:
        answers: how many.
        unexplained: how many of them, or of answers taken and never written, go with no request that was given up.
        tokens: what they cost, by name.
    """

    answers: int
    unexplained: int
    tokens: Counter[str]


def too_late(delivered: Mapping[int, Sequence[Mapping[str, int]]]) -> Late:
    """What was delivered by the proxy's count and did not arrive by the policy's."""
    answers = unexplained = 0
    tokens: Counter[str] = Counter()
    for seed in {*delivered, *Watched.returned}:
        written = delivered.get(seed, ())
        late = len(written) - Watched.returned[seed]
        answers += max(0, late)
        unexplained += max(0, late - Watched.given_up[seed], -late)
        for usage in written[: max(0, late)]:  # the same seed draws the same answer
            tokens.update(usage)
    return Late(answers, unexplained, tokens)


def measure(
    folder: Path,
    model: Path | str,
    requests: int,
    share: float,
    retries: int,
    kinds: Sequence[str] = FAULTS,
    deadline: float = DEADLINE,
) -> dict[str, Any]:
    """Run one arm; the figures, by name."""
    out, count = folder / f"retries-{retries}", requests // SAMPLES
    Watched.returned.clear()
    Watched.given_up.clear()
    with VllmShapes(model, key=KEY) as server, FaultProxy(server.url, share=share, seed=retries, kinds=kinds) as proxy:
        begin = time.perf_counter()
        summary = _run(out, proxy.url, count, retries, deadline)
        seconds = time.perf_counter() - begin
    records = [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    answered = [record for record in records if record["answer"] is not None and record["error"] is None]
    failed = [record for record in records if record["error"] is not None]
    ledger = summary["cost"]["policy"]
    late = too_late(proxy.delivered)
    figures = {
        "problems": count,
        "answered": len(answered),
        "recorded as failed": len(failed),
        "lost": count - len({record["id"] for record in answered + failed}),
        "requests": proxy.requests,
        "faults": sum(proxy.faults.values()),
        "failed samples": int(ledger["failed_calls"]),
        "samples": int(ledger["candidates"]),
        "samples without a word": sum(_missing_samples(record) for record in answered),
        "requests given up at the deadline": Watched.given_up.total(),
        "answers that came too late": late.answers,
        "answers not taken before the deadline": late.unexplained,
        "seconds": seconds,
        "files that hold the key": sum(KEY.encode() in path.read_bytes() for path in out.rglob("*") if path.is_file()),
    }
    for ours, theirs in COST.items():
        spent, lost, missed = server.spent[theirs], proxy.lost[theirs], late.tokens[theirs]
        figures |= {f"{ours} in the ledger": int(ledger[ours]), f"{ours} of the server": spent}
        figures |= {f"{ours} of answers that were lost": lost, f"{ours} of answers that came too late": missed}
        figures[f"{ours} unaccounted"] = spent - lost - missed - int(ledger[ours])
    figures |= {f"faults: {name}": proxy.faults[name] for name in sorted(proxy.faults)}
    return figures


def _run(out: Path, url: str, count: int, retries: int, deadline: float) -> Mapping[str, Any]:
    registry = Registry.load()
    registry.add("policy", "faults/openai", Watched)
    registry.add("scorer", "faults/length", Length)
    file = out.parent / f"retries-{retries}.yaml"
    limits = {"retries": retries, "deadline": deadline, "concurrency": CONCURRENCY, "tokens": TOKENS}
    file.write_text(PIPELINE.format(url=url, count=count, samples=SAMPLES, **limits), encoding="utf-8")
    return run_pipeline(load_pipeline(file, registry=registry), out)


def _missing_samples(record: Mapping[str, Any]) -> int:
    """Samples of a problem that are neither there nor recorded as failed."""
    cost = record["cost"]["policy"]
    return SAMPLES - int(cost["candidates"]) - int(cost["failed_calls"])


def complaints(figures: Mapping[str, Any]) -> list[str]:
    """What does not hold."""
    wrong = {name: figures[name] for name in NEVER if figures[name]}
    wrong |= {name: value for name, value in figures.items() if name.endswith("unaccounted") and value}
    if not figures["faults"]:
        wrong["faults"] = 0  # nothing was tried
    return [f"{name}: {value}" for name, value in wrong.items()]


def main() -> int:
    """Measure, print, write; 1 if anything does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000, help="samples of each arm (default: 1000)")
    parser.add_argument("--share", type=float, default=0.05, help="share of requests that break (default: 0.05)")
    parser.add_argument("--deadline", type=float, default=DEADLINE, help=f"seconds (default: {DEADLINE:g})")
    parser.add_argument("--model", default=MODEL, help=f"what is served: a folder or package:folder (default: {MODEL})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args()
    os.environ["OPENAI_API_KEY"] = KEY
    rows, wrong = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = resolve(options.model)
        for retries in (2, 0):
            figures = measure(folder, model, options.requests, options.share, retries, deadline=options.deadline)
            wrong += [f"retries {retries}: {each}" for each in complaints(figures)]
            rows += _rows(figures, options, retries)
            print(f"retries: {retries}")
            print(*(f"  {label:<45}{value:>12,.5g}" for label, value in figures.items()), sep="\n")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print("all of it holds" if not wrong else "\n".join(["this does not hold:", *wrong]))
    return 1 if wrong else 0


def _rows(figures: Mapping[str, Any], options: argparse.Namespace, retries: int) -> list[dict[str, Any]]:
    work = f"{options.share:.0%} of the requests break, retries {retries}"
    same = {"system": "treewright", "version": __version__, "work": work, "size": options.requests}
    units = {"seconds": "s"}
    return [
        {**same, "metric": name.replace(" ", "_"), "value": value, "unit": units.get(name, "count")}
        for name, value in figures.items()
    ]


if __name__ == "__main__":
    raise SystemExit(main())
