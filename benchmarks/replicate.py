"""Measure the papers' claims in miniature and print them as a table.

    python benchmarks/replicate.py [--only SYSTEM] [--json docs/replication.json]

A system is measured by ``benchmarks/replications/<system>.py`` with a function ``measure(claims)``
that returns the rows it filled. Rows of systems that are not measured in this run are kept from
the JSON file as they stand there.
"""

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from claims import CLAIMS, SYSTEMS, Row  # noqa: E402  # this folder is not a package


def main() -> int:
    """Run what is asked for, write the table, print it."""
    options = _arguments()
    kept = _read(options.json)
    measured = [row for system in options.only or SYSTEMS for row in _measure(system)]
    rows = _merged(kept, measured)
    options.json.write_text(json.dumps([row.as_dict() for row in rows], indent=1, ensure_ascii=False) + "\n")
    print(table(rows))
    return 0


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    lines = [f"{'system':15} {'claim':58} {'paper':26} {'ours':>24} {'n':>5}  holds"]
    for row in rows:
        ours = "not measured yet"
        if row.ours is not None:
            ours = f"{row.ours:.3f} [{row.low:.3f}, {row.high:.3f}]"
        holds = {True: "yes", False: "no", None: "–"}[row.holds]
        n = "" if row.n is None else str(row.n)
        lines.append(f"{row.system:15} {row.claim:58} {row.paper_value or '':26} {ours:>24} {n:>5}  {holds}")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--only", choices=SYSTEMS, action="append", help="this system only (repeatable)")
    parser.add_argument("--json", type=Path, default=HERE.parent / "docs" / "replication.json")
    return parser.parse_args()


def _read(path: Path) -> dict[tuple[str, str], Row]:
    if not path.exists():
        return {}
    return {(row["system"], row["claim"]): Row(**row) for row in json.loads(path.read_text())}


def _measure(system: str) -> list[Row]:
    path = HERE / "replications" / f"{system.replace('-', '_')}.py"
    if not path.exists():
        print(f"{system}: no replication yet", file=sys.stderr)
        return []
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows: list[Row] = module.measure([row for row in CLAIMS if row.system == system])
    return rows


def _merged(kept: dict[tuple[str, str], Row], measured: Sequence[Row]) -> list[Row]:
    new = {(row.system, row.claim): row for row in measured}
    return [new.get(key, kept.get(key, row)) for row in CLAIMS for key in [(row.system, row.claim)]]


if __name__ == "__main__":
    sys.exit(main())
