"""Measures an exported model again: ``python -m treewright_math.embedded_world.measure FOLDER`` prints its tables."""

import argparse
import json
from pathlib import Path

from treewright_language.checkpoints import resolve
from treewright_math.embedded_world.card import tables
from treewright_math.embedded_world.recipe_run import measure


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="measure an embedded language model")
    parser.add_argument("folder", help="folder, or package:folder")
    parser.add_argument("--count", type=int, default=300, help="test problems of each greedy figure")
    parser.add_argument("--sampled", type=int, default=100, help="test problems of each figure with samples")
    parser.add_argument("--json", type=Path, help="also write the rows there")
    options = parser.parse_args()
    rows = measure(Path(resolve(options.folder)), options.count, options.sampled)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(tables(rows))


if __name__ == "__main__":
    main()
