"""How far the reading of a contribution's rows is, told to whoever watches this thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OnRows = Callable[[int, int | None], None]
"""Takes the rows read so far, and how many there are: None while a first pass counts them."""

_WATCHER: ContextVar[OnRows | None] = ContextVar("watcher of rows", default=None)


@contextmanager
def watching_rows(on_rows: OnRows) -> Iterator[None]:
    """Have rows told that are read inside; of two watchers the inner one is told."""
    token = _WATCHER.set(on_rows)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def tell_rows(done: int, total: int | None) -> None:
    """Tell the watcher, if there is one.

    Args:
        done: rows read so far in this pass.
        total: rows of the file, where they were counted before.
    """
    if (on_rows := _WATCHER.get()) is not None:
        on_rows(done, total)
