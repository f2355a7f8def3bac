"""``python -m treewright``: the same as the command ``treewright``."""

import sys

from treewright.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
