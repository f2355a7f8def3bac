"""Retrieval of substructures by spectrum, without a neural network.

A substructure is a hit if the formula holds its atoms and unsaturation; its similarity falls with
the distance between the observed 13C lines and the windows where its carbons are expected:

    similarity = exp(−mean distance / 3 ppm)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from treewright_registry import Hit, RetrieveRequest


class SubstructureRetriever:
    """Finds shipped substructures that an unknown may contain."""

    def __init__(self) -> None:
        from treewright_chemistry.substructure_file import shipped_substructures
        from treewright_chemistry.unknowns import Unknowns

        self._substructures = {each.smiles: each for each in shipped_substructures()}
        self._unknowns = Unknowns(tuple(self._substructures.values()), network=False)

    def retrieve(self, requests: Sequence[RetrieveRequest]) -> list[list[Hit]]:
        """For each spectrum (as a payload) the ``k`` best substructures."""
        return [self._hits(request) for request in requests]

    def _hits(self, request: RetrieveRequest) -> list[Hit]:
        from treewright_chemistry.fragments import TOLERANCE, mismatch
        from treewright_chemistry.substructure_text import describe

        unknown = self._unknowns.of(request.query)
        lines = sorted(unknown.fit.observations.carbon[0].tolist()) if len(unknown.fit.observations.carbon) else []
        fragments = unknown.kit.fragments if unknown.kit is not None else []
        distances = {fragment.smiles: mismatch(fragment, lines)[0] for fragment in fragments}
        # among equal distances the more frequent substructure comes first
        order = sorted(distances, key=lambda smiles: (distances[smiles], -self._substructures[smiles].count))
        return [
            Hit(
                id=smiles,
                content=describe(self._substructures[smiles]),
                similarity=exp(-distances[smiles] / TOLERANCE),
                provenance="substructures of nmrshiftdb2 and pool molecules (treewright-chemistry)",
            )
            for smiles in order[: request.k]
        ]
