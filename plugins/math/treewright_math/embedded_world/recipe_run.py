"""``treewright train math/embedded``: from nothing to a model folder with card and figures."""

import json
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from treewright_math.embedded_world import tokenizer as tokenizer_files
from treewright_math.embedded_world.card import write_card
from treewright_math.embedded_world.evaluation import Kind, all_rows, draw_kind, prompts_of
from treewright_math.embedded_world.export import export, load_causal
from treewright_math.embedded_world.generation import generate
from treewright_math.embedded_world.recipe import DIFFICULTIES
from treewright_math.embedded_world.step_check import check
from treewright_math.embedded_world.training import Pace, Plan, Training

CHECKPOINT_SECONDS = 45.0
PROGRESS_PROBLEMS = 48


def run(
    plan: Plan,
    out: Path,
    resume: bool,
    start: Path | None = None,
    *,
    command: str,
    count: int,
    sampled: int,
    evaluate_every: int,
) -> Mapping[str, Any]:
    """Train, export and measure.

    Args:
        plan: settings of the training.
        out: folder to write to; holds the checkpoint while it trains.
        resume: go on from its checkpoint.
        start: folder of an exported model to begin with, if any.
        command: what it was started by, for the card.
        count: problems of each greedy figure.
        sampled: problems of each figure with 16 samples; 0 for none.
        evaluate_every: steps between two figures on validation problems.
    """
    from tokenizers import Tokenizer

    started = perf_counter()
    tokenizer_files.save(out)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    training = Training(plan, tokenizer, out, start)
    if resume and training.resume():
        print(f"goes on from step {training.place.step:,}", flush=True)
    weights = sum(parameter.numel() for parameter in training.model.parameters())
    print(f"{plan.model}: {weights:,} weights", flush=True)
    _train(training, tokenizer, evaluate_every)
    training.save()
    export(training.model, out)
    rows = measure(out, count, sampled)
    settings = plan._asdict() | {"command": command, "weights": weights, "torch": torch.__version__}
    return finish(out, settings | {"seconds": round(perf_counter() - started)}, rows)


def measure(folder: Path, count: int, sampled: int) -> list[dict[str, Any]]:
    """The figures of an exported folder, measured on the very weights that are shipped."""
    model, tokenizer = load_causal(folder)
    rows = []
    for row in all_rows(model, tokenizer, count=count, sampled=sampled):
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def finish(folder: Path, settings: dict[str, Any], rows: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Write figures and card; returns the greedy accuracies for the terminal."""
    text = json.dumps({"settings": settings, "rows": rows}, indent=1)
    (folder / "figures.json").write_text(text + "\n", encoding="utf-8")
    write_card(folder, settings, rows)
    plain = [row for row in rows if "greedy" in row and not row["worked"]]
    named = {f"{r['difficulty']}, {r['phrasing']}, facts {r['facts']}": r["greedy"][0] for r in plain}
    return {"weights": settings["weights"], **named}


def _train(training: Training, tokenizer: Any, evaluate_every: int) -> None:
    steps, pace, saved = training.plan.steps, Pace(training.plan.steps), perf_counter()

    def each_step(step: int, loss: float, tokens: int) -> None:
        nonlocal saved
        pace.add(loss, tokens)
        if step % evaluate_every == 0:
            print(f"step {step:,}  validation: {_validation(training.model, tokenizer)}", flush=True)
        if pace.seconds > CHECKPOINT_SECONDS or step == steps:
            print(pace.report(step), flush=True)
        if perf_counter() - saved > CHECKPOINT_SECONDS:
            training.save()
            saved = perf_counter()

    training.run(steps, each_step)


def _validation(model: Any, tokenizer: Any) -> str:
    """Share of validation problems with all steps right, by difficulty: seen phrasing / held-out phrasing."""
    model.eval()
    shares = [
        f"{difficulty} {_right(model, tokenizer, Kind(difficulty)):.2f}"
        f"/{_right(model, tokenizer, Kind(difficulty, held_out=True)):.2f}"
        for difficulty in DIFFICULTIES
    ]
    model.train()
    return ", ".join(shares)


def _right(model: Any, tokenizer: Any, kind: Kind) -> float:
    problems = draw_kind(kind, PROGRESS_PROBLEMS, 0, "validation")
    made = generate(model, tokenizer, prompts_of(kind, problems))
    return sum(check(problem, texts[0]).right for problem, texts in zip(problems, made, strict=True)) / len(problems)
