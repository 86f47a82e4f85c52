"""The sender of firmware: an ASGI application at /firmware/<number>/<secret>/<file name>, beside Django.

A station reads slowly, for hours at worst. This application reads each part of the file in a thread and waits
for the station without one.

1. GET or HEAD (405), and an address that was given to a station, has not expired and was not used up (404).
2. The whole file (200), or the one range that was asked for (206, 416). If-Range with another version asks
   for the whole file.
3. The parts that were sent are noted. When they are the whole file, the address ends after
   `downloads.AGAIN`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from typing import Any, BinaryIO, Final

import structlog
from django.db import Error as DatabaseError
from django.utils.http import http_date

from chargepoints.models import FirmwareDownload
from chargepoints.services.firmware import downloads, offers, ranges
from chargepoints.services.firmware.files import HOSTED
from chargepoints.services.firmware.ranges import Part
from ocpp_server.bounds import streams
from ocpp_server.bounds.streaming import Headers, Refused, Threads, answer, client, count, cut, header

log = structlog.get_logger(__name__)

METHODS: Final = ("GET", "HEAD")
# The file is read in parts of this size.
READ_AT_ONCE: Final = 64 * 1024
# A station must read a part within this time, in seconds: 0.5 KiB a second at least.
SEND_TIMEOUT_S: Final = 120.0
# The progress of a long answer is noted so often, in seconds.
NOTED_EACH_S: Final = 10.0
# So many answers at once for one address; a further one ends the oldest, whose station has lost it.
MOST_AT_ONCE: Final = 4
_AWAY: Final = "The server can't send the file now. Download it again later."
_RETRY: Final = ((b"retry-after", b"60"),)
_threads = Threads(4, name="firmware")
_running: dict[int, deque[asyncio.Task[Any]]] = {}


class _Interrupted(Exception):  # noqa: N818
    """The station has gone, or does not read."""


async def send_firmware(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one request."""
    try:
        download = await _admitted(scope)
        await _Sending(download, scope, receive, send).run()
    except Refused as refusal:
        await answer(scope, send, refusal.status, refusal.sentence, refusal.headers)
    except DatabaseError as error:
        log.warning("firmware.database_away", error=str(error))
        await answer(scope, send, 503, _AWAY, _RETRY)


async def _admitted(scope: dict[str, Any]) -> FirmwareDownload:
    """The download at this address. Raises Refused, with the same answer for every wrong address."""
    unknown = Refused(404, "No file is offered at this address.")
    target = offers.target(streams.path_of(scope))
    if target is None:
        raise unknown
    if scope["method"] not in METHODS:
        raise Refused(405, "Download with GET.", ((b"allow", ", ".join(METHODS).encode()),))
    download = await _threads.run(downloads.find, target.number, target.key)
    if download is None:
        log.warning("firmware.unknown_address", address=client(scope))
        raise unknown
    scope.get("extensions", {}).get("ocpp.authenticated", lambda: None)()
    return download


