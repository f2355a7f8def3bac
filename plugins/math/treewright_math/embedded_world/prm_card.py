"""The card of the embedded process reward model."""

from pathlib import Path
from typing import Any

_HEAD = """\
# Card: embedded process reward model

{weights:,} weights (float16): the embedded target's network, trained further, and a head that sees the last hidden
state of each step and how likely the network itself finds its tokens. Read by `math/prm`, recipe `likelihood-head`.
It judges solutions of the embedded world's word problems and nothing else. No data of others; licence Apache-2.0
like the repository.

## Recipe

    {command}

First the target is trained further as a language model, {further:,} batches of problems of another seed: a judge that
overlooks what the judged one overlooks is of no use. Then on {samples:,} solutions of training problems ({sampled:,}
written by the target, a quarter as many by the draft, at temperatures 0.6, 0.8 and 1.0; {made_up:,} right ones in other
orders or with one fault made on purpose). Each step's label is exact: 1 if the solution is right up to and including
it. Loss: cross entropy of the verdicts plus {language:g} times that of the tokens of right steps. Seed {seed},
{steps:,} batches of at most {tokens:,} tokens, AdamW, highest rate {rate:g} ({head_rate:g} for the head), warm-up
{warm_up}, constant, linear to 0 over the last half. torch {torch}. {note}

## Measured figures

{samples_each} samples of the target at temperature 0.8 for each of n test problems; 95 % intervals in
parentheses. *Step AUC*: right against wrong steps (steps of one solution are not independent: the interval is
narrower than it should be). *First error found*: of faulty solutions, the first step below 0.5 is the first faulty
one. *Sound accepted*: of faultless solutions, no step is below 0.5. *Best of*: the highest product of steps; *gain*:
best of 16 minus *one sample* (the mean of all 16), problem by problem.

"""
_COLUMNS = {
    "step_auc": "step AUC",
    "first_error_found": "first error found",
    "sound_accepted": "sound accepted",
    "single": "one sample",
    "best_of_8": "best of 8",
    "best_of_16": "best of 16",
    "gain_16": "gain",
    "any": "any right",
}


def write_card(folder: Path, settings: dict[str, Any], rows: list[dict[str, Any]], note: str = "") -> None:
    """Write ``card.md`` into the model's folder."""
    head = _HEAD.format(**settings, samples_each=rows[0]["samples"], note=note)
    (folder / "card.md").write_text(head + table(rows), encoding="utf-8")


def table(rows: list[dict[str, Any]]) -> str:
    """Figures down, kinds of problems across."""
    lines = [f"| | {' | '.join(_title(row) for row in rows)} |", f"|{'---|' * (1 + len(rows))}"]
    lines.append("| n, seed | " + " | ".join(f"{row['n']}, {row['seed']}" for row in rows) + " |")
    for name, title in _COLUMNS.items():
        lines.append(f"| {title} | {' | '.join(_share(row[name]) for row in rows)} |")
    return "\n".join(lines) + "\n"


def _title(row: dict[str, Any]) -> str:
    return f"{row['difficulty']}, {row['phrasing']}"


def _share(values: list[float]) -> str:
    return f"{values[0]:.3f} ({values[1]:.3f}–{values[2]:.3f})"
