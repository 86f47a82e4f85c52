"""One HTTP/1.1 request on asyncio, within limits of time and size. Redirects are not followed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Collection, Mapping
from functools import cache
from typing import Final, NamedTuple

import httptools

from ocpp_server.outbound import addresses
from ocpp_server.outbound.addresses import Target

# The status line and the headers of an answer, with the lengths between the parts of its body.
_MOST_OVERHEAD: Final = 32 * 1024
_PIECE: Final = 16 * 1024


class RequestFailed(Exception):
    """No whole answer came within the limits. `str(error)` is a sentence without the address."""


class Limits(NamedTuple):
    """Seconds for each connection and for everything, and the longest body in bytes."""

    connect_s: float = 2.0
    total_s: float = 5.0
    most_bytes: int = 64 * 1024


LIMITS: Final = Limits()


class Answer(NamedTuple):
    """The answer with its whole body."""

    status: int
    body: bytes


class _Reader:
    """The callbacks of the parser."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.length: int | None = None
        self.is_chunked = self.has_headers = self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-length" and value.isdigit():
            self.length = int(value)
        elif name.lower() == b"transfer-encoding":
            self.is_chunked = True

    def on_headers_complete(self) -> None:
        self.has_headers = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = True

    def ends(self) -> bool:
        """Whether the end of the connection is the end of the body."""
        return self.has_headers and not self.is_chunked and self.length in (None, len(self.body))


async def request(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    listed: Collection[str] | None = None,
    limits: Limits = LIMITS,
    resolver: addresses.Resolve = addresses.resolve,
) -> Answer:
    """The answer to one request. With `listed`, the guards of `addresses.checked` apply; None is for an
    address of the operator alone.

    Raises AddressRefused before any connection is made, and RequestFailed.
    """
    target = addresses.parse(url)
    try:
        async with asyncio.timeout(limits.total_s):
            if listed is None:
                found = await resolver(target.host, target.port)
            else:
                found = await addresses.checked(target, listed, resolver=resolver)
            reader, writer = await _connect(target, found, limits.connect_s)
            try:
                writer.write(_head(method, target, headers or {}, len(body)) + body)
                await writer.drain()
                return await _read(reader, limits.most_bytes)
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise RequestFailed(f"There was no answer within {limits.total_s:g} s.") from None
    except (OSError, ssl.SSLError, UnicodeError) as error:
        raise RequestFailed(f"The host can't be reached ({type(error).__name__}).") from None


async def _connect(
    target: Target, found: list[str], seconds: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address that accepts one. TLS checks the name of the host."""
    how = {"ssl": _trusting(), "server_hostname": target.host} if target.scheme == "https" else {}
    for address in found:
        with contextlib.suppress(OSError):  # TimeoutError too
            async with asyncio.timeout(seconds):
                return await asyncio.open_connection(address, target.port, **how)  # type: ignore[arg-type]
    raise RequestFailed("The host can't be reached.")


@cache
def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context()


def _head(method: str, target: Target, headers: Mapping[str, str], length: int) -> bytes:
    fields = {"Host": target.netloc, "Connection": "close", "Accept-Encoding": "identity", **headers}
    if length or method == "POST":
        fields["Content-Length"] = str(length)
    lines = [f"{method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _read(reader: asyncio.StreamReader, most_bytes: int) -> Answer:
    got, count = _Reader(), 0
    parser = httptools.HttpResponseParser(got)
    while not got.is_complete:
        piece = await reader.read(_PIECE)
        if not piece:
            if not got.ends():
                raise RequestFailed("The answer is not complete.")
            break
        count += len(piece)
        try:
            parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise RequestFailed("The answer is not HTTP.") from None
        if len(got.body) > most_bytes or count > most_bytes + _MOST_OVERHEAD:
            raise RequestFailed(f"The answer is longer than {most_bytes:,} bytes.")
    return Answer(parser.get_status_code(), bytes(got.body))
