"""Runs the command line as `python -m lexsearch.cli`."""

import sys

from lexsearch.cli import main

if __name__ == "__main__":
    sys.exit(main())
