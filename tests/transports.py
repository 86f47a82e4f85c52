"""Fails the test that leaves a connection of asyncio open.

Python reports such a connection when the garbage collector finds it, which is during some other test. Here
its own test fails: once the event loop of a connection is closed, nothing can close the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import selector_events
from collections.abc import AsyncIterator
from typing import Any

# Not weak references: the collector must not decide whether a connection is found.
_made: set[Any] = set()


def watch() -> None:
    """Note every connection that this process makes from now on."""
    transport: Any = selector_events._SelectorTransport  # type: ignore[attr-defined]
    make = transport.__init__

    def note(self: Any, *args: Any, **named: Any) -> None:
        make(self, *args, **named)
        _made.add(self)

    transport.__init__ = note


def left_open() -> list[str]:
    """Close the connections that their event loop can no longer close, and return their descriptions."""
    _made.difference_update([one for one in _made if one._sock is None])
    left = [one for one in _made if one._loop.is_closed()]
    found = [f"{type(one._protocol).__name__} of {one._sock}" for one in left]
    for one in left:
        one._sock.close()
        one._sock, one._closing = None, True
    _made.difference_update(left)
    return found


@contextlib.asynccontextmanager
async def connected(
    host: str, port: int, **how: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain connection that is closed at the end, whatever happens."""
    reader, writer = await asyncio.open_connection(host, port, **how)
    try:
        yield reader, writer
    except BaseException:
        writer.transport.abort()  # `close` waits for the other end to read everything
        raise
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
