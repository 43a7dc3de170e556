"""The optional extra `contracts` (eth-account), imported when it is needed."""

import importlib
from typing import Any

INSTALL = "pip install 'hokusai-assets[contracts]'"


class ContractsExtraMissing(ImportError):
    """The extra is not installed; the message says how to install it."""


def contracts_module(name: str) -> Any:
    """Import a module that comes with eth-account.

    Raises:
        ContractsExtraMissing: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ContractsExtraMissing(
            f"mint requests need eth-account, which is not installed: {INSTALL}"
        ) from None
