"""The REST API inside the process of a management command, for a distributed server.

A command to a station goes through the channel layer to the process that holds the socket, as it does from a
web process. The answer of the station returns the same way.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from django.conf import settings

from ocpp_server.asgi import application  # sets up logging; its level is raised below
from ocpp_server.management.api import AT_ONCE, Answer, Api, ServerAway, read_answer
from ocpp_server.process import engine, start
from ocpp_server.protocol.dispatch import StorageUnavailable


@contextmanager
def own_process() -> Iterator[Api]:
    """Start the engine in this process. Raises ServerAway when Redis or the database is unavailable."""
    # The terminal shows only the result; the rows of the command log have the rest.
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    try:
        start.require_redis(settings.REDIS_URL)
        start.connect_once()
    except start.StartError as error:
        raise ServerAway(str(error)) from None
    with asyncio.Runner() as runner:
        try:
            runner.run(engine.start(serves=False))
        except StorageUnavailable as error:
            raise ServerAway(str(error)) from None
        try:
            yield _OwnApi(runner)
        finally:
            runner.run(engine.stop())


class _OwnApi(Api):
    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner

    def _request(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> Answer:
        return self._runner.run(self._answer(method, path, body, timeout))

    def post_all(self, posts: Sequence[tuple[str, dict[str, Any]]], *, timeout: float) -> list[Answer]:
        async def post_all() -> list[Answer]:
            limit = asyncio.Semaphore(AT_ONCE)

            async def post(path: str, body: dict[str, Any]) -> Answer:
                async with limit:
                    return await self._answer("POST", path, body, timeout)

            return await asyncio.gather(*(post(*one) for one in posts))

        return self._runner.run(post_all())

    async def _answer(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        try:
            async with asyncio.timeout(timeout):
                status, text = await self._ask(method, path, content)
        except TimeoutError:
            raise ServerAway(f"There was no answer within {timeout:.0f} s.") from None
        return read_answer(status, text)

    async def _ask(self, method: str, path: str, content: bytes) -> tuple[int, bytes]:
        """Call the ASGI application with one request, without a socket."""
        address, _, query = path.partition("?")
        headers = {**self._headers, "Host": "localhost", "Content-Length": str(len(content))}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(address),
            "raw_path": address.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 0),
            "server": ("localhost", settings.HTTP_PORT),
        }
        status, parts = 0, []
        is_asked = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if is_asked.is_set():
                await asyncio.Event().wait()  # the client stays connected until it is answered
            is_asked.set()
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await application(scope, receive, send)
        return status, b"".join(parts)
