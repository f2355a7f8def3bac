"""Write docs/laws.md: every algorithm, the exact law it was tested against, and the control that had to fail.

    python docs/make_laws.py                      all laws with many draws (some twenty minutes)
    python docs/make_laws.py --quick              with the draws of ``make test``
    python docs/make_laws.py --only core/gsi      measure these; the other rows stay as they are
    python docs/make_laws.py --peers PYTHON       compare treequest's stored decisions with PYTHON's treequest too
    python docs/make_laws.py --check              measure nothing; say which laws have no row, or which rows no law

The rows live in ``docs/laws.json``; the page is made from them. A law that fails, or a control that passes, ends with
exit code 1.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the laws are tests

from tests.laws.catalogue import all_laws  # noqa: E402
from tests.laws.law import FAILS, PASSES, Law  # noqa: E402

ROWS, PAGE = ROOT / "docs" / "laws.json", ROOT / "docs" / "laws.md"
ORACLES = (  # expressions that are true while treequest decides as the stored files say
    "treequest_trees.everything() == treequest_trees.stored()",
    "[treequest_oracle.treequest_decisions(*case) for case in treequest_oracle.CASES]"
    " == treequest_oracle.stored_decisions()",
)
HEAD = """# Exact laws

Every search is held against laws that can be computed: on toys with a handful of outcomes, by quadrature or by
enumeration. The searches run through the real engine; one problem is one draw. Each law has a control, in which
something is wrong on purpose; it must fail. Rows marked *formula only* run nothing of the product: they hold the
tests' own formulas against published or independently computed numbers, and other rows hold the product against these
formulas.

This page is generated: `make laws` writes it, `make test` checks every row with fewer draws. A law passes with
p > {passes:g}, a control fails with p < {fails:g}. Where nothing is drawn, the numbers must be equal or as near as the
reference numbers have digits; the statistic is then how many differ, or by how much, and there is no p-value.
The draws are those of the check and, again, of its control.

| algorithm | test | law | statistic | p | control: what is wrong | statistic | p | draws | seed |
|---|---|---|---|---|---|---|---|---|---|
"""


def main() -> int:
    """Measure, write, and say what did not hold."""
    options = _arguments()
    if options.check:
        return _check()
    rows = {row["name"]: row for row in _stored()}
    laws = all_laws()
    for law in laws:
        if options.only in law.name:
            rows[law.name] = _measured(law, options.quick)
    kept = [rows[law.name] for law in laws if law.name in rows]
    ROWS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(_page(kept), encoding="utf-8")
    peers = _compare_with_peers(options.peers) if options.peers else True
    return int(not peers or any(not row["holds"] for row in kept))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="as few draws as make test")
    parser.add_argument("--only", default="", metavar="TEXT", help="laws whose name contains this, e.g. an algorithm")
    parser.add_argument("--check", action="store_true", help="only see whether the page is up to date")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has treequest")
    return parser.parse_args()


def _stored() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else []
    return found


def _check() -> int:
    rows = _stored()
    laws, known = {law.name for law in all_laws()}, {row["name"] for row in rows}
    complaints = [f"no row: {name}" for name in sorted(laws - known)]
    formulas = {law.name for law in all_laws() if law.formula_only}
    complaints += [
        f"marked otherwise: {row['name']}"
        for row in rows
        if row["name"] in laws and row.get("formula_only", False) != (row["name"] in formulas)
    ]
    complaints += [f"no such law any more: {name}" for name in sorted(known - laws)]
    if PAGE.read_text(encoding="utf-8") != _page(rows):
        complaints.append("docs/laws.md was not made from docs/laws.json")
    print("\n".join(complaints), end="\n" if complaints else "")
    return int(bool(complaints))


def _measured(law: Law, quick: bool) -> dict[str, Any]:
    draws = law.draws if quick else max(law.draws, law.thorough)
    begin = time.perf_counter()
    check, control = law.check(draws, law.seed), law.control(draws, law.seed)
    holds = check.p > PASSES and control.p < FAILS
    seconds = time.perf_counter() - begin
    print(f"{'holds' if holds else 'FAILS'}  {law.name}  p = {check.p:.3g}, control {control.p:.3g}, {seconds:.1f} s")
    sys.stdout.flush()
    return {
        "name": law.name,
        "algorithm": law.algorithm,
        "test": law.test,
        "claim": law.claim,
        "statistic": check.statistic,
        "value": check.value,
        "p": None if check.exact else check.p,
        "control": law.control_says,
        "control_value": None if control.value == float("inf") else control.value,
        "control_p": None if control.exact else control.p,
        "draws": draws,
        "seed": law.seed,
        "formula_only": law.formula_only,
        "holds": holds,
    }


def _page(rows: list[dict[str, Any]]) -> str:
    lines = [_line(row) for row in rows]
    formulas = [row for row in rows if row.get("formula_only", False)]
    run = [row for row in rows if row not in formulas]
    end = (
        f"\n{sum(row['holds'] for row in run)} of {len(run)} laws of the product hold, each with a control that fails;"
        f" so do {sum(row['holds'] for row in formulas)} of {len(formulas)} checks of formulas alone.\n"
    )
    return HEAD.format(passes=PASSES, fails=FAILS) + "\n".join(lines) + "\n" + end


def _line(row: dict[str, Any]) -> str:
    cells = (
        f"`{row['algorithm']}`",
        row["test"],
        row["claim"] + (" (*formula only*)" if row.get("formula_only", False) else ""),
        f"{row['statistic']}: {_number(row['value'])}",
        _p(row["p"]),
        row["control"],
        _number(row["control_value"]),
        _p(row["control_p"]),
        f"{row['draws']:,}" if row["draws"] else "–",
        str(row["seed"]),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _number(value: float | None) -> str:
    return "∞" if value is None else f"{value:.4g}"


def _p(value: float | None) -> str:
    return "exact" if value is None else "< 1e-300" if value == 0 else f"{value:.2g}"


def _compare_with_peers(python: str) -> bool:
    """Whether treequest, as installed there, still decides as the stored files say."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "core", ROOT / "registry")))}
    same = True
    for expression in ORACLES:
        code = f"from tests.searches import treequest_oracle, treequest_trees\nassert {expression}"
        done = subprocess.run([python, "-c", code], cwd=ROOT, env=environment, check=False)
        print(f"{'same' if done.returncode == 0 else 'OTHER'}   {expression}")
        same = same and done.returncode == 0
    return same


if __name__ == "__main__":
    sys.exit(main())
