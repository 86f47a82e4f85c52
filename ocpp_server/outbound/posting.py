"""POST requests to one URL over kept HTTP/1.1 connections, within limits of time and size.

A connection is made to an address that was checked, and is used for a minute at most: then the name is
resolved and checked again. Redirects are answers like others and are not followed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

import httptools

from ocpp_server.outbound import addresses
from ocpp_server.outbound.addresses import Permission, Target
from ocpp_server.outbound.http import RequestFailed

# The start of an answer that is kept; a longer one is not read to its end.
MOST_BYTES: Final = 4 * 1024
_MOST_OVERHEAD: Final = 32 * 1024
_PIECE: Final = 16 * 1024
_CONNECT_S: Final = 5.0
# The life of a connection, and how long it may be idle: many servers close an idle one after 5 s or more.
_LIFE_S: Final = 60.0
_IDLE_S: Final = 20.0  # equivalent: a connection that the server has closed is replaced
# The latest known answer without a body of its own.
_INFORMATIONAL: Final = 200


class Answer(NamedTuple):
    """The status, the value of Retry-After, and the first bytes of the body."""

    status: int
    retry_after: str
    body: bytes


class _Reader:
    """The callbacks of the parser."""

    # Set while an answer is read: a reader and its parser refer to each other.
    parser: httptools.HttpResponseParser | None = None

    def __init__(self) -> None:
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.body = bytearray()
        self.retry_after = ""
        self.status = 0
        self.is_complete = self.is_kept = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self.retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        assert self.parser is not None
        status = self.parser.get_status_code()
        if status >= _INFORMATIONAL:
            self.status = status

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        # The parser forgets the headers after this call.
        assert self.parser is not None
        self.is_complete, self.is_kept = bool(self.status), bool(self.parser.should_keep_alive())

    @property
    def answer(self) -> Answer | None:
        """The answer, once its status is known."""
        if not self.status:
            return None
        return Answer(self.status, self.retry_after, bytes(self.body[:MOST_BYTES]))


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    made_at: float
    used_at: float

    def is_usable(self, now: float) -> bool:
        return (
            now - self.made_at < _LIFE_S
            and now - self.used_at < _IDLE_S
            and not self.reader.at_eof()
            and not self.writer.is_closing()
        )

    def close(self) -> None:
        self.writer.transport.abort()


class _ClosedBefore(Exception):
    """The server closed a kept connection before it read the request."""


class Sender:
    """Sends to one URL. Raises AddressRefused for a URL that is not permitted."""

    def __init__(
        self, url: str, permission: Permission, *, resolver: addresses.Resolve = addresses.resolve
    ) -> None:
        self.target: Target = addresses.parse(url)
        addresses.checked_form(self.target, permission)
        self._permission = permission
        self._resolver = resolver
        self._kept: list[_Connection] = []

    async def post(self, body: bytes, headers: Mapping[str, str], *, limit_s: float) -> Answer:
        """The answer. One whose headers came in time counts, even if its body does not end.

        Raises AddressRefused before a connection is made, and RequestFailed.
        """
        data = _head(self.target, headers, len(body)) + body
        got = _Reader()
        try:
            async with asyncio.timeout(limit_s):
                while (connection := self._take()) is not None:
                    try:
                        return await self._exchange(connection, data, got, is_kept=True)
                    except _ClosedBefore:
                        got = _Reader()
                return await self._exchange(await self._open(), data, got, is_kept=False)
        except TimeoutError:
            if got.answer is not None:
                return got.answer
            raise RequestFailed(f"There was no answer within {limit_s:g} s.") from None
        except ssl.SSLCertVerificationError as error:
            raise RequestFailed(f"The certificate is refused: {error.verify_message}.") from None
        except socket.gaierror:
            raise RequestFailed("The name of the host has no address.") from None
        except (OSError, UnicodeError) as error:
            raise RequestFailed(f"The host can't be reached ({type(error).__name__}).") from None

    def close(self) -> None:
        """Close the kept connections."""
        while self._kept:
            self._kept.pop().close()

    def _take(self) -> _Connection | None:
        """A kept connection that is open, the last used first."""
        while self._kept:
            connection = self._kept.pop()
            if connection.is_usable(time.monotonic()):
                return connection
            connection.close()
        return None

    async def _open(self) -> _Connection:
        """A connection to the first address that accepts one. TLS checks the name of the host."""
        found = await addresses.permitted(self.target, self._permission, resolver=self._resolver)
        how = (
            {"ssl": _trusting(), "server_hostname": self.target.host} if self.target.scheme == "https" else {}
        )
        failed: OSError | None = None
        for address in found:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    streams = await asyncio.open_connection(address, self.target.port, **how)  # type: ignore[arg-type]
            except ssl.SSLCertVerificationError:
                raise
            except OSError as error:  # TimeoutError too
                failed = error
            else:
                now = time.monotonic()
                return _Connection(*streams, now, now)
        if isinstance(failed, TimeoutError):
            raise RequestFailed(f"The host accepts no connection within {_CONNECT_S:g} s.")
        raise failed or RequestFailed("The name of the host has no address.")

    async def _exchange(self, connection: _Connection, data: bytes, got: _Reader, *, is_kept: bool) -> Answer:
        is_reusable = False
        try:
            try:
                connection.writer.write(data)
                await connection.writer.drain()
                is_reusable = await _read(connection.reader, got)
            except (ConnectionError, _ClosedBefore):
                if is_kept and not got.status:
                    raise _ClosedBefore from None
                if got.answer is None:
                    raise RequestFailed("The connection was closed before an answer.") from None
            answer = got.answer
            assert answer is not None  # equivalent: `_read` returns with a status
            return answer
        finally:
            if is_reusable:
                self._kept.append(connection._replace(used_at=time.monotonic()))
            else:
                connection.close()


async def _read(reader: asyncio.StreamReader, got: _Reader) -> bool:
    """Read an answer. Returns whether the connection can be used again.

    Raises _ClosedBefore without a status, RequestFailed.
    """
    parser = httptools.HttpResponseParser(got)
    got.parser = parser
    try:
        return await _parse(reader, got, parser)
    finally:
        got.parser = None


async def _parse(reader: asyncio.StreamReader, got: _Reader, parser: httptools.HttpResponseParser) -> bool:
    count = 0
    while not got.is_complete:
        piece = await reader.read(_PIECE)
        if not piece:
            if got.status:
                return False
            raise _ClosedBefore
        count += len(piece)
        try:
            parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise RequestFailed("The answer is not HTTP.") from None
        if len(got.body) > MOST_BYTES:
            return False
        if count > MOST_BYTES + _MOST_OVERHEAD:
            raise RequestFailed("The headers of the answer are too long.")
    return got.is_kept


@cache
def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context()


def _head(target: Target, headers: Mapping[str, str], length: int) -> bytes:
    fields = {
        "Host": target.netloc,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        **headers,
        "Content-Length": str(length),
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
