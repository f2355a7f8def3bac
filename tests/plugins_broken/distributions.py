"""Small distributions, written to a folder as an installer would leave them."""

from pathlib import Path

GOOD = """\
from treewright_registry import hookimpl
TREEWRIGHT_API = "1"
@hookimpl
def treewright_register(registry):
    registry.policy("one", "good_parts:One", summary="a policy that works")
"""
MISSING_IMPORT = "import a_module_that_is_not_there\n" + GOOD
WRONG_API = GOOD.replace('"1"', '"2"')
MISSPELT_ARGUMENT = GOOD.replace("registry)", "regsitry)")
_LAST = "    registry.policy("
RAISING = GOOD.replace(_LAST, f"{_LAST}'half', 'good_parts:One')\n    raise ValueError('no luck')\n{_LAST}")


def install(folder: Path, plugin: str, source: str) -> None:
    """Write the distribution ``treewright-PLUGIN`` with the entry module ``PLUGIN_entry``."""
    (folder / f"{plugin}_entry.py").write_text(source, encoding="utf-8")
    info = folder / f"treewright_{plugin}-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: treewright-{plugin}\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text(f"[treewright.plugins]\n{plugin} = {plugin}_entry\n")


def install_all(folder: Path) -> None:
    """A good plugin and four broken ones."""
    install(folder, "good", GOOD)
    install(folder, "absent", MISSING_IMPORT)
    install(folder, "future", WRONG_API)
    install(folder, "misspelt", MISSPELT_ARGUMENT)
    install(folder, "raising", RAISING)
