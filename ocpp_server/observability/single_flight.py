"""Asking what may hang: a database that is paused, a disk that does not answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


def in_thread(ask: Callable[[], T], *, name: str) -> Future[T]:
    """The answer to come. The thread is a daemon's: a question that never ends does not keep the process."""
    asked: Future[T] = Future()

    def run() -> None:
        try:
            asked.set_result(ask())
        except BaseException as error:  # it belongs to whoever waits for the answer
            asked.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return asked


class Patient(Generic[T]):
    """A question that is asked in a thread of its own, and one at a time: who comes while it hangs waits for
    the same answer, so that a probe every few seconds does not leave a thread behind each.
    """

    def __init__(self, ask: Callable[[], T], *, name: str) -> None:
        self._ask = ask
        self._name = name
        self._lock = Lock()
        self._asked: Future[T] | None = None

    def begin(self) -> Future[T]:
        """The answer to come; the question that is under way where there is one."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = in_thread(self._ask, name=self._name)
            return self._asked

    def answer(self, within: float) -> T:
        """Raises TimeoutError after so many seconds, and whatever the question raised."""
        return self.begin().result(within)
