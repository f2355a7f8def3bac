"""How fast language/transformers is: against raw generation, and what batching and reuse are worth in searches.

1. Whole answers through the whole engine, against ``model.generate`` of transformers on the same prompts, made ready
   before the clock starts, at the same batch: drawn tokens a second up to each answer's end. Interleaved; medians.
   ``generate`` draws on for rows that have ended; so there is a second row in which no answer ends: neither system
   is told of a token that ends one, and all have ``--tokens`` tokens.
2. Tokens read in a beam search, against those that are new by the record of requests and answers alone.
3. Beam search and Monte-Carlo tree search of many problems together with kept prefixes; the same without keeping;
   the same one problem at a time with keeping, and without: all do the same search, with the same draws. Beside them
   the same search one problem at a time on ``model.generate``, which reads the whole prefix of each sample.

    python benchmarks/language_speed.py --json speed.json
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: TID251 - it measures a plugin
import transformers
from language_parts import STEPS, Questions, Run, Watched, checkpoint

from treewright import __version__
from treewright.searches.beam import Beam
from treewright.searches.mcts import Mcts
from treewright.searches.sample import Sample
from treewright_language.checkpoints import load_causal_lm
from treewright_registry import Encoding, Proposals, ProposeRequest, Step, Trajectory

MIB = 1 << 20
SEARCHES: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "beam": (Beam, {"width": 4, "branch": 4, "depth": STEPS}),  # sixteen candidates a step
    "mcts": (Mcts, {"branch": 4, "iterations": 16, "depth": STEPS}),
}


class Generating(Watched):
    """The same steps from ``generate``, as a plain script would draw them: other draws, the same work."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        prompts = [self.ids_of(request) for request in requests for _ in range(request.n)]
        ids, mask = _padded(prompts, self.network.device)
        most = self._tokens._settings.sampling.max_tokens
        with torch.inference_mode():
            answers = self.network.generate(
                ids,
                attention_mask=mask,
                do_sample=True,
                top_k=0,
                max_new_tokens=most,
                eos_token_id=list(self._text.ends),
                pad_token_id=0,
            )[:, ids.shape[1] :].tolist()
        rows = iter(zip(prompts, answers, strict=True))
        return [Proposals([self._made(request, *next(rows)) for _ in range(request.n)]) for request in requests]

    def _made(self, request: ProposeRequest, prompt: tuple[int, ...], answer: list[int]) -> Step:
        ended = [at for at, token in enumerate(answer) if token in self._text.ends]
        ids = tuple(answer[: ended[0] + 1] if ended else answer)
        last = ended or request.trajectory.depth + 1 >= STEPS
        encoding = Encoding(self._text.vocabulary, ids)
        return Step(self._text.text(ids, prompt), None, len(ids), "stop" if last else "step", encoding)


MODES: dict[str, tuple[bool, bool, type[Watched]]] = {  # problems at once, reuse, who draws
    "together, reused": (True, True, Watched),
    "together, re-encoded": (True, False, Watched),
    "one by one, reused": (False, True, Watched),
    "one by one, re-encoded": (False, False, Watched),
    "one by one, generate": (False, False, Generating),
}
SAME = [mode for mode, (_, _, policy) in MODES.items() if policy is Watched]


class Endless(Watched):
    """No token ends an answer: all of them have as many as are allowed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._text.ends = ()


class Rows:
    """The table that is printed and written."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, work: str, size: int, metric: str, value: float, unit: str, system: str = "treewright") -> None:
        version = __version__ if system == "treewright" else transformers.__version__
        self.rows.append(
            {"system": system, "version": version, "work": work, "size": size, "metric": metric}
            | {"value": round(value, 4), "unit": unit}
        )
        print(f"{system:<14}{work:<36}{size:>6}  {metric:<34}{value:>12.4g} {unit}", flush=True)


def generation(model: str, options: argparse.Namespace, table: Rows) -> None:
    """Tokens a second of whole answers, ours and raw: as they end, and all of one length."""
    raw = load_causal_lm(model, device=options.device)  # as it comes: ours has another attention function
    raw.generation_config.eos_token_id = None
    for work, drawer in (("whole answers", Watched), ("answers of one length", Endless)):
        _generation(work, drawer, raw, model, options, table)


