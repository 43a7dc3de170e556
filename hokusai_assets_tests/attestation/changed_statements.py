"""Changes of a statement, and what a verification says of them."""

import copy
import re
from collections.abc import Callable
from typing import Any

from hokusai_assets.attestation.verification import Verification
from hokusai_assets_tests.attestation.measured_contribution import SIGNING_KEY

KeyPath = tuple[str | int, ...]
PUBLIC = SIGNING_KEY.public_key


def failed(verification: Verification) -> list[str]:
    return [check.name for check in verification.checks if check.outcome == "fail"]


def details(verification: Verification) -> str:
    return " ".join(check.detail for check in verification.checks if check.outcome == "fail")


def changed(
    statement: dict[str, Any], path: KeyPath, change: Callable[[Any], Any]
) -> dict[str, Any]:
    copied = copy.deepcopy(statement)
    node: Any = copied
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = change(node[path[-1]])
    return copied


def another(value: Any) -> Any:
    """Return another value of the same type and look."""
    if value is None:
        return "0" * 64
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if re.fullmatch(r"(0x)?[0-9a-f]{40,}", value):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    return value + "x"