class _Sending:
    """The answer to one request."""

    def __init__(self, download: FirmwareDownload, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._download, self._firmware = download, download.firmware
        self._scope, self._receive, self._send = scope, receive, send
        self._size = self._firmware.size or 0
        self._entry: int | None = None
        self._part = Part(0, self._size)
        # Sent up to here, and noted up to here.
        self._sent = self._noted = 0
        self._started_at = self._noted_at = time.perf_counter()

    async def run(self) -> None:
        """Send the file or a part of it. Raises Refused, DatabaseError before the answer has begun."""
        file = await _threads.run(self._open)
        try:
            status = await self._begin()
            if self._scope["method"] == "HEAD":
                await self._start(status)
                await self._send({"type": "http.response.body", "body": b""})
                return
            await self._sole(self._body(file, status))
        finally:
            await _threads.run(file.close)

    def _open(self) -> BinaryIO:
        try:
            file = HOSTED.handle(self._firmware.stored_as)
        except OSError as error:
            log.error("firmware.file_missing", firmware=self._firmware.pk, error=error.strerror or str(error))
            raise Refused(503, _AWAY, _RETRY) from None
        if os.fstat(file.fileno()).st_size != self._size:
            file.close()
            log.error("firmware.file_changed", firmware=self._firmware.pk)
            raise Refused(503, _AWAY, _RETRY)
        return file

    # -- the head ----------------------------------------------------------------------------------------

    async def _begin(self) -> int:
        """The status of the answer, noted in the log. Raises Refused for a range outside of the file."""
        method, part = self._scope["method"], None
        # RFC 9110, 14.2: a Range counts for GET alone.
        if method == "GET" and self._is_same_version():
            try:
                part = ranges.asked(header(self._scope, b"range"), size=self._size)
            except ranges.Unsatisfiable:
                await self._log_request(416, None)
                range_of = (b"content-range", f"bytes */{self._size}".encode())
                raise Refused(416, "The file has no such range.", (range_of,)) from None
        status = 200 if part is None else 206
        self._part = part or self._part
        self._sent = self._noted = self._part.first
        await self._log_request(status, self._part if method == "GET" else None)
        return status

    async def _log_request(self, status: int, part: Part | None) -> None:
        request = downloads.Request(self._scope["method"], status, client(self._scope), part)
        self._entry = await _threads.run(downloads.begin, self._download.pk, request)

    @property
    def _etag(self) -> str:
        return f'"{self._firmware.sha256}"'

    @property
    def _modified(self) -> str:
        return http_date(self._firmware.created_at.timestamp())

    def _is_same_version(self) -> bool:
        """Whether the part that the station has already is of this file."""
        condition = header(self._scope, b"if-range")
        return not condition or condition in (self._etag, self._modified)

    async def _start(self, status: int) -> None:
        count(self._scope, status)
        name = self._firmware.file_name
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(self._part.size),
            "content-disposition": f'attachment; filename="{name}"',
            "accept-ranges": "bytes",
            "etag": self._etag,
            "last-modified": self._modified,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        if status == 206:  # noqa: PLR2004
            headers["content-range"] = f"bytes {self._part.first}-{self._part.end - 1}/{self._size}"
        listed: Headers = tuple((name.encode(), value.encode()) for name, value in headers.items())
        await self._send({"type": "http.response.start", "status": status, "headers": listed})

    # -- the body ----------------------------------------------------------------------------------------

    async def _sole(self, body: Any) -> None:
        """Run the body as one of MOST_AT_ONCE of its address."""
        task = asyncio.ensure_future(body)
        running = _running.setdefault(self._download.pk, deque())
        running.append(task)
        if len(running) > MOST_AT_ONCE:
            running[0].cancel()
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                raise
        finally:
            running.remove(task)
            if not running:
                _running.pop(self._download.pk, None)

    async def _body(self, file: BinaryIO, status: int) -> None:
        gone = asyncio.ensure_future(self._wait_for_disconnect())
        try:
            await self._start(status)
            while self._sent < self._part.end:
                data = await _threads.run(self._read, file)
                await self._send_part(data, gone)
                if time.perf_counter() - self._noted_at >= NOTED_EACH_S and self._sent < self._part.end:
                    await self._note(is_over=False)
        except BaseException as error:
            cut(self._scope)
            if not isinstance(error, _Interrupted):
                raise
        finally:
            gone.cancel()
            await self._note(is_over=True)

    def _read(self, file: BinaryIO) -> bytes:
        data = os.pread(file.fileno(), min(READ_AT_ONCE, self._part.end - self._sent), self._sent)
        if not data:
            log.error("firmware.file_changed", firmware=self._firmware.pk)
            raise _Interrupted
        return data

    async def _send_part(self, data: bytes, gone: asyncio.Future[None]) -> None:
        """Send a part, and wait until the station has room for the next. Raises _Interrupted."""
        is_open = self._sent + len(data) < self._part.end
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send({"type": "http.response.body", "body": data, "more_body": is_open})
        except TimeoutError:
            log.warning("firmware.not_read", **self._facts())
            raise _Interrupted from None
        # The server discards what is sent to a station that has gone.
        if is_open and gone.done():
            raise _Interrupted
        self._sent += len(data)

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] == "http.request":
            pass

    async def _note(self, *, is_over: bool) -> None:
        sent = Part(self._noted, self._sent)
        self._noted, self._noted_at = self._sent, time.perf_counter()
        try:
            completes = await _threads.run(
                downloads.note, self._download.pk, self._entry, sent=sent, size=self._size, is_over=is_over
            )
        except DatabaseError as error:
            # The station gets its file; the address ends by its time.
            log.warning("firmware.not_noted", error=str(error), **self._facts())
            return
        if completes:
            log.info("firmware.downloaded", **self._facts())

    def _facts(self) -> dict[str, Any]:
        ms = round((time.perf_counter() - self._started_at) * 1000, 1)
        return {
            "station": self._download.charge_point.identity,
            "firmware": self._firmware.pk,
            "download": self._download.pk,
            "bytes": self._sent - self._part.first,
            "ms": ms,
        }
