"""Figures of the reward model on test problems, read by the same reader as any checkpoint of its form."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from treewright.run.intervals import mean_interval, wilson
from treewright_math.embedded_world.evaluation import Kind, draw_kind, prompts_of
from treewright_math.embedded_world.export import load_causal
from treewright_math.embedded_world.generation import generate
from treewright_math.embedded_world.prm_samples import Labelled, label, written
from treewright_math.embedded_world.recipe import Difficulty
from treewright_math.embedded_world.task import answer_in
from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.reader import Reader

SAMPLES = 16
TEMPERATURE = 0.8
THRESHOLD = 0.5
DIFFICULTIES: tuple[Difficulty, ...] = ("easy", "medium", "hard")

Judged = tuple[Labelled, tuple[float, ...]]


def all_rows(folder: Path, *, target_folder: Path, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """A row for each difficulty and phrasing: step AUC, first errors, choice among samples of the target."""
    model, tokenizer = load_causal(target_folder)
    reader = Reader(str(folder), RECIPES["likelihood-head"])
    for kind in (Kind(difficulty, held_out=held_out) for difficulty in DIFFICULTIES for held_out in (False, True)):
        problems = draw_kind(kind, count, seed)
        made = generate(
            model, tokenizer, prompts_of(kind, problems), temperature=TEMPERATURE, samples=SAMPLES, seed=seed, batch=128
        )
        lines = [[written(text) for text in texts] for texts in made]
        labelled = [label(p, one) for p, row in zip(problems, lines, strict=True) for one in row]
        readings = reader.read([(one.problem, one.lines) for one in labelled], "")
        # what cannot be read (control tokens in a sample) counts as wrong throughout
        judged = [(one, r.scores or (0.0,) * len(one.lines)) for one, r in zip(labelled, readings, strict=True)]
        right = [[answer_in(text) == str(p.answer) for text in texts] for p, texts in zip(problems, made, strict=True)]
        named = {"difficulty": kind.difficulty, "phrasing": "held-out" if kind.held_out else "seen"}
        yield named | {"n": count, "seed": seed, "samples": SAMPLES} | _figures(judged, right)


def _figures(judged: Sequence[Judged], right: list[list[bool]]) -> dict[str, Any]:
    steps = [(score, good) for one, scores in judged for score, good in zip(scores, one.right, strict=True)]
    wrong = [(one, scores) for one, scores in judged if not all(one.right)]
    sound = [(one, scores) for one, scores in judged if all(one.right)]
    values = [_product(scores) for _, scores in judged]
    grouped = [values[start : start + SAMPLES] for start in range(0, len(values), SAMPLES)]
    return {
        "step_auc": auc_interval(steps),
        "first_error_found": _share([_first_below(scores) == one.right.index(False) for one, scores in wrong]),
        "sound_accepted": _share([_first_below(scores) < 0 for _, scores in sound]),
        "single": list(mean_interval([sum(row) / len(row) for row in right])),
        **{f"best_of_{n}": _share(_chosen(grouped, right, n)) for n in (8, 16)},
        "gain_16": list(_gain(_chosen(grouped, right, 16), right)),
        "any": _share([any(row) for row in right]),
    }


def auc(scored: Sequence[tuple[float, bool]]) -> float:
    """Probability that a right step scores higher than a wrong one, ties counting half (Mann–Whitney)."""
    ordered = sorted(scored)
    positives = sum(good for _, good in ordered)
    negatives = len(ordered) - positives
    if not positives or not negatives:
        return float("nan")
    ranks, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        ranks += sum(good for _, good in ordered[start:end]) * (start + 1 + end) / 2
        start = end
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def auc_interval(scored: Sequence[tuple[float, bool]]) -> list[float]:
    """AUC and its 95 % interval.

    Source: J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29.
    """
    value, n1 = auc(scored), sum(good for _, good in scored)
    n0 = len(scored) - n1
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    variance = value * (1 - value) + (n1 - 1) * (q1 - value**2) + (n0 - 1) * (q2 - value**2)
    half = 1.96 * (max(variance, 0.0) / max(n1 * n0, 1)) ** 0.5
    return [value, max(0.0, value - half), min(1.0, value + half)]


def _product(scores: Sequence[float]) -> float:
    value = 1.0
    for score in scores:
        value *= score
    return value


def _first_below(scores: Sequence[float]) -> int:
    return next((place for place, score in enumerate(scores) if score < THRESHOLD), -1)


def _chosen(values: list[list[float]], right: list[list[bool]], n: int) -> list[bool]:
    """Whether the best-scored of each problem's first ``n`` samples is right."""
    best = [max(range(n), key=row.__getitem__) for row in values]
    return [row[place] for row, place in zip(right, best, strict=True)]


def _gain(chosen: list[bool], right: list[list[bool]]) -> tuple[float, float, float]:
    """Best of n minus the share of right samples, problem by problem."""
    return mean_interval([float(best) - sum(row) / len(row) for best, row in zip(chosen, right, strict=True)])


def _share(hits: Sequence[bool]) -> list[float]:
    return [sum(hits) / max(len(hits), 1), *wilson(sum(hits), len(hits))]
