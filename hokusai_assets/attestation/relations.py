"""A relation that a statement must satisfy, and what is raised where it does not."""

from collections.abc import Iterator, Mapping
from typing import Any


class Broken(Exception):
    """A relation does not hold; the message says which."""


def require(holds: bool, otherwise: str) -> None:
    """Raise `Broken` with a message unless a relation holds."""
    if not holds:
        raise Broken(otherwise)


def differing_leaves(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of leaves in which two JSON values differ, ``a.b[0]``."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            place = f"{path}.{key}" if path else str(key)
            if key in one and key in other:
                yield from differing_leaves(one[key], other[key], place)
            else:
                yield place
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield path
        else:
            for number, (first, second) in enumerate(zip(one, other, strict=True)):
                yield from differing_leaves(first, second, f"{path}[{number}]")
    elif one != other or type(one) is not type(other):
        yield path
