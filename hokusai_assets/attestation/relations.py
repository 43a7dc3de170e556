"""A relation that a statement must satisfy, and what is raised where it does not."""


class Broken(Exception):
    """A relation does not hold; the message says which."""


def require(holds: bool, otherwise: str) -> None:
    """Raise `Broken` with a message unless a relation holds."""
    if not holds:
        raise Broken(otherwise)
