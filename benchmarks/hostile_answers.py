"""Answers that were made to hang, crash or deceive a grader, drawn by a seeded generator."""

from collections.abc import Callable, Mapping
from random import Random

MAKERS: Mapping[str, tuple[float, Callable[[Random], str]]] = {
    # kind: (weight, maker); most of the first six never end when they are evaluated
    "tower of powers": (0.4, lambda r: _tower(r)),
    "huge power": (0.4, lambda r: f"{r.randint(2, 99)}^{{{r.randint(10**6, 10**12)}}}"),
    "huge factorial": (0.4, lambda r: f"{r.randint(10**4, 10**9)}!"),
    "long sum": (0.4, lambda r: f"\\sum_{{n=1}}^{{{r.randint(10**4, 10**9)}}} n^{{n}}"),
    "big polynomial": (0.4, lambda r: f"(x+{r.randint(1, 9)})^{{{r.randint(50, 500)}}}(x-1)^{{{r.randint(50, 500)}}}"),
    "big binomial": (0.4, lambda r: f"\\binom{{{r.randint(10**5, 10**7)}}}{{{r.randint(10**4, 10**5)}}}"),
    "deep parentheses": (0.4, lambda r: _nested(r, "(", "1", ")")),
    "deep fractions": (0.4, lambda r: _nested(r, "\\frac{1}{", "2", "}")),
    "deep roots": (0.4, lambda r: _nested(r, "\\sqrt{", "2", "}")),
    "open braces": (0.4, lambda r: "{" * r.randint(1, 1500)),
    "one megabyte": (3.0, lambda r: str(r.randint(1, 9)) * r.randint(900_000, 1_100_000)),
    "many digits": (10.0, lambda r: "".join(r.choices("0123456789", k=r.randint(100, 1_900)))),
    "NUL bytes": (10.0, lambda r: _sprinkled(r, "\x00")),
    "lone surrogates": (10.0, lambda r: _sprinkled(r, chr(r.randint(0xD800, 0xDFFF)))),
    "control characters": (10.0, lambda r: _sprinkled(r, chr(r.randint(1, 31)))),
    "foreign scripts": (10.0, lambda r: "".join(chr(r.randint(0x370, 0xFFDC)) for _ in range(r.randint(1, 60)))),
    "broken boxes": (10.0, lambda r: "\\boxed{" * r.randint(0, 3) + "18" + "}" * r.randint(0, 4) + " \\boxed 5"),
    "LaTeX soup": (20.0, lambda r: _soup(r)),
    "Python": (2.0, lambda r: r.choice(_PYTHON)),
    "JSON": (1.0, lambda r: '{"a": [' * r.randint(1, 60)),
    "divisions by zero": (5.0, lambda r: f"\\frac{{{r.randint(0, 9)}}}{{{r.choice(['0', '1-1', 'x-x', '0^0'])}}}"),
    "infinities": (5.0, lambda r: r.choice(["\\infty-\\infty", "nan", "inf", "1e999", "-\\infty", "0\\cdot\\infty"])),
    "big matrices": (1.0, lambda r: _matrix(r.randint(2, 20))),
    "line ends": (10.0, lambda r: _sprinkled(r, r.choice(["\n", "\r\n", "\u2028", "\x85"]))),
}

_PYTHON: tuple[str, ...] = (
    "__import__('os').system('sleep 60')",
    "().__class__.__bases__[0].__subclasses__()",
    "exec('while True: pass')",
    "lambda: (yield)",
    "open('/dev/zero').read()",
)
_PIECES: tuple[str, ...] = (
    *(r"\frac \sqrt \left( \right) \int_0^1 \sum \lim_{x\to0} \log \sin ^ _ { } [ ] $ $$ \\ & % # ~".split()),
    *"0 1 2 x y + - = , . / * ! |".split(),
    *(r"\pi \infty \begin{cases} \end{cases} \text{and} \% \circ \cup \mathbb{R}".split()),
)


def hostile_answers(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """(kind, answer) pairs, kinds by their weights."""
    draws = Random(seed)
    kinds = draws.choices(list(MAKERS), [weight for weight, _ in MAKERS.values()], k=count)
    return [(kind, MAKERS[kind][1](draws)) for kind in kinds]


def _tower(draws: Random) -> str:
    height = draws.randint(3, 8)
    return "^{".join(str(draws.randint(2, 9)) for _ in range(height)) + "}" * (height - 1)


def _nested(draws: Random, opening: str, core: str, closing: str) -> str:
    depth = draws.randint(20, 1_800 // (len(opening) + len(closing)))
    return opening * depth + core + closing * depth


def _sprinkled(draws: Random, what: str) -> str:
    text = list(str(draws.randint(10, 10**8)))
    for _ in range(draws.randint(1, 20)):
        text.insert(draws.randrange(len(text) + 1), what)
    return "".join(text)


def _soup(draws: Random) -> str:
    return draws.choice(["", " "]).join(draws.choices(_PIECES, k=draws.randint(1, 40)))


def _matrix(size: int) -> str:
    rows = "\\\\".join("&".join(["1"] * size) for _ in range(size))
    return f"\\begin{{pmatrix}}{rows}\\end{{pmatrix}}"
