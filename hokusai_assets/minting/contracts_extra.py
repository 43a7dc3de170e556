"""The optional extra `contracts` (eth-account), imported when it is needed."""

import importlib
import sys
from typing import Any

INSTALL = "pip install 'hokusai-assets[contracts]'"


class ContractsExtraMissing(ImportError):
    """The extra is not installed; the message says how to install it."""


def contracts_module(name: str) -> Any:
    """Import a module that comes with eth-account.

    Raises:
        ContractsExtraMissing: it is not installed.
    """
    limit = sys.getrecursionlimit()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ContractsExtraMissing(
            f"mint requests need eth-account, which is not installed: {INSTALL}"
        ) from None
    finally:
        # py_ecc raises it to 100,000, where deeply nested JSON overflows the stack.
        sys.setrecursionlimit(limit)
