"""Which heavy libraries does importing a module load? Asked in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence

HEAVY = ("torch", "transformers", "faiss", "rdkit", "cv2", "numpy", "scipy", "PIL", "diffusers")
HEAVY_FOR_LISTINGS = (*HEAVY, "pydantic", "yaml", "rich")  # what no entry module may load

_PROGRAM = """
import importlib, json, sys
modules, heavy = json.loads(sys.argv[1])
found = {}
for module in modules:
    before = set(sys.modules)
    importlib.import_module(module)
    found[module] = [name for name in heavy if name in sys.modules and name not in before]
print(json.dumps(found))
"""


def heavy_imports(modules: Sequence[str], heavy: Sequence[str] = HEAVY) -> dict[str, list[str]]:
    """Module → heavy libraries that it is the first to load.

    Raises:
        ImportError: a module cannot be imported; the text is what Python said.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps([list(modules), list(heavy)])],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if process.returncode:
        last = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ImportError(last[0])
    found: dict[str, list[str]] = json.loads(process.stdout.strip().splitlines()[-1])
    return found
