"""Blocking calls that may hang, such as a query to a paused database or a write to a broken disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


def in_thread(function: Callable[[], T], *, name: str) -> Future[T]:
    """Run a function in a daemon thread and return its future. A thread that hangs does not keep the process
    alive.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # the caller that waits for the result gets it
            future.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return future


class SingleFlight(Generic[T]):
    """Runs a blocking function in one background thread. Callers that arrive while it runs share its result,
    so a probe every few seconds does not leave a thread behind each time.
    """

    def __init__(self, function: Callable[[], T], *, name: str) -> None:
        self._function = function
        self._name = name
        self._lock = Lock()
        self._future: Future[T] | None = None

    def begin(self) -> Future[T]:
        """The future of the current run, or of a new one."""
        with self._lock:
            if self._future is None or self._future.done():
                self._future = in_thread(self._function, name=self._name)
            return self._future

    def result(self, timeout_s: float) -> T:
        """The result of the current or a new run. Raises TimeoutError after `timeout_s` seconds, and the
        errors of the function.
        """
        return self.begin().result(timeout_s)