def _generation(
    work: str, drawer: type[Watched], raw: Any, model: str, options: argparse.Namespace, table: Rows
) -> None:
    size, most = options.batch, options.tokens
    policy = {"model": model, "max_tokens": most, "rows": size, "delimiter": "\n", "device": options.device}
    rates: dict[str, list[float]] = {"treewright": [], "transformers": []}
    for repeat in range(options.repeats + 1):  # the first does not count
        run = Run(Sample, {"n": 1}, policy, problems=2 * size, live=size, batch=size, policy=drawer)
        theirs = raw_rate(run.policy, raw, size, most, options.clock, repeat)
        assert run.policy._text.ends or run.tokens == 2 * size * most
        if repeat:
            rates["treewright"].append(run.tokens / run.seconds(options.clock))
            rates["transformers"].append(theirs)
    for system, values in rates.items():
        table.add(work, size, "drawn tokens", statistics.median(values), "1/s", system)
    ratios = [ours / theirs for ours, theirs in zip(*rates.values(), strict=True)]
    table.add(work, size, "ours / generate (bar: >= 0.9)", statistics.median(ratios), "ratio")
    table.add(work, size, "least of the repeats", min(ratios), "ratio")
    table.add(work, size, "most of the repeats", max(ratios), "ratio")


def raw_rate(policy: Watched, raw: Any, size: int, most: int, clock: str, seed: int) -> float:
    """Drawn tokens a second of ``generate`` in batches of ``size``, up to each answer's end."""
    now = time.perf_counter if clock == "wall" else time.process_time
    ends = list(policy._text.ends)
    batches = [padded(policy, range(start, start + size)) for start in (0, size)]
    torch.manual_seed(seed)
    drawn = 0
    begin = now()
    for ids, mask in batches:
        with torch.inference_mode():
            answers = raw.generate(
                ids,
                attention_mask=mask,
                do_sample=True,
                top_k=0,
                max_new_tokens=most,
                eos_token_id=ends or None,
                pad_token_id=0,
            )[:, ids.shape[1] :]
        ended = torch.isin(answers, torch.tensor(ends, dtype=torch.long, device=answers.device)).int().cumsum(1)
        drawn += int((ended == 0).sum()) + int((ended[:, -1] > 0).sum())
    assert ends or drawn == 2 * size * most
    return drawn / (now() - begin)


