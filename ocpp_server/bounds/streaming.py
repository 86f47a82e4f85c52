"""Shared parts of the applications of `streams`: their threads, their refusals, and their short answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from django.db import connection

from ocpp_server.observability import measures

P = ParamSpec("P")
T = TypeVar("T")
Headers = tuple[tuple[bytes, bytes], ...]


class Refused(Exception):  # noqa: N818 - named for what happened
    """An answer that ends a request."""

    def __init__(self, status: int, sentence: str, headers: Headers = ()) -> None:
        self.status = status
        self.sentence = sentence
        self.headers = headers
        super().__init__(sentence)


class Threads:
    """Threads for one application only: a slow disk or a flood of wrong addresses delays nothing else."""

    def __init__(self, count: int, *, name: str) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a blocking function, which may use the database."""

        def run() -> T:
            try:
                return function(*args, **kwargs)
            finally:
                connection.close()

        # Shielded: a cancelled request closes its file only after the last part was read or written.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._executor, run))


def header(scope: dict[str, Any], wanted: bytes) -> str:
    """A header of the request; empty without it."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "").strip()


def client(scope: dict[str, Any]) -> str:
    """The address of the client, as the server or a trusted proxy knows it."""
    found = scope.get("client")
    return str(found[0]) if found else ""


def count(scope: dict[str, Any], status: int) -> None:
    """Count the request in the metrics."""
    method = scope["method"]
    measures.http_requests.add(method if method in measures.METHODS else measures.OTHER, str(status))


def cut(scope: dict[str, Any]) -> None:
    """Close the connection at once, without what still waits to be sent; the client does not read it."""
    found = scope.get("extensions", {}).get("ocpp.connection")
    if found is not None:
        found.transport.abort()


async def answer(scope: dict[str, Any], send: Any, status: int, sentence: str, headers: Headers) -> None:
    """Send one sentence."""
    count(scope, status)
    body = f"{sentence}\n".encode()
    shared = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    await send({"type": "http.response.start", "status": status, "headers": [*shared, *headers]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
