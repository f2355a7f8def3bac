"""Figures of the benchmarks as SVG: lines with bands. Needs matplotlib (``pip install matplotlib``)."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Point(NamedTuple):
    """One measurement: where, how much, and its 95 % interval."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Curve(NamedTuple):
    """The measurements of one method; ``label`` names single ones where their place does not tell them."""

    name: str
    points: Sequence[Point]
    labels: Sequence[str] = ()


def draw(
    path: Path, title: str, axes: tuple[str, str], curves: Sequence[Curve], *, logarithmic: bool = False, note: str = ""
) -> None:
    """Write a figure.

    Args:
        path: of the SVG file.
        title: above the figure.
        axes: what stands at the abscissa and at the ordinate.
        curves: one line or, of a single point, one mark each.
        logarithmic: whether the abscissa is.
        note: below the figure.
    """
    pyplot = _pyplot()
    figure, plane = pyplot.subplots(figsize=(7.2, 4.4), layout="constrained")
    for curve in curves:
        _add(plane, curve)
    plane.set_title(title, fontsize=11, loc="left")
    plane.set_xlabel(axes[0] + (f"\n{note}" if note else ""), fontsize=9)
    plane.set_ylabel(axes[1], fontsize=9)
    if logarithmic:
        plane.set_xscale("log", base=2)
        plane.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    plane.grid(color="#eeeeee")
    plane.legend(fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _add(plane: Any, curve: Curve) -> None:
    x, y = [point.x for point in curve.points], [point.y for point in curve.points]
    low = [point.y if point.low is None else point.low for point in curve.points]
    high = [point.y if point.high is None else point.high for point in curve.points]
    if len(x) == 1:
        plane.errorbar(x, y, [[y[0] - low[0]], [high[0] - y[0]]], fmt="s", capsize=3, label=curve.name)
        return
    [line] = plane.plot(x, y, marker="o", markersize=4, label=curve.name)
    if any(point.low is not None for point in curve.points):
        plane.fill_between(x, low, high, color=line.get_color(), alpha=0.12, linewidth=0)
    for label, across, up in zip(curve.labels, x, y, strict=False):
        plane.annotate(label, (across, up), textcoords="offset points", xytext=(4, 5), fontsize=7)


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError:
        sys.exit("--svg draws with matplotlib: pip install matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "treewright"  # equal figures are equal files
    matplotlib.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as pyplot

    return pyplot
