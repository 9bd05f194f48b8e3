"""`python -m lockcheck`."""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109 - spelled as Python puts it there
    # Python looks for modules in the current folder first; what lies in a folder that is checked is never imported.
    del sys.path[0]
    if os.path.samefile(os.path.dirname(os.path.dirname(__file__)), os.curdir):  # noqa: PTH120, PTH121 - as above
        # A checkout that runs itself: worker processes have to find it, but behind everything else.
        sys.path.append(os.getcwd())  # noqa: PTH109 - as above

try:
    from lockcheck.ui.cli import main
except KeyboardInterrupt:
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
