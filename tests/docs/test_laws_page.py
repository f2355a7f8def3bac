"""``docs/laws.md`` has a row for every law, and every row says that its law holds."""

import json
import subprocess
import sys

from . import pages


def test_every_law_has_a_row_and_the_page_is_made_of_the_rows():
    done = subprocess.run(
        [sys.executable, str(pages.DOCS / "make_laws.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), "run: python docs/make_laws.py --only ALGORITHM"


def test_every_row_holds_and_its_control_fails():
    rows = json.loads((pages.DOCS / "laws.json").read_text(encoding="utf-8"))
    assert rows
    assert all(row["holds"] for row in rows)
    assert all(row["p"] is None or row["p"] > 1e-4 for row in rows)
    assert all(row["control_p"] is None or row["control_p"] < 1e-10 for row in rows)
