"""`python -m lockcheck`."""

import sys

from lockcheck.ui.cli import main

if __name__ == "__main__":
    sys.exit(main())
