"""Runs functions that read and write many rows, beside the journal and without holding anything up.

A thread of its own has a connection outside the pool. It waits for a lock only briefly, and its statements
are short: a statement that holds a lock makes a migration wait, and behind the waiting migration all messages
of stations wait. A function that can't have its lock fails, and its job tries again at its next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from django.db import Error, connection

from ocpp_server.storage import database

P = ParamSpec("P")
T = TypeVar("T")

LOCK_WAIT_MS: Final = 200
STATEMENT_MS: Final = 5000
_thread = ThreadPoolExecutor(1, thread_name_prefix="background")


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of the function. Raises the database's error. `release` closes the connection."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_thread, lambda: _call(lambda: function(*args, **kwargs)))


async def release() -> None:
    """Close the connection: between two runs of a job it would hold a place at the server."""
    await asyncio.get_running_loop().run_in_executor(_thread, _close)


def _close() -> None:
    # Not `connection.close` itself: its connection would be that of the event loop's thread.
    connection.close()


def _call(function: Callable[[], T]) -> T:
    try:
        if connection.connection is None:
            _connect()
        return function()
    except Error:
        connection.close()
        raise


def _connect() -> None:
    database.leave_pool(lock_wait_ms=LOCK_WAIT_MS, statement_ms=STATEMENT_MS)
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Nothing waits behind a connection that waits for the one writer.
            cursor.execute(f"PRAGMA busy_timeout = {STATEMENT_MS}")
