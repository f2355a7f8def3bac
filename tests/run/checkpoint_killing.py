"""Kill a process that writes a large journal, so that many kills fall into a checkpoint or a commit."""

import random
import subprocess
import sys
import time
from pathlib import Path

from treewright.engine.journal_file import JournalFile

WRITE = """\
import os, sys, zlib
from pathlib import Path
from treewright.engine.journal_file import JournalFile, Row
file = JournalFile(Path(sys.argv[1]))
told = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
first = file.count()
for call in range(first, first + 100_000):
    result = (b"%d " % call) * 3000
    file.append([Row("w0", "", call, 0, "policy", "propose", b"", 0, 0.0, result, zlib.crc32(result))])
    os.pwrite(told, b"%d" % (call + 1), 0)
"""


def survive(folder: Path, moments: random.Random, kills: int) -> None:
    """Every row that was told to be committed is there and whole, after each of so many kills."""
    path, told = folder / "journal.sqlite", folder / "told"
    for _ in range(kills):
        writer = subprocess.Popen([sys.executable, "-c", WRITE, str(path), str(told)])
        before = committed(told)
        while committed(told) == before:
            time.sleep(0.001)
        time.sleep(moments.uniform(0.0, 0.3))
        writer.kill()
        writer.wait()
        file = JournalFile(path)
        file.check()
        [rows] = [file.rows(places) for places in file.places().values()]
        file.close()
        assert [row.call for row in rows] == list(range(len(rows)))
        assert all(row.result == (b"%d " % row.call) * 3000 for row in rows)
        assert committed(told) <= len(rows) <= committed(told) + 1  # at most one was committed and not yet told


def committed(told: Path) -> int:
    """How many rows the writer says are on disk."""
    return int(told.read_bytes() or b"0") if told.exists() else 0
