"""`python -m lockcheck`."""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109 - spelled as Python puts it there
    # Python looks for modules in the current folder first; what lies in a folder that is checked is never imported.
    del sys.path[0]

from lockcheck.ui.cli import main

if __name__ == "__main__":
    sys.exit(main())
