"""The conversation with an unknown station until its first BootNotification, which adds the station.

A handshake proves nothing, and names cost nothing: until its boot, an unknown station is only a socket of
this process. It has no row, no lease or queue in Redis, and it is not in the lists of stations. Everything
but a valid BootNotification is answered with SecurityError. The process that holds the socket does all of
this, so a gateway and the embedded server follow the same rule.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog
from django.conf import settings

from ocpp_server.observability.masking import masked_words
from ocpp_server.protocol import actions, boots, schemas, translate
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.protocol.errors import OcppError, SecurityError
from ocpp_server.protocol.frames import Call, pack_error, pack_result
from ocpp_server.protocol.session import Incoming, OutgoingCall, Refused, Session
from ocpp_server.transport.handshake import admission, denial
from ocpp_server.transport.handshake.admission import Admitted, Handshake, Refusal, Unknown
from ocpp_server.transport.handshake.known_station import KnownStation
from ocpp_server.transport.token_bucket import TokenBucket

log = structlog.get_logger(__name__)

# The most sockets of unknown stations that one process keeps open.
MAX_WAITING: Final = 2_000
# A station that has not booted is asked to after ASK_S, as one that was removed does not boot when it
# reconnects. After BOOT_S its socket is closed.
ASK_S, BOOT_S = 10.0, 120.0
# Seconds until a station that can't be added now sends the next BootNotification; up to a tenth is added at
# random.
RETRY_S: Final = 60

# The close code for a station that has not become a known one.
NOT_ADMITTED: Final = 1008
_BOOT_FIRST: Final = "The station is unknown: it has to send a BootNotification first."

Send = Callable[[str], Awaitable[None]]
Close = Callable[[int, str], Awaitable[None]]
Enter = Callable[[Handshake], Awaitable[KnownStation]]


class Ended(Exception):  # noqa: N818 - nothing went wrong
    """The socket was closed with this code before the station was added."""

    def __init__(self, code: int) -> None:
        self.code = code


class FirstBoot:
    """Answers the messages of an unknown station. `enter` adds it and returns its row, or raises Refusal."""

    def __init__(
        self, handshake: Handshake, version: str, *, send: Send, close: Close, enter: Enter = admission.enter
    ) -> None:
        self._handshake, self._version = handshake, version
        self._enter, self._send, self._close = enter, send, close
        self._session = Session(version)
        # The action of the first request that was refused.
        self._refused = ""  # equivalent: None is as false
        # The sentence about a boot that was refused.
        self._refused_boot = ""  # equivalent: None is as false

    async def received(self, text: str) -> KnownStation | None:
        """Answer a frame. Returns the row of the station when the frame is the boot that has added it: the
        caller then handles the frame again, as the first one of a known station.

        Raises StorageUnavailable when the row can't be stored.
        """
        is_strict = settings.OCPP_VALIDATION == "strict"
        event = self._session.receive(text, time.monotonic(), strict=is_strict)
        if isinstance(event, Incoming):
            if event.call.action == "BootNotification":
                return await self._booted(event.call)
            self._refused = self._refused or _name(event.call)
            await self._answer_error(event.call, SecurityError(_BOOT_FIRST))
        elif isinstance(event, Refused):
            if event.text:
                await self._send(event.text)
            if event.close:
                await self._close(1002, "Too many broken frames in a row.")
        return None

    async def _booted(self, call: Call) -> KnownStation | None:
        payload: dict[str, Any] = {}
        try:
            # The same check follows when the boot is handled; one that fails it must not add a station.
            payload = call.json()
            is_strict = settings.OCPP_VALIDATION == "strict"
            schemas.check(self._version, call.action, "request", payload, strict=is_strict)
            return await self._enter(self._handshake)
        except OcppError as error:
            of_other_version = boots.explained(self._version, call.action, payload, error)
            await self._answer_error(call, of_other_version or error)
            self._refused_boot = (
                f"The first BootNotification was refused: {masked_words(error.description)}"
                if of_other_version is None
                else of_other_version.description
            )
        except Refusal as refusal:
            await denial.record(self._handshake, refusal)
            if refusal.security:
                await self._close(NOT_ADMITTED, refusal.reason)
            else:
                await self._answer(call, _rejected(call.id))
        return None

    async def _answer_error(self, call: Call, error: OcppError) -> None:
        await self._answer(call, pack_error(call.id, error, self._version))

    async def _answer(self, call: Call, text: str) -> None:
        self._session.answered(call, text, time.monotonic())
        await self._send(text)

    async def record_unbooted(self, *, was_silent: bool = False) -> None:
        """Show a station that has not booted among the refused connections, where an operator can add it. One
        that left at once is not shown.
        """
        if self._refused or self._refused_boot or was_silent:
            sent = f", not {self._refused}" if self._refused else f" within {BOOT_S:.0f} seconds"
            reason = self._refused_boot or f"An unknown station has to send a BootNotification first{sent}."
            await denial.record(self._handshake, Refusal(NOT_ADMITTED, reason, can_be_accepted=True))

    async def ask(self) -> None:
        """Ask the station to boot. A station that does not know the request refuses it without harm."""
        call = OutgoingCall(
            str(uuid.uuid4()), "TriggerMessage", {"requestedMessage": "BootNotification"}, BOOT_S
        )
        text = self._session.submit(call, time.monotonic())
        if text is not None:
            await self._send(text)


def _name(call: Call) -> str:
    """The action if the server knows it: the sentence is stored, and stations choose their texts."""
    return call.action if actions.known(call.action) else "an unknown action"


def _rejected(message_id: str) -> str:
    """The answer to the boot of a station that can't be added now: it boots again later."""
    seconds = RETRY_S + random.randrange(RETRY_S // 10 + 1)  # noqa: S311 - spreading load, not a secret
    now = translate.time(datetime.now(UTC))
    return pack_result(
        message_id, orjson.dumps({"status": "Rejected", "currentTime": now, "interval": seconds}).decode()
    )


class UnknownSocket:
    """The open socket of an unknown station. Raises Refusal when this process has too many of them."""

    # A shutdown need not wait for an answer (`shutdown.ClosableSocket`).
    is_awaited = False

    def __init__(self, handshake: Handshake, unknown: Unknown, receive: Any, send: Any) -> None:
        if len(_waiting) >= MAX_WAITING:
            raise Refusal(503, f"{MAX_WAITING:,} unknown stations wait for their first boot.")
        self._unknown, self._receive, self._send_message = unknown, receive, send
        self._is_closed = False
        # Whether the socket was closed because the station did not boot.
        self._was_silent = False
        self._boot = FirstBoot(handshake, unknown.version, send=self._send, close=self._close)

    async def until_boot(self) -> tuple[Admitted, str]:
        """Talk to the station until it is added. Returns it with the frame of its boot, which is not answered
        yet. Raises Ended when the socket is closed before.
        """
        _waiting.add(self)
        try:
            return await self._converse()
        except Ended:
            # Not earlier: some stations send their status first and then boot.
            await self._boot.record_unbooted(was_silent=self._was_silent)
            raise
        finally:
            _waiting.discard(self)

    async def finish(self, code: int, reason: str) -> None:
        """Close, because the process ends."""
        await self._close(code, reason)

    async def end(self, code: int, reason: str) -> Ended:
        """Close the socket of a station that its boot has added and that can't be served: it connects again.
        Returns the exception to raise.
        """
        await self._close(code, reason)
        return Ended(code)

    async def _converse(self) -> tuple[Admitted, str]:
        bucket = TokenBucket(settings.OCPP_STATION_RATE)
        opened_at = asyncio.get_running_loop().time()
        has_asked = False
        while True:
            wait_s = BOOT_S if has_asked else ASK_S
            try:
                async with asyncio.timeout_at(None if self._is_closed else opened_at + wait_s):
                    message = await self._receive()
            except TimeoutError:
                if has_asked:
                    self._was_silent = True
                    await self._close(NOT_ADMITTED, f"No BootNotification within {BOOT_S:.0f} seconds.")
                else:
                    has_asked = True
                    await self._boot.ask()
                continue
            if message["type"] == "websocket.disconnect":
                raise Ended(close_code(message))
            text = message.get("text")
            if text is None:
                await self._close(1003, "OCPP-J is text.")
            elif not self._is_closed:
                delay = bucket.delay(time.monotonic())
                if delay:
                    # The socket is not read meanwhile, so TCP slows down only this station.
                    await asyncio.sleep(delay)
                station = await self._received(text)
                if station is not None:
                    return Admitted(station, self._unknown.version, self._unknown.subprotocol), text

    async def _received(self, text: str) -> KnownStation | None:
        try:
            return await self._boot.received(text)
        except StorageUnavailable as error:
            await self._close(1013, error.sentence)
            return None

    async def _send(self, text: str) -> None:
        if not self._is_closed:
            await self._send_message({"type": "websocket.send", "text": text})

    async def _close(self, code: int, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            log.info("station.closing", code=code, reason=reason)
            # The station may close at the same time.
            with suppress(OSError):
                await self._send_message({"type": "websocket.close", "code": code, "reason": reason[:120]})


# The open sockets of unknown stations in this process.
_waiting: set[UnknownSocket] = set()


def waiting() -> list[UnknownSocket]:
    """The open sockets of unknown stations: a shutdown closes them too."""
    return list(_waiting)


def close_code(message: dict[str, Any]) -> int:
    """The close code of an ASGI disconnect.

    uvicorn reports a connection that ended without a close frame as 1005 without a reason, and a close frame
    without a code as 1005 with a reason.
    """
    code = int(message.get("code") or 1006)
    return 1006 if code == 1005 and "reason" not in message else code
