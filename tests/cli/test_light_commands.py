"""Commands that build no component import no heavy library."""

import json
import subprocess
import sys

import pytest

from tests.cli.process import environment

HEAVY = ["torch", "transformers", "faiss", "rdkit", "cv2", "numpy", "pydantic", "yaml", "rich"]
PROGRAM = """
import json, sys
from treewright.cli.main import main
arguments, heavy = json.loads(sys.argv[1])
try:
    code = main(arguments)
except SystemExit as ended:
    code = ended.code
print("LOADED", code, json.dumps([name for name in heavy if name in sys.modules]))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["plugins", "list"],
        ["plugins", "list", "--json"],
        ["plugins", "list", "--broken"],
        ["--version"],
        ["--help"],
        ["run", "--help"],
        ["plugins", "--help"],
    ],
    ids=" ".join,
)
def test_a_listing_imports_nothing_heavy(arguments, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([arguments, HEAVY])],
        cwd=tmp_path,
        env=environment([], None),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "LOADED 0 []"


def test_showing_a_component_imports_no_model_library(tmp_path):
    heavy = [name for name in HEAVY if name not in ("yaml", "pydantic")]
    arguments = ["plugins", "show", "core/beam"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([arguments, heavy])],
        cwd=tmp_path,
        env=environment([], None),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "LOADED 0 []"
