"""Spectra as payloads: printed peak lists in a JSON object, readable by people and language models.

{"formula": "C8H8O3", "c13": "191.0 (1C), …", "h1": "9.83 (1H, s), …", "ir": "1665 (s), …",
"evidence": "soft", "provenance": "measured"}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from treewright_chemistry.errors import SpectrumError

if TYPE_CHECKING:
    from treewright_chemistry.spectrum import Band, Spectrum

FIELDS = ("formula", "c13", "h1", "ir", "evidence", "provenance")
PASSED_OVER = ("name", "id", "solvent", "frequency")
"""Fields that may stand there and change nothing."""
_SYMBOL = re.compile(r"^ν(?:̃|max)?\s?=?")
_UNIT = re.compile(r"cm\s?\^?[-−–⁻]\s?[1¹]$")
_BAND = re.compile(r"^(\d{3,4}(?:\.\d+)?)\s*(?:\(?([a-z]{0,3})\)?)$")


class SpectrumCodec:
    """Turns a ``Spectrum`` into a JSON object and back, exactly."""

    def encode(self, value: Spectrum) -> dict[str, str]:
        """The object of a spectrum; empty lists are left out."""
        from treewright_chemistry.peak_printing import format_groups

        fields = {
            "formula": str(value.formula),
            "c13": format_groups(value.carbon, "13C"),
            "h1": format_groups(value.proton, "1H"),
            "ir": ", ".join(_format_band(band) for band in value.infrared),
            "evidence": value.evidence,
            "provenance": value.provenance,
        }
        return {name: text for name, text in fields.items() if text}

    def decode(self, payload: Any) -> Spectrum:
        """The spectrum of an object.

        Raises:
            ChemistryError: naming the field that is missing, unknown or cannot be read.
        """
        from treewright_chemistry.formula import parse_formula
        from treewright_chemistry.peak_grammar import coupling_warnings, parse_groups
        from treewright_chemistry.spectrum import Spectrum, count_warnings, sparse_warnings

        fields = _checked(payload)
        skipped: list[str] = []
        carbon = parse_groups(fields.get("c13", ""), "13C", skipped)
        proton = parse_groups(fields.get("h1", ""), "1H", skipped)
        formula = parse_formula(fields["formula"])
        return Spectrum(
            formula=formula,
            carbon=carbon,
            proton=proton,
            evidence=fields["evidence"],  # type: ignore[arg-type]  # Spectrum checks the word
            infrared=_bands(fields.get("ir", "")),
            provenance=fields.get("provenance", "unknown"),  # type: ignore[arg-type]
            warnings=(
                *coupling_warnings(carbon, "13C"),
                *coupling_warnings(proton, "1H"),
                *count_warnings(carbon, proton, formula),
                *sparse_warnings(carbon, formula),
                *_passed_over(skipped),
            ),
        )


def _checked(payload: Any) -> dict[str, str]:
    if not isinstance(payload, Mapping):
        what = f"a spectrum is an object with the fields {', '.join(FIELDS)}, not {type(payload).__name__}"
        raise SpectrumError(what, field="spectrum", repair="Write formula, c13 and/or h1, and evidence")
    fields = {str(name): str(value) for name, value in payload.items() if value is not None}
    unknown = sorted(set(fields) - {*FIELDS, *PASSED_OVER})
    if unknown:
        known = ", ".join([*FIELDS, *PASSED_OVER])
        raise SpectrumError(f"unknown field '{unknown[0]}'", field="spectrum", repair=f"Known: {known}")
    if "formula" not in fields:
        raise SpectrumError("the formula is missing", field="formula", repair="Write formula: C8H8O3")
    if "evidence" not in fields:
        repair = "Write evidence: soft for measured spectra, exact for spectra made by a calculator"
        raise SpectrumError("it is not said how far the counts can be trusted", field="evidence", repair=repair)
    return fields


def _passed_over(texts: list[str]) -> list[str]:
    shown = ", ".join(dict.fromkeys(text[:20] for text in texts[:12])) + (", …" if len(texts) > 12 else "")
    return [f"texts in parentheses that were not read: {shown}"] if texts else []


def _bands(text: str) -> tuple[Band, ...]:
    from treewright_chemistry.spectrum import Band

    bands = []
    plain = _UNIT.sub("", _SYMBOL.sub("", text.strip().rstrip(" .;")))
    for number, part in enumerate(filter(None, map(str.strip, plain.split(","))), start=1):
        found = _BAND.match(part)
        if found is None:
            repair = "Write 1715 (s), 2950 (m)"
            raise SpectrumError(f"{part[:40]!r} is no band", field=f"ir band {number}", repair=repair)
        bands.append(Band(float(found[1]), found[2] or ""))
    return tuple(bands)


def _format_band(band: Band) -> str:
    return f"{band.wavenumber:g} ({band.strength})" if band.strength else f"{band.wavenumber:g}"
