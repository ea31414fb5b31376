#!/usr/bin/env python3
"""A whole nonlinear campaign from one command: a thin face of `mhx campaign production-lane`.

The same flags, the same exit codes; without --execute it lists the commands and runs none.
"""

import sys

from mhx.cli import main

if __name__ == "__main__":
    sys.exit(main(["campaign", "production-lane", *sys.argv[1:]]))
