"""A plugin from ``plugins new``, made visible as an editable installation would be."""

from pathlib import Path

from treewright.cli.scaffold import write_plugin


def scaffolded(folder: Path, name: str) -> Path:
    """Write plugin ``name`` below ``folder``; returns what belongs on Python's path."""
    home = folder / "plugin"
    write_plugin(name, home)
    info = home / f"treewright_{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    package = f"treewright_{name.replace('-', '_')}"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: treewright-{name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[treewright.plugins]\n{name} = {package}\n")
    return home
