"""A structure as a picture for models that see images."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from treewright_chemistry.structures import Mol

WIDTH, HEIGHT = 480, 360
"""Pixels."""


def png_of(molecule: Mol) -> bytes:
    """The structural formula as PNG, its atoms numbered in the order of the SMILES, from 1."""
    numbered = Chem.Mol(molecule)
    for atom in numbered.GetAtoms():
        atom.SetProp("atomNote", str(atom.GetIdx() + 1))
    drawer = rdMolDraw2D.MolDraw2DCairo(WIDTH, HEIGHT)
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, numbered)
    drawer.FinishDrawing()
    return bytes(drawer.GetDrawingText())
