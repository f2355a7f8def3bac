"""Peak lists printed in the form that ``peak_grammar`` reads back to the same groups."""

from __future__ import annotations

from typing import Final

from treewright_chemistry.spectrum import ELEMENT, Group, Nucleus, Peak

_LETTER: Final = dict(enumerate("SDTQ"))


def format_groups(groups: tuple[Group, ...], nucleus: Nucleus) -> str:
    """Return the printed form that ``parse_groups`` reads back to the same groups."""
    return ", ".join(_format_group(group, nucleus) for group in groups)


def _format_group(group: Group, nucleus: Nucleus) -> str:
    count = [] if group.count is None else [f"{group.count}{ELEMENT[nucleus]}"]
    if group.bounds is None:
        head, items = _format_shift(group.peaks[0].shift, nucleus), count + _format_items(group.peaks[0])
    else:
        head = "-".join(_format_shift(bound, nucleus) for bound in group.bounds)
        middle = round(sum(group.bounds) / 2, 4)
        alone = len(group.peaks) == 1 and group.peaks[0].shift == middle
        subs = [_format_sub(peak, nucleus) for peak in group.peaks]
        items = count + (_format_items(group.peaks[0]) if alone else subs)
    return f"{head} ({', '.join(items)})" if items else head


def _format_sub(peak: Peak, nucleus: Nucleus) -> str:
    items = _format_items(peak)
    shift = _format_shift(peak.shift, nucleus)
    return f"{shift} ({', '.join(items)})" if items else shift


def _format_items(peak: Peak) -> list[str]:
    items = ["".join(peak.multiplicity)] if peak.multiplicity else []
    if peak.attached is not None:
        items.append(_LETTER[peak.attached])
    if peak.couplings:
        items.append("J = " + ", ".join(f"{value:.1f}" if round(value, 1) == value else repr(value)
                                        for value in peak.couplings) + " Hz")  # fmt: skip
    return items


def _format_shift(shift: float, nucleus: Nucleus) -> str:
    digits = 1 if nucleus == "13C" else 2
    return f"{shift:.{digits}f}" if round(shift, digits) == shift else repr(shift)
