"""A receiver of webhooks over real HTTP, and the senders of a process, driven by the test."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from events.models import WebhookEndpoint
from events.services import numbering
from events.services.webhooks import endpoints, running
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.storage.journal import journal
from tests.direct import process
from tests.responders import Answer, Server, serving

OK = Answer()
Answering = Callable[[dict[str, Any]], Answer]


class Receiver:
    """The received events, in their order, and the answer to each."""

    def __init__(self, server: Server, answering: list[Answering]) -> None:
        self.server = server
        self._answering = answering

    @property
    def url(self) -> str:
        return f"{self.server.url}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in list(self.server.requests)]

    @property
    def sequences(self) -> list[tuple[str, int]]:
        return [(event["station"], event["sequence"]) for event in self.events]

    def answers(self, answering: Answering) -> None:
        self._answering[0] = answering


@contextmanager
def receiving(answering: Answering = lambda event: OK) -> Iterator[Receiver]:
    current = [answering]
    with serving(lambda path, body: current[0](json.loads(body))) as server:
        yield Receiver(server, current)


def endpoint(url: str, **settings: Any) -> WebhookEndpoint:
    return endpoints.create(name=settings.pop("name", "Billing"), url=url, created_by="ann", **settings)


def emit(station: str = "CP-1", times: int = 1) -> None:
    for _ in range(times):
        outbox.emit(stations.FIRMWARE, station=station, status="Downloading")
    numbering.number_some()


class Senders(running._Senders):
    """The senders of a process, which the test runs step by step and without pauses between refreshes."""

    async def until(self, condition: Callable[[], Any], *, limit_s: float = 20) -> None:
        deadline = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            self._refreshed_at = self._flushed_at = 0.0
            await self.cycle()
            await asyncio.sleep(0.01)  # poll: requests are under way
        await self.flush()

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a service in the journal's thread."""
        return await journal.run(function, *args, **kwargs)


@asynccontextmanager
async def sending() -> AsyncIterator[Senders]:
    async with process.running():
        senders = Senders()
        try:
            yield senders
        finally:
            senders.stop()
