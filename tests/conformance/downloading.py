"""The administrator who adds firmware, and the HTTP client of a station that downloads it."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import secrets
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.servers import API_KEY, LiveServer


class Firmware(NamedTuple):
    id: int
    content: bytes
    shown: dict[str, Any]


class Offer(NamedTuple):
    """An address for one station, as the server makes it."""

    id: int
    key: str
    url: str


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def form(fields: dict[str, str], content: bytes | None, name: str) -> tuple[bytes, str]:
    """A multipart form with its Content-Type."""
    boundary = f"b{uuid.uuid4().hex}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    if content is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(f"{head}Content-Type: application/x-whatever\r\n\r\n".encode() + content + b"\r\n")
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def post_form(
    server: LiveServer, path: str, body: bytes, kind: str, *, key: str = API_KEY
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=120)
    try:
        connection.request("POST", path, body, {"Content-Type": kind, "Authorization": f"Api-Key {key}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


async def added(server: LiveServer, content: bytes, name: str = "fw-1.2.bin", **fields: str) -> Firmware:
    """A hosted firmware."""
    body, kind = form({"name": "Wallbox", "version": "1.2", **fields}, content, name)
    status, answer = await asyncio.to_thread(post_form, server, "/api/v1/firmware", body, kind)
    assert status == 201, answer
    return Firmware(answer["data"]["id"], content, answer["data"])


async def offered(
    server: LiveServer, firmware: Firmware, identity: str, *, minutes: float = 60, name: str = "fw-1.2.bin"
) -> Offer:
    """An offer of this firmware to a station, as `offers.offer` stores it."""
    return await asyncio.to_thread(_offered, server, firmware.id, identity, minutes, name)


def _offered(server: LiveServer, firmware: int, identity: str, minutes: float, name: str) -> Offer:
    key = secrets.token_urlsafe(24)
    now = datetime.now(UTC)
    with closing(sqlite3.connect(server.database, timeout=30)) as database, database:
        (station,) = database.execute(
            "SELECT id FROM chargepoints_chargepoint WHERE identity = ?", (identity,)
        ).fetchone()
        row = database.execute(
            "INSERT INTO chargepoints_firmwaredownload (firmware_id, charge_point_id, key_hash, created_at,"
            " expires_at, sent_parts, bytes_sent, request_count, client_address)"
            " VALUES (?, ?, ?, ?, ?, '[]', 0, 0, '')",
            (
                firmware,
                station,
                hashlib.sha256(key.encode()).hexdigest(),
                now.isoformat(" "),
                (now + timedelta(minutes=minutes)).isoformat(" "),
            ),
        )
        number = int(row.lastrowid or 0)
    url = f"http://{server.host}:{server.port}/firmware/{number}/{key}/{name}"
    return Offer(number, key, url)


def change(server: LiveServer, offer: Offer, **columns: Any) -> None:
    """Change the stored row of an offer: for times that no test waits for."""
    names = ", ".join(f"{name} = ?" for name in columns)
    with closing(sqlite3.connect(server.database, timeout=30)) as database, database:
        database.execute(
            f"UPDATE chargepoints_firmwaredownload SET {names} WHERE id = ?",  # noqa: S608 - names of columns
            (*columns.values(), offer.id),
        )


def _download(url: str, method: str, headers: dict[str, str]) -> Answer:
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        connection.request(method, parts.path, headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


async def download(url: str, *, method: str = "GET", **headers: str) -> Answer:
    """Fetch an address; a header's name has an underscore for each dash."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await asyncio.to_thread(_download, url, method, sent)


async def broken_download(url: str, *, read: int) -> bytes:
    """The beginning of a file, from a station whose connection breaks."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    content = await reader.readexactly(read)
    writer.transport.abort()
    return content
