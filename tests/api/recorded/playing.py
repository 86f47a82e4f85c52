"""Sends the requests of a scenario to a running server, and lets its stations answer as it wants."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.api.recorded.recording import HEADERS, normalised
from tests.conformance.peer import TIMEOUT_S, Peer
from tests.servers import API_KEY, LiveServer

VIEWER = "ocs_recorded_viewer"
OPERATOR = "ocs_recorded_operator"
SILENT = object()  # as an answer: the station does not answer
GONE = object()  # the station loses its connection instead


def error(code: str, description: str = "", details: dict[str, Any] | None = None) -> list[Any]:
    """A CALLERROR as an answer of a station."""
    return [code, description, details or {}]


class Player:
    """A client of the API that keeps every exchange, normalised."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.exchanges: list[dict[str, Any]] = []
        # Values that a scenario needs again, and the id of the latest 2.x remote start.
        self.memory: dict[str, Any] = {}
        self.start_id = 0

    async def ask(  # noqa: PLR0913 - requests differ in all of these
        self,
        name: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = API_KEY,
        raw: bytes | None = None,
        only_status: bool = False,
        **headers: str,
    ) -> Any:
        """Send a request and keep the exchange. Returns `data` of the answer, with the raw values."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent.setdefault("Authorization", f"Api-Key {key}")
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        status, received, answer = await asyncio.to_thread(self._exchange, method, path, content, sent)
        shown = {name: received[name] for name in HEADERS if name in received}
        exchange = {
            "name": name,
            "method": method,
            "path": path,
            "status": status,
            **({} if only_status else {"headers": shown, "answer": answer}),
            **({} if body is None else {"body": body}),
        }
        self.exchanges.append(normalised(exchange))
        return answer["data"] if isinstance(answer, dict) and "data" in answer else answer

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return response.status, received, _decoded(response.read(), received.get("content-type", ""))
        finally:
            connection.close()

    async def quiet(self, method: str, path: str) -> Any:
        """Send a request that is not kept; return its answer."""
        return (await self._quiet(method, path))[2]

    async def etag(self, path: str) -> str:
        """The ETag of a resource; the request is not kept."""
        return str((await self._quiet("GET", path))[1]["etag"])

    async def _quiet(self, method: str, path: str) -> tuple[int, dict[str, str], Any]:
        headers = {"Authorization": f"Api-Key {API_KEY}"}
        return await asyncio.to_thread(self._exchange, method, path, None, headers)

    async def command(
        self, peer: Peer, name: str, method: str, path: str, body: Any, *answers: Any, **how: Any
    ) -> Any:
        """Send a request while the station answers the calls that follow from it; keep those calls too."""
        asking = asyncio.create_task(self.ask(name, method, path, body, **how))
        calls = await self._let_answer(peer, answers, asking)
        data = await asking
        self.exchanges[-1]["calls"] = normalised(calls)
        return data

    async def _let_answer(
        self, peer: Peer, answers: Sequence[Any], asking: asyncio.Task[Any]
    ) -> list[list[Any]]:
        calls: list[list[Any]] = []
        for answer in answers:
            waiting = asyncio.create_task(peer.next_call())
            await asyncio.wait({waiting, asking}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and asking.done() and self.exchanges[-1]["status"] != 202:
                waiting.cancel()
                break  # refused: the station is asked nothing
            call = await asyncio.wait_for(waiting, TIMEOUT_S)
            calls.append([call[2], call[3]])
            self.start_id = call[3].get("remoteStartId", self.start_id)
            if answer is GONE:
                peer.abort()
            elif isinstance(answer, list):
                await peer.send([4, call[1], *answer])
            elif answer is not SILENT:
                await peer.answer(call, answer)
        return calls

    async def fill_queue(self, path: str, command: dict[str, Any], count: int) -> None:
        """Send commands that wait for a station; they are not kept."""
        sent = [asyncio.to_thread(self.server.request, "POST", path, command) for _ in range(count)]
        assert {status for status, _ in await asyncio.gather(*sent)} == {202}

    async def until(self, path: str, is_ready: Callable[[Any], Any]) -> Any:
        """Repeat a GET until its data is ready: no event to await, another process changes its database."""
        async with asyncio.timeout(TIMEOUT_S):
            while not (ready := is_ready((await self.quiet("GET", path))["data"])):
                await asyncio.sleep(0.02)
        return ready


def _decoded(content: bytes, kind: str) -> Any:
    if content and kind.startswith("application/json"):
        return json.loads(content)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "<binary>"
