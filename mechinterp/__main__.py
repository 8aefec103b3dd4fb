"""`python -m mechinterp` is `mechinterp`."""

import sys

from mechinterp.cli import main

if __name__ == "__main__":
    sys.exit(main())
