"""All laws there are: the ``LAWS`` of every module of this folder that is called ``laws_of_…``."""

import importlib
from pathlib import Path

from tests.laws.law import Law


def all_laws() -> list[Law]:
    """Every law, by algorithm and number of its test."""
    laws: list[Law] = []
    for path in sorted(Path(__file__).parent.glob("laws_of_*.py")):
        laws += importlib.import_module(f"tests.laws.{path.stem}").LAWS
    return sorted(laws, key=lambda law: (law.algorithm, int(law.test.strip("T")), law.claim))
