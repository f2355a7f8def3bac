"""Writes the evaluation world's facts as records: ``python -m treewright_math.embedded_world.knowledge_records FILE``.

Each line is a record ``{"id": …, "kind": "fact", "content": …}``, the form that knowledge bases are built from.
"""

import json
import sys
from pathlib import Path

from treewright_math.embedded_world.facts import EVALUATION_FACTS, Fact
from treewright_math.embedded_world.prompts import fact_record


def record_of(fact: Fact) -> dict[str, str]:
    """The record of a fact."""
    name = f"{fact.name}-{fact.other}" if fact.other else fact.name
    return {"id": f"fact-{name}", "kind": "fact", "content": fact_record(fact.text)}


def text() -> str:
    """All records, one a line."""
    return "".join(json.dumps(record_of(fact)) + "\n" for fact in EVALUATION_FACTS)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
