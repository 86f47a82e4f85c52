"""The commands that the current request has sent, so that an answer about a later failure can name them."""

from __future__ import annotations

from contextvars import ContextVar

_sent: ContextVar[list[str] | None] = ContextVar("sent_commands", default=None)


def begin() -> None:
    """Note the commands of the current context from now on."""
    _sent.set([])


def add(command_id: str) -> None:
    """Note a command that was sent to its station."""
    sent = _sent.get()
    if sent is not None:
        sent.append(command_id)


def last() -> str:
    """The id of the last command; empty if none was sent, or none is noted."""
    return (_sent.get() or [""])[-1]
