"""The upload of a log over HTTP as a station does it: PUT, and after 401 with the login of the address."""

import asyncio
import base64
import contextlib
import ssl
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urlsplit

if TYPE_CHECKING:
    from simulator.station import Station

TIMEOUT_S = 30.0  # real seconds for one attempt
_UNAUTHORIZED = 401
_PORTS = {"http": 80, "https": 443}


class UploadFailed(Exception):  # noqa: N818 - named for the status that the station sends
    """The file did not arrive: `str(error)` is the reason."""


def content(station: "Station") -> bytes:
    """The text of a log: the station, and the state of each connector."""
    lines = [f"{station.identity} {station.vendor} {station.model} {station.firmware} OCPP {station.version}"]
    lines += [f"connector {one.number}: {one.status}" for one in station.connectors]
    return "".join(f"{line}\n" for line in lines).encode() * 200


def transfers(station: "Station", url: str) -> bool:
    """Whether files are really sent to this address, or fetched; with others the station only says so."""
    return not station.is_isolated and urlsplit(url).scheme.lower() in _PORTS


async def connect(
    parts: SplitResult, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the host of an address."""
    scheme = parts.scheme.lower()
    secure = (tls or ssl.create_default_context()) if scheme == "https" else None
    return await asyncio.open_connection(parts.hostname, parts.port or _PORTS[scheme], ssl=secure)


def login_header(parts: SplitResult) -> str:
    """The header with the login of an address."""
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
    return f"Authorization: Basic {base64.b64encode(login).decode()}"


async def upload(url: str, name: str, body: bytes, *, tls: ssl.SSLContext | None, stops_at: int = 0) -> None:
    """Upload a file. With `stops_at`, cut the connection after so many bytes. Raises UploadFailed."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            status = await _put(url, name, body, tls=tls, stops_at=stops_at, with_login=False)
            if status == _UNAUTHORIZED and urlsplit(url).username:
                status = await _put(url, name, body, tls=tls, stops_at=stops_at, with_login=True)
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
        raise UploadFailed(str(error) or type(error).__name__) from None
    if not 200 <= status < 300:
        raise UploadFailed(f"the answer was {status}")


async def _put(
    url: str, name: str, body: bytes, *, tls: ssl.SSLContext | None, stops_at: int, with_login: bool
) -> int:
    """The status of the answer."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (quote(name) if parts.path.endswith("/") and not parts.query else "")
    head = [
        f"PUT {path}{'?' if parts.query else ''}{parts.query} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/octet-stream",
        "Connection: close",
    ]
    if with_login:
        head.append(login_header(parts))
    reader, writer = await connect(parts, tls)
    try:
        writer.write("".join(f"{line}\r\n" for line in [*head, ""]).encode())
        if stops_at:
            writer.write(body[:stops_at])
            await writer.drain()
            raise UploadFailed("the station stopped")
        writer.write(body)
        with contextlib.suppress(ConnectionError):  # the server may answer before it has read everything
            await writer.drain()
        line = await reader.readuntil(b"\r\n")
        return int(line.split()[1])
    finally:
        writer.close()
