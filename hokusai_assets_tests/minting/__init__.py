"""Tests of minting; they share one process with others, so imports must not change it."""

import sys

_limit = sys.getrecursionlimit()

# These raise the limit to 100,000, where deep JSON overflows the stack of any test in the process.
import eth  # noqa: E402, F401
import eth_account  # noqa: E402, F401
import py_ecc  # noqa: E402, F401

sys.setrecursionlimit(_limit)
