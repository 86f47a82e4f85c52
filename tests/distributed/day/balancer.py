"""A load balancer before the web processes: stations upload their logs to its one address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.servers import LiveServer


@asynccontextmanager
async def balancer(port: int, webs: list[LiveServer]) -> AsyncIterator[None]:
    """Forward each connection to a web process that listens. The list may grow and change."""
    # asyncio drops the task of a connection that its client has closed, although it still copies.
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(forward(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            inner = await _connected(webs)
            if inner is not None:
                with contextlib.closing(inner[1]):
                    await asyncio.gather(_copy(reader, inner[1]), _copy(inner[0], writer))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _connected(webs: list[LiveServer]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    for web in webs:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", web.port)
    return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
