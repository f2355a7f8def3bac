"""Turning the vectors of substructures so that a spectrum finds those its molecule contains (needs torch).

The encoders learn which pieces a molecule falls into; a search wants every substructure it contains. A linear map of
the substructure vectors, fitted afterwards on frozen encoders, makes up for that: softmax over all substructures that
the formula allows, every contained one a right answer. Measured spectra outside the held-out share are used.

``python -m treewright_chemistry.encoder_pieces --data DIR --encoder DIR`` fits the map of an encoder anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from treewright_chemistry.capped_pieces import assert_no_reserved_piece
from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.encoder_file import read_encoder, write_encoder
from treewright_chemistry.encoder_queries import element_counts_of, fits, query_of
from treewright_chemistry.encoder_sources import Example, measured_examples
from treewright_chemistry.held_out import assert_absent, hash_order, in_validation, reserved_blocks
from treewright_chemistry.substructure_file import shipped_substructures
from treewright_chemistry.substructures import Substructure

SPECTRA: Final = 3_500
STEPS: Final = 300
BATCH: Final = 512
RATE: Final = 5e-3
SHARPNESS: Final = 2.5
"""Logarithm of the factor that cosines start with in the softmax."""

Log = Callable[[str], None]


def fit_pieces(data_dir: Path, folder: Path, *, seed: int = 0, log: Log = print) -> float:
    """Fit the map of the encoder in ``folder`` on the shipped substructures, and write the encoder with it.

    Returns:
        The last loss.

    Raises:
        LeakError: a reserved molecule slipped in.
    """
    reserved = reserved_blocks(data_dir)
    found = {e.block: e for e in measured_examples(data_dir, reserved) if not in_validation(e.block)}
    examples = [found[block] for block in sorted(found, key=hash_order)[:SPECTRA]]
    assert_absent((example.block for example in examples), reserved, field="spectra of the substructure map")
    records = shipped_substructures()
    assert_no_reserved_piece((each.smiles for each in records), reserved, field="substructures of the map")
    allowed, right = labels(examples, records)
    log(f"{len(examples)} spectra, {right.sum(axis=1).mean():.1f} substructures contained in each molecule")
    weights, config = read_encoder(folder)
    weights["piece_map.weight"] = np.eye(config["sizes"]["vector"], dtype=np.float32)
    weights["piece_map.bias"] = np.zeros(config["sizes"]["vector"], dtype=np.float32)
    write_encoder(folder, weights, config)
    encoder = DualEncoder.load(folder)
    spectra = np.concatenate([encoder.encode_spectra([e.spectrum for e in part]) for part in _parts(examples)])
    fitted, loss = fit_map(spectra, encoder.substructure_vectors(records), allowed, right, seed=seed)
    write_encoder(folder, weights | fitted, config)
    log(f"loss {loss:.3f}")
    return loss


def labels(examples: Sequence[Example], records: Sequence[Substructure]) -> tuple[np.ndarray, np.ndarray]:
    """Return which substructures each formula allows and, of those, each molecule contains: (examples, records)."""
    queries = [query_of(record) for record in records]
    counts = [element_counts_of(record) for record in records]
    allowed = np.array(
        [[fits(c, r, e.spectrum.formula) for c, r in zip(counts, records, strict=True)] for e in examples]
    )
    held = np.array([[e.molecule.HasSubstructMatch(query) for query in queries] for e in examples])
    return allowed, allowed & held


def fit_map(
    spectra: np.ndarray, pieces: np.ndarray, allowed: np.ndarray, right: np.ndarray, *, seed: int, steps: int = STEPS
) -> tuple[dict[str, np.ndarray], float]:
    """Return weight and bias of the fitted map, and the last loss."""
    torch.manual_seed(seed)
    mapping = nn.Linear(pieces.shape[1], pieces.shape[1])
    nn.init.eye_(mapping.weight)
    nn.init.zeros_(mapping.bias)
    sharpness = torch.tensor(SHARPNESS, requires_grad=True)
    optimizer = torch.optim.Adam([*mapping.parameters(), sharpness], lr=RATE)
    vectors, sources = torch.from_numpy(pieces), torch.from_numpy(spectra)
    fit, own = torch.from_numpy(allowed), torch.from_numpy(right)
    loss = torch.zeros(())
    for _ in range(steps):
        drawn = torch.randperm(len(sources))[:BATCH]
        cosines = sources[drawn] @ functional.normalize(mapping(vectors), dim=1).T
        loss = _loss(cosines * sharpness.exp(), fit[drawn], own[drawn].float())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    weight, bias = mapping.weight.detach().numpy(), mapping.bias.detach().numpy()
    return {"piece_map.weight": weight, "piece_map.bias": bias}, float(loss.detach())


def _loss(logits: Tensor, allowed: Tensor, right: Tensor) -> Tensor:
    shares = functional.log_softmax(logits.masked_fill(~allowed, -1e4), dim=1)
    return -((shares * right).sum(dim=1) / right.sum(dim=1).clamp(min=1.0)).mean()


def _parts(examples: list[Example], size: int = 128) -> list[list[Example]]:
    return [examples[start : start + size] for start in range(0, len(examples), size)]


def main() -> None:
    """Fit from the command line."""
    parser = argparse.ArgumentParser(description="Fit the substructure map of a molecule-spectrum encoder")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the encoder, rewritten")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    fit_pieces(given.data, given.encoder, seed=given.seed)


if __name__ == "__main__":
    main()