def padded(policy: Watched, numbers: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The prompts of some questions, padded on the left."""
    problems = list(Questions(count=max(numbers) + 1).problems())
    prompts = [policy.ids_of(ProposeRequest(Trajectory(problems[number]), 1, 0)) for number in numbers]
    return _padded(prompts, policy.network.device)


def _padded(prompts: Sequence[tuple[int, ...]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, prompts))
    ids = torch.tensor([(0,) * (width - len(prompt)) + prompt for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    return ids, mask


class Recorded(Watched):
    """Counts, from requests and answers alone, the tokens that had not been computed before.

    A beginning of a sequence is named by the hash of its last token and of the name of what stands before.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.computed: set[int] = set()
        self.new = 0

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        ends = []
        for request in requests:
            before = len(self.computed)
            ends.append(self._walk(0, self.ids_of(request)))
            self.new += len(self.computed) - before
        answers = super().propose(requests)
        for end, answer in zip(ends, answers, strict=True):
            for step in answer.steps:
                assert step.encoding is not None
                self._walk(end, step.encoding.ids[:-1])
        return answers

    def _walk(self, name: int, ids: Sequence[int]) -> int:
        for token in ids:
            name = hash((name, token))
            self.computed.add(name)
        return name


def reading(model: str, options: argparse.Namespace, table: Rows) -> None:
    """Tokens read in a beam search against the new ones."""
    search, settings = SEARCHES["beam"]
    run = Run(
        search, settings, _policy(model, options, True), problems=options.problems, live=64, batch=64, policy=Recorded
    )
    recorded = run.policy
    assert isinstance(recorded, Recorded)
    counters = recorded.counters
    table.add("beam", options.problems, "tokens read", counters.prefilled, "tokens")
    table.add("beam", options.problems, "tokens read again", counters.reread, "tokens")
    table.add("beam", options.problems, "tokens reused", counters.reused, "tokens")
    table.add(
        "beam", options.problems, "read - new (bar: 0)", counters.prefilled + counters.reread - recorded.new, "tokens"
    )


def searches(model: str, options: argparse.Namespace, table: Rows) -> None:
    """The four modes of each search."""
    for name in options.searches:
        search, settings = SEARCHES[name]
        seconds: dict[str, list[float]] = {mode: [] for mode in MODES}
        answers: dict[str, Any] = {}
        peak = 0
        for _ in range(options.repeats):
            for mode, (together, reuse, drawer) in MODES.items():
                live = options.problems if together else 1
                policy = _policy(model, options, reuse)
                many = {"problems": options.problems, "live": live, "batch": 256, "worked": options.worked}
                run = Run(search, settings, policy, policy=drawer, **many)
                seconds[mode].append(run.seconds(options.clock))
                answers[mode] = {problem: made.answer for problem, made in run.solutions.items()}
                peak = max(peak, run.policy.cache_peak_bytes)
        _report(name, options, table, {mode: statistics.median(values) for mode, values in seconds.items()})
        same = sum(
            answers[mode][problem] == answer for mode in SAME for problem, answer in answers["together, reused"].items()
        )
        table.add(name, options.problems, "equal answers", same / (len(SAME) * options.problems), "share")
        table.add(name, options.problems, "cache's peak (bar: its setting)", peak / MIB, f"MiB of {options.cache_mib}")


def _report(name: str, options: argparse.Namespace, table: Rows, seconds: dict[str, float]) -> None:
    best, unbatched, unkept, plain = (
        seconds[mode]
        for mode in ("together, reused", "one by one, reused", "together, re-encoded", "one by one, re-encoded")
    )
    for mode, value in seconds.items():
        table.add(name, options.problems, mode, value, "s")
    table.add(name, options.problems, "faster in all (bar: >= 3)", plain / best, "times")
    table.add(name, options.problems, "faster than with generate", seconds["one by one, generate"] / best, "times")
    table.add(name, options.problems, "batching, with reuse", unbatched / best, "times")
    table.add(name, options.problems, "batching, without reuse", plain / unkept, "times")
    table.add(name, options.problems, "reuse, together", unkept / best, "times")
    table.add(name, options.problems, "reuse, one by one", plain / unbatched, "times")


def _policy(model: str, options: argparse.Namespace, reuse: bool) -> dict[str, Any]:
    return {
        "model": model,
        "tokens_per_step": options.step,
        "max_tokens": options.step,
        "rows": options.rows,
        "reuse": reuse,
        "cache_mib": options.cache_mib,
        "device": options.device,
    }


def main() -> int:
    """Measure, print, write."""
    options = _options()
    if options.threads:
        torch.set_num_threads(options.threads)
    transformers.utils.logging.disable_progress_bar()
    table = Rows()
    with tempfile.TemporaryDirectory() as folder:
        model = checkpoint(options.model, Path(folder))
        print(
            f"model {model if model != folder else 'random'}, {torch.get_num_threads()} threads, clock {options.clock}"
        )
        if "generation" in options.parts:
            generation(model, options, table)
        if "reading" in options.parts:
            reading(model, options, table)
        if "searches" in options.parts:
            searches(model, options, table)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table.rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", help="folder of a checkpoint (default: the embedded target, else a random one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--parts", nargs="+", default=["generation", "reading", "searches"])
    parser.add_argument("--searches", nargs="+", default=list(SEARCHES), choices=list(SEARCHES))
    parser.add_argument("--batch", type=int, default=64, help="answers at once in part 1 (default: 64)")
    parser.add_argument("--tokens", type=int, default=96, help="most tokens of an answer in part 1 (default: 96)")
    parser.add_argument("--problems", type=int, default=64, help="in parts 2 and 3 (default: 64)")
    parser.add_argument("--step", type=int, default=16, help="tokens of a step in parts 2 and 3 (default: 16)")
    parser.add_argument("--worked", type=int, default=0, help="worked problems in each prompt of part 3 (default: 0)")
    parser.add_argument("--rows", type=int, default=256, help="most sequences at once in parts 2 and 3 (default: 256)")
    parser.add_argument("--cache-mib", type=int, default=512, help="setting of the cache (default: 512)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu on a busy machine, with --threads 1"
    )
    parser.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
