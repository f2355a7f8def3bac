"""An unknown prepared for search: its spectrum, its fit, its composition and the fragments that fit it.

Preparing costs some milliseconds, so the last few unknowns are kept; that only saves time.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rdkit import Chem

from treewright_chemistry.ablation import checked_names
from treewright_chemistry.assembly import Composition
from treewright_chemistry.commonness import Commonness
from treewright_chemistry.cosine_part import CosineSetting, cosine_part
from treewright_chemistry.cosine_weights import read_cosine_weights
from treewright_chemistry.encoder_file import check_encoder
from treewright_chemistry.fragments import Fragment, FragmentKit, ready_fragments
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.model_folders import tables_folder
from treewright_chemistry.retrieved_fragments import RetrievedFragments
from treewright_chemistry.shared_encoder import encoder_folder
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.substructures import Substructure

MOST_KEPT: Final = 64
RETRIEVED_FACTOR: Final = 10.0
"""How much more a retrieved fragment weighs beside the shipped ones than for its count alone (ours)."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is known of one unknown; ``kit`` is None where no fragments are to be used."""

    spectrum: Spectrum
    fit: SpectrumFit
    composition: Composition
    kit: FragmentKit | None


class Unknowns:
    """Prepares unknowns from payloads, with one set of tables for all.

    Args:
        substructures: what assembly may use.
        network: refine predicted shifts by the graph network: more exact, several times slower.
        cosine: mix the encoder's cosine into the fit, see ``cosine_part.CosineSetting``.
        without: names of ``ablation.NAMES`` that shall not count in the fit.
        encoder: folder of the encoder; empty for the shipped one.
        tables: folder of trained shift tables; empty for the shipped ones.

    Raises:
        ValueError: ``without`` holds an unknown name.
        TableError: a model file is missing, damaged or does not fit; names file or folder.
    """

    def __init__(
        self,
        substructures: Sequence[Substructure] = (),
        *,
        network: bool = True,
        cosine: CosineSetting = False,
        without: Iterable[str] = (),
        encoder: str = "",
        tables: str = "",
    ) -> None:
        self._without = checked_names(without)
        self._cosine: CosineSetting = False if "cosine" in self._without else cosine
        self._encoder = encoder
        folder = tables_folder(tables, network=network)
        self._tables = ShiftTables.load(folder, network=network)
        # here as well, so that a damaged file stops the run at its beginning and not each of its problems
        self._commonness = Commonness.load(folder)
        if self._cosine is not False:
            read_cosine_weights(encoder_folder(encoder))
            check_encoder(encoder_folder(encoder))
        self._fragments: list[Fragment] = ready_fragments(substructures)
        shipped = {fragment.smiles: fragment for fragment in self._fragments}
        self._retrieved = RetrievedFragments(shipped, replace(self._tables, network=None))
        self._kept: OrderedDict[str, Unknown] = OrderedDict()

    def of(self, payload: Any) -> Unknown:
        """The unknown that a problem's prompt describes.

        Raises:
            ChemistryError: the prompt is no spectrum, or the encoder that it needs cannot be used.
        """
        key = json.dumps(payload, sort_keys=True, default=str)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._prepare(SpectrumCodec().decode(payload))
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found

    def _prepare(self, spectrum: Spectrum) -> Unknown:
        cosine = cosine_part(self._cosine, spectrum.evidence, self._encoder)
        fit = SpectrumFit(spectrum, self._tables, self._commonness, without=self._without, cosine=cosine)
        composition = Composition.of(_atoms(spectrum))
        kit = _kit(self._fragments, fit, composition) if self._fragments else None
        return Unknown(spectrum, fit, composition, kit)

    def kit(self, unknown: Unknown, retrieved: Iterable[str], *, shipped: bool = False) -> FragmentKit | None:
        """The fragments of retrieved substructures, for the unknown; None if there are none.

        Args:
            unknown: what they shall be parts of.
            retrieved: their SMILES; they need not be in the shipped table.
            shipped: those of the table as well; retrieved ones then weigh ``RETRIEVED_FACTOR`` times as much.

        Raises:
            StructureError: a retrieved record is no structure; names it.
        """
        chosen = self._retrieved.of(retrieved)
        if shipped:
            known = {fragment.smiles for fragment in chosen}
            preferred = [replace(fragment, prior=RETRIEVED_FACTOR * fragment.prior) for fragment in chosen]
            chosen = preferred + [fragment for fragment in self._fragments if fragment.smiles not in known]
        return _kit(chosen, unknown.fit, unknown.composition) if chosen else None


def _kit(fragments: Sequence[Fragment], fit: SpectrumFit, composition: Composition) -> FragmentKit:
    readings = fit.observations.carbon
    lines = readings[0].tolist() if len(readings) else []
    return FragmentKit(fragments, Counter(composition.elements), composition.unsaturation, lines)


def _atoms(spectrum: Spectrum) -> dict[int, int]:
    table = Chem.GetPeriodicTable()
    return {table.GetAtomicNumber(element): count for element, count in spectrum.formula.counts}
