"""The card of a trained model: what it is, how it was made, what was measured."""

from pathlib import Path
from typing import Any

_HEAD = """\
# Card: embedded {model}

{weights:,} weights, trained from scratch as Qwen2 and written as Llama with biases in attention (float16), which
computes the same and lets `AutoTokenizer` read the tokenizer. Trained on word problems that
`treewright_math.embedded_world` draws; no data of others, licence Apache-2.0 like the repository. It solves these
word problems and nothing else: it knows no language beyond their sentence patterns, and no arithmetic beyond
their numbers (to 999).

Input: the chat template of its tokenizer, with the problem, or retrieved records and the problem, as the user's
message. Output: one step a line, `Tom has 23 + 48 = 71 apples.`, and at last `The answer is 71.`

## Recipe

    {command}

Seed {seed}, {steps:,} batches of at most {tokens:,} tokens (padding included), highest learning rate {rate:g}, warm-up
{warm_up}, constant, linear decay over the last quarter; {optimizer}; matrix products in {precision}.
Loss on solution tokens only, those of worked problems among the retrieved records included. torch {torch}.
{note}
## Measured figures

Test problems, none of which can be in training (parts by hash of the text); 95 % intervals in parentheses.
`steps right`: every step right, not only the number; `worked`: worked problems that stand before each as retrieved
records.
Command: `python -m treewright_math.embedded_world.measure FOLDER --count {count} --sampled {sampled}`.

"""


def write_card(folder: Path, settings: dict[str, Any], rows: list[dict[str, Any]], note: str = "") -> None:
    """Write ``card.md`` into the model's folder."""
    optimizer = "Muon for matrices, AdamW for the rest" if settings["muon"] else "AdamW"
    precision = "bfloat16" if settings["half"] else "float32"
    counts = {
        "count": next(row["n"] for row in rows if "greedy" in row),
        "sampled": next((row["n"] for row in rows if "any" in row), 0),
    }
    head = _HEAD.format(
        **settings, **counts, optimizer=optimizer, precision=precision, note=f"\n{note}\n" if note else ""
    )
    (folder / "card.md").write_text(head + tables(rows), encoding="utf-8")


def tables(rows: list[dict[str, Any]]) -> str:
    """The figures as two Markdown tables."""
    lines = ["| difficulty | phrasing | facts | worked | n | seed | greedy | steps right |", f"|{'---|' * 8}"]
    lines += [f"{_front(r)} {_share(r['greedy'])} | {_share(r['steps_right'])} |" for r in rows if "greedy" in r]
    sampled = [r for r in rows if "any" in r]
    if sampled:
        head = f"{sampled[0]['samples']} samples at temperature {sampled[0]['temperature']:g}"
        lines += ["", f"{head}: accuracy of one, of the majority, of the best that anyone could choose.", ""]
        lines += ["| difficulty | phrasing | facts | worked | n | seed | one | majority | any |", f"|{'---|' * 9}"]
        shares = [(r, _share(r["single"]), _share(r["majority"]), _share(r["any"])) for r in sampled]
        lines += [f"{_front(r)} {one} | {majority} | {best} |" for r, one, majority, best in shares]
    return "\n".join(lines) + "\n"


def _front(row: dict[str, Any]) -> str:
    names = ("difficulty", "phrasing", "facts", "worked", "n", "seed")
    return f"| {' | '.join(str(row[name]) for name in names)} |"


def _share(values: list[float]) -> str:
    return f"{values[0]:.3f} ({values[1]:.3f}–{values[2]:.3f})"
