"""Write the records that the demonstration quotes from nmrshiftdb2.

Run ``python -m treewright_chemistry.quoting DATA_DIR > treewright_chemistry/data/demo_spectra.json``, and in that
folder ``sha256sum demo_spectra.json > demo_spectra.json.sha256``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from treewright_chemistry.measured_task import held_out_cases
from treewright_chemistry.spectrum_codec import SpectrumCodec


def main(data: Path) -> None:
    """Print the quoted records as JSON."""
    codec = SpectrumCodec()
    records = [
        {"id": case.id, "name": case.name, "smiles": case.smiles, "spectrum": codec.encode(case.spectrum)}
        for case in held_out_cases(data, "demo")
    ]
    about = {
        "source": "nmrshiftdb2 (https://nmrshiftdb.nmr.uni-koeln.de), single records by number",
        "licence": "nmrshiftdb2 Database License (derived from the Open Database License)",
        "use": "input of the demonstration; these compounds are kept out of all training data",
    }
    json.dump({**about, "records": sorted(records, key=lambda row: str(row["name"]))}, sys.stdout, indent=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
