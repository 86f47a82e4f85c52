"""The HTTP client of a station that uploads a log."""

from __future__ import annotations

import asyncio
import base64
import http.client
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.conformance.peer import Operator, Peer


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def _send(
    url: str, body: bytes | Iterable[bytes], method: str, headers: dict[str, str], with_login: bool
) -> Answer:
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        if with_login:
            login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
            headers = {**headers, "Authorization": f"Basic {base64.b64encode(login).decode()}"}
        is_chunked = not isinstance(body, bytes)
        if is_chunked:
            headers = {**headers, "Transfer-Encoding": "chunked"}
        connection.request(method, parts.path, body, headers, encode_chunked=is_chunked)
        return Answer(connection.getresponse())
    finally:
        connection.close()


async def upload(
    url: str,
    body: bytes | Iterable[bytes],
    *,
    method: str = "PUT",
    headers: dict[str, str] | None = None,
    with_login: bool = False,
) -> Answer:
    """Upload a file; an iterable is sent in chunks."""
    return await asyncio.to_thread(_send, url, body, method, headers or {}, with_login)


def form(content: bytes, name: str = "log.txt") -> tuple[bytes, dict[str, str]]:
    """A multipart form with a file, and its Content-Type."""
    head = f'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    field = b'--b0undary\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    body = field + head + content + b"\r\n--b0undary--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=b0undary"}


class Requested:
    """A log that was asked for: the frame of the station, and the answer of the API."""

    def __init__(self, call: list[Any], status: int, answer: dict[str, Any]) -> None:
        self.action, self.payload = call[2], call[3]
        self.status, self.answer = status, answer
        log = self.payload.get("log", {})
        self.url: str = self.payload.get("location") or log.get("remoteLocation")

    @property
    def id(self) -> int:
        number: int = self.answer["data"]["logId"]
        return number


async def ask(operator: Operator, peer: Peer, command: str, reply: dict[str, Any], **body: Any) -> Requested:
    """Ask a station for a log, and let it answer."""
    path = f"/api/v1/chargepoints/{peer.identity}/{command}"
    sent = asyncio.create_task(operator.request("POST", path, body))
    call = await peer.next_call()
    await peer.answer(call, reply)
    return Requested(call, *await sent)


async def shown(operator: Operator, peer: Peer, number: int) -> dict[str, Any]:
    """A log as the API shows it."""
    status, answer = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/logs/{number}")
    assert status == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


async def in_state(operator: Operator, peer: Peer, number: int, state: str) -> dict[str, Any]:
    """The log once it has this state: it is computed after the answer to a notification."""
    for _ in range(500):
        row = await shown(operator, peer, number)
        if row["state"] == state:
            return row
        await asyncio.sleep(0.02)  # no event to await: another process changes its database
    raise AssertionError(f"the log is {row}")
