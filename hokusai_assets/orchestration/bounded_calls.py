"""Calls to a server that may hang, on a thread of their own and within a budget of seconds."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")


class OutOfTime(RuntimeError):
    """The calls took all the seconds there were."""


class BoundedCalls:
    """Makes calls one after the other; all together they take no longer than the budget.

    A server may take a connection and never answer, and not every client has a timeout: a call
    that hangs is left behind with its thread.
    """

    def __init__(self, seconds: float) -> None:
        """Take the budget, in seconds of waiting."""
        self.seconds = seconds
        self._left = seconds
        self._waiting: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] | None = None

    def __call__(self, call: Callable[[], T], *, at_least: float = 0.0) -> T:
        """Return what the call returns, or raise what it raises.

        Args:
            call: what to do.
            at_least: seconds it may take even if the budget is spent.

        Raises:
            OutOfTime: the budget is spent.
        """
        limit = max(self._left, at_least)
        if limit <= 0:
            raise OutOfTime(self._spent())
        started = time.monotonic()
        answer: Future[T] = Future()
        if self._waiting is None:
            self._waiting = _start_worker()
        self._waiting.put((call, answer))
        wait([answer], timeout=limit)
        self._left -= time.monotonic() - started
        if not answer.done():
            self.close()
            raise OutOfTime(self._spent())
        return answer.result()

    def close(self) -> None:
        """Let the thread end once its call does."""
        if self._waiting is not None:
            self._waiting.put(None)
            self._waiting = None

    def _spent(self) -> str:
        return f"it took the {self.seconds:g} s that a run waits for it in all"


def _start_worker() -> "queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]":
    waiting: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
    # A daemon: a call that never returns must not keep the process alive.
    threading.Thread(target=_work, args=(waiting,), name="mlflow calls", daemon=True).start()
    return waiting


def _work(waiting: "queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]") -> None:
    while (task := waiting.get()) is not None:
        call, answer = task
        try:
            answer.set_result(call())
        except BaseException as error:  # handed to whoever waits
            answer.set_exception(error)
