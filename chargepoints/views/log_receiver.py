"""The receiver of logs: an ASGI application at /uploads/<number>/<secret>/, beside Django.

Django writes a whole body to disk before a view runs. This application checks first who sends it, and then
writes it in parts, each in a thread.

1. PUT or POST (405), an address that was given to a station and has not expired (404), and the login in that
   address if it has one (401).
2. The body, or the first file of a multipart form, goes to a draft, within UPLOAD_MAX_FILE (413),
   UPLOAD_QUOTA and UPLOAD_MIN_FREE (507). It is never unpacked, and its name is only shown.
3. When the body is whole, the file gets its name and the log its state.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError

from chargepoints.models import LogUpload
from chargepoints.services.diagnostics import addresses, files, log_uploads
from ocpp_server.bounds import folders, multipart, streams
from ocpp_server.bounds.streaming import Headers, Refused, Threads, answer, client, header

log = structlog.get_logger(__name__)

# The body is written in parts of this size.
WRITTEN_AT_ONCE: Final = 256 * 1024
METHODS: Final = ("PUT", "POST")
_AWAY: Final = "The server can't store the file now. Upload it again later."
_SUPERSEDED: Final = "A newer upload to this address has begun."
_threads = Threads(4, name="log-uploads")
# The upload that each address receives now. A newer one ends it: its station has lost the connection.
_running: dict[int, asyncio.Task[Any]] = {}


class _Interrupted(Exception):  # noqa: N818
    """The body has ended too early: the connection is closed, or `bounds` sends the answer."""


async def receive_log(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one request."""
    status = 200
    headers: Headers = ()
    try:
        upload = await _admitted(scope)
        sentence = await _Reception(upload, scope, receive).run()
    except Refused as refusal:
        status, sentence, headers = refusal.status, refusal.sentence, refusal.headers
    except _Interrupted:
        return
    except DatabaseError as error:
        log.warning("log_upload.database_away", error=str(error))
        status, sentence, headers = 503, _AWAY, ((b"retry-after", b"60"),)
    await answer(scope, send, status, sentence, headers)


async def _admitted(scope: dict[str, Any]) -> LogUpload:
    """The log that is expected at this address, from who has its secrets. Raises Refused."""
    unknown = Refused(404, "No upload is expected at this address.")
    target = addresses.target(streams.path_of(scope))
    if target is None:
        raise unknown
    if scope["method"] not in METHODS:
        allow = ", ".join(METHODS).encode()
        raise Refused(405, "Upload with PUT or POST.", ((b"allow", allow),))
    upload = await _threads.run(log_uploads.find, target.number, target.key)
    if upload is None:
        log.warning("log_upload.unknown_address", address=client(scope))
        raise unknown
    if upload.login_hash and not addresses.matches(_login(scope), upload.login_hash):
        challenge = ((b"www-authenticate", b'Basic realm="logs", charset="UTF-8"'),)
        raise Refused(401, "This address needs its user name and password.", challenge)
    scope.get("extensions", {}).get("ocpp.authenticated", lambda: None)()
    return upload


class _Reception:
    """The reception of one body."""

    def __init__(self, upload: LogUpload, scope: dict[str, Any], receive: Any) -> None:
        self._upload = upload
        self._scope, self._receive = scope, receive
        self._started_at = time.perf_counter()
        self._name = ""
        self._received = 0

    async def run(self) -> str:
        """Receive and store the file; the sentence of the answer. Raises Refused, _Interrupted."""
        pk = self._upload.pk
        previous = _running.get(pk)
        _running[pk] = task = asyncio.ensure_future(self._run())
        if previous is not None:
            previous.cancel()
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Refused(409, _SUPERSEDED) from None
            task.cancel()
            raise
        finally:
            if _running.get(pk) is task:
                del _running[pk]

    async def _run(self) -> str:
        fault = ""
        try:
            form = self._form()
            await _threads.run(log_uploads.begin, self._upload.pk)
            kept = await self._draft(form)
            return await self._store(kept)
        except Refused as refusal:
            fault = refusal.sentence
            raise
        except (folders.TooLarge, folders.NoRoom) as error:
            fault = str(error)
            raise Refused(413 if isinstance(error, folders.TooLarge) else 507, fault) from None
        except multipart.MalformedForm as error:
            fault = str(error)
            raise Refused(400, fault) from None
        except _Interrupted:
            fault = f"The upload ended after {self._received:,} bytes."
            raise
        except OSError as error:
            log.error("log_upload.not_written", error=error.strerror, folder=str(files.LOGS.path))
            fault = _AWAY
            raise Refused(503, _AWAY) from None
        finally:
            if fault:
                log.warning("log_upload.failed", **self._facts(), reason=fault)
                await _threads.run(log_uploads.fail, self._upload.pk, fault)

    def _form(self) -> multipart.FirstFile | None:
        boundary = multipart.boundary_of(header(self._scope, b"content-type"))
        return None if boundary is None else multipart.FirstFile(boundary)

    async def _draft(self, form: multipart.FirstFile | None) -> folders.Kept:
        draft = await _threads.run(files.LOGS.draft, self._upload.pk, stored_bytes=log_uploads.stored_bytes)
        try:
            announced = header(self._scope, b"content-length")
            if announced.isascii() and announced.isdigit():
                beside = 0 if form is None else files.MOST_DISCARDED
                await _threads.run(draft.require, max(0, int(announced[:19]) - beside))
            await self._receive_into(draft, form)
            if form is not None and not form.is_whole:
                raise multipart.MalformedForm("The form has no whole file in it.")
            self._name = form.name if form is not None else ""
            return await _threads.run(draft.keep)
        except BaseException:
            await _threads.run(draft.discard)
            raise

    async def _receive_into(self, draft: folders.Draft, form: multipart.FirstFile | None) -> None:
        waiting, size, is_open = [], 0, True
        while is_open:
            message = await self._receive()
            if message["type"] != "http.request":
                raise _Interrupted
            is_open = message.get("more_body", False)
            body = message.get("body", b"")
            self._received += len(body)
            content = body if form is None else form.feed(body)
            waiting.append(content)
            size += len(content)
            if size >= WRITTEN_AT_ONCE or (size and not is_open):
                await _threads.run(draft.write, b"".join(waiting))
                waiting, size = [], 0
            elif self._received - draft.size > files.MOST_DISCARDED + size:
                raise multipart.MalformedForm("The form has too much in it beside the file.")

    async def _store(self, kept: folders.Kept) -> str:
        target = addresses.target(streams.path_of(self._scope))
        name = addresses.shown_name(self._name) or (target.name if target else "")
        is_stored = False
        try:
            is_stored = await _threads.run(log_uploads.store, self._upload.pk, kept=kept, file_name=name)
        finally:
            if not is_stored:
                await _threads.run(files.LOGS.delete, [kept.name])
        if not is_stored:
            raise Refused(404, "The request for this log was deleted.")
        log.info("log_upload.received", **self._facts(), size=kept.size, ms=self._ms())
        return f"Stored {kept.size} bytes."

    def _facts(self) -> dict[str, Any]:
        return {"station": self._upload.charge_point.identity, "log_upload": self._upload.pk}

    def _ms(self) -> float:
        return round((time.perf_counter() - self._started_at) * 1000, 1)


def _login(scope: dict[str, Any]) -> str:
    """The user name and password of the request, with a colon between them; empty without any."""
    scheme, _, text = header(scope, b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(text.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
