"""Pairs of carbons that are equivalent by topology but not in the spectrum.

The two methyls of =C(CH3)2 beside an unsymmetrical end, of an isopropyl group beside a stereocentre or of
an amide N(CH3)2 share every environment, so a table gives them one mean. Where training spectra show a
steady difference, the pair is predicted as mean plus and minus half of it, and may count as one class or as
two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]


def separate_pairs(keys: Keys, half_differences: Floats) -> tuple[Floats, Keys]:
    """Tell the members of unequal pairs apart.

    Args:
        keys: class of every carbon, shape (candidates, carbons).
        half_differences: expected half difference in ppm, 0 where none is known, shape (candidates, carbons).

    Returns:
        Offsets to add to the predicted means, and keys in which the members of such pairs differ; same
        shapes.
    """
    order = np.argsort(keys, axis=1, kind="stable")
    ordered = np.take_along_axis(keys, order, 1)
    halves = np.take_along_axis(half_differences, order, 1)
    equal = np.zeros((len(keys), keys.shape[1] + 2), dtype=np.bool_)  # equal[:, i]: does carbon i equal carbon i - 1
    equal[:, 1:-2] = ordered[:, 1:] == ordered[:, :-1]
    # The first of exactly two: unlike its predecessor, like its successor, which is unlike the next.
    first = ~equal[:, :-2] & equal[:, 1:-1] & ~equal[:, 2:] & (halves > 0.0)
    second = np.concatenate([np.zeros((len(keys), 1), np.bool_), first[:, :-1]], axis=1)
    offsets = np.where(first, -halves, 0.0) + np.where(second, halves, 0.0)
    separate = ordered + second.astype(np.uint64) * (np.uint64(1) << np.uint64(40))
    return _unsorted(offsets, order), _unsorted(separate, order)


def _unsorted(values: npt.NDArray[Any], order: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    result = np.empty_like(values)
    np.put_along_axis(result, order, values, axis=1)
    return result
