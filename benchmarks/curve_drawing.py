"""Accuracy curves with bands as a plain SVG: one line a method, budgets on a logarithmic axis."""

from collections.abc import Sequence
from math import log2
from xml.sax.saxutils import escape

from treewright_math.recorded.curves import Point

WIDTH, HEIGHT = 640, 400
FONT = 'font-family="sans-serif" font-size="12"'
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 40, 50
COLOURS = {"majority": "#4477aa", "best": "#228833", "weighted vote": "#ccbb44", "oracle": "#aa3377"}


def draw(title: str, points: Sequence[Point]) -> str:
    """The figure's text."""
    lowest = max(0.0, min(point.low for point in points) - 0.02)
    largest = max(point.k for point in points)

    def x(k: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (log2(k) / log2(largest) if largest > 1 else 0)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - lowest) / (1 - lowest))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="14">{escape(title)}: share right against samples per problem</text>',
    ]
    for k in sorted({point.k for point in points}):
        parts.append(f'<line x1="{x(k):.1f}" x2="{x(k):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(f'<text x="{x(k):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{k}</text>')
    for tenth in range(int(lowest * 20) + 1, 21):
        value = tenth / 20
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#eee"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.0%}</text>')
    for method in dict.fromkeys(point.method for point in points):
        line = sorted((point for point in points if point.method == method), key=lambda point: point.k)
        colour = COLOURS.get(method, "#555555")
        band = [*((p.k, p.high) for p in line), *((p.k, p.low) for p in reversed(line))]
        outline = " ".join(f"{x(k):.1f},{y(value):.1f}" for k, value in band)
        path = " ".join(f"{x(point.k):.1f},{y(point.value):.1f}" for point in line)
        parts.append(f'<polygon points="{outline}" fill="{colour}" opacity="0.15"/>')
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT + 8}" y="{y(line[-1].value) + 4:.1f}" fill="{colour}">'
            f"{escape(method)} {line[-1].value:.1%}</text>"
        )
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 10}" fill="#555">bands: 95 %, bootstrap over problems</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
