"""The only way in: look up > validate > handler > validate > commit > pack. The envelope was read by the
session.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import orjson
import structlog

from . import actions, registry, schemas
from .errors import InternalError, NotImplementedAction, NotSupported, OcppError, SecurityError
from .frames import Call, Send, pack_error, pack_result
from .versions import label

log = structlog.get_logger(__name__)


class Party(Protocol):
    """What dispatch needs to know of a station."""

    identity: str
    version: str
    strict: bool
    # The payload of the current message, repaired where necessary.
    request: dict[str, Any]

    @property
    def is_accepted(self) -> bool: ...
    def deviation(self, kind: str, detail: str = "", *, path: str = "") -> None: ...


class StorageUnavailable(Exception):
    """Nothing can be stored now: close the socket without an answer, and the station keeps the message (1.6
    3.7.1).
    """

    # What the station is told when its socket is closed (1013).
    sentence = "The database is away; try again later."


class CommitRefused(Exception):
    """The database refused a row of this message; the station's live state has been loaded again."""


class Exchange:
    """A station's request and what becomes of it. `answer` is the payload's or the error's JSON text as it
    leaves.
    """

    __slots__ = ("answer", "call", "error", "payload", "started")

    def __init__(self, call: Call | Send) -> None:
        self.call = call
        self.payload: dict[str, Any] = {}
        self.answer = ""
        self.error: OcppError | None = None
        self.started = time.perf_counter()

    @property
    def ms(self) -> float:
        return (time.perf_counter() - self.started) * 1000


class Work(Protocol):
    """The unit of work of one message: all of it is stored, or all of it is taken back."""

    async def commit(self, exchange: Exchange) -> None:
        """Store what the message changed. Raises CommitRefused when the database refuses a row; whatever
        else it raises means that nothing can be stored.
        """

    async def roll_back(self) -> None:
        """Take back what the message changed, in the live state too. Raises StorageUnavailable."""


async def dispatch(station: Party, call: Call | Send, work: Work) -> Exchange:
    """Handle a request and commit what it changes; only then is there an answer.

    Whatever fails, the handler, a reaction to it, the answer's schema or the commit: what the message changed
    is rolled back before anything else happens. When the commit was refused, the message is handled a second
    time on the state that was loaded again. An exception that leaves this function (StorageUnavailable,
    CommitRefused, a cancelled task) means that nothing is stored and nothing may be answered; the owner of
    the unit of work abandons it then.
    """
    exchange = Exchange(call)
    try:
        await _attempt(station, exchange, work)
    except CommitRefused:
        await work.roll_back()
        try:
            await _attempt(station, exchange, work)
        except CommitRefused as refusal:
            log.error(
                "commit.refused",
                station=station.identity,
                message_id=call.id,
                action=call.action,
                version=station.version,
                reason=str(refusal),
            )
            await work.roll_back()
            exchange.error, exchange.answer = InternalError(), ""
            await work.commit(exchange)
    return exchange


async def _attempt(station: Party, exchange: Exchange, work: Work) -> None:
    exchange.error, exchange.answer = None, ""
    has_begun = False
    try:
        handler = _admitted(station, exchange)
        has_begun = True
        answer = await handler(station, exchange.payload)
        call = exchange.call
        for reaction in registry.reactions(station.version, call.action):
            await reaction(station, exchange.payload)
        if type(call) is not Send:
            schemas.outgoing(station.version, call.action, "response", answer)
            exchange.answer = orjson.dumps(answer).decode()
    except (CommitRefused, StorageUnavailable):
        raise
    except Exception as error:
        exchange.error = error if isinstance(error, OcppError) else _failed(station, exchange.call)
        if has_begun:
            await work.roll_back()
    await work.commit(exchange)


def _failed(station: Party, call: Call | Send) -> OcppError:
    """Log the exception that is being handled; what the station hears instead."""
    log.exception(
        "handler.failed",
        station=station.identity,
        message_id=call.id,
        action=call.action,
        version=station.version,
    )
    return InternalError()


def _admitted(station: Party, exchange: Exchange) -> registry.Handler:
    """Who serves the request, which is valid now or tolerable. Raises OcppError."""
    call = exchange.call
    action, version = call.action, station.version
    handler = registry.handler(version, action)
    if handler is None:
        raise _unserved(version, action)
    if not station.is_accepted and action not in actions.BEFORE_ACCEPTED:
        raise SecurityError("The station is not accepted yet: only BootNotification is allowed.")
    if call.cleaned:
        station.deviation("unstorable-text", "NUL or a lone surrogate was replaced")
    if call.null_payload:
        station.deviation("null-payload")
    payload = exchange.payload = station.request = call.json()
    for deviation in schemas.check(version, action, "request", payload, strict=station.strict):
        station.deviation(deviation.kind, deviation.detail, path=deviation.path)
    return handler


def read_again(version: str, action: str, text: str) -> dict[str, Any]:
    """The payload of a request that was kept, as a live frame's handler would see it: tolerated and repaired.

    A request may have been kept by an earlier version of the server, which repaired less. Raises OcppError
    for one that no handler could serve.
    """
    payload = Call(id="", action=action, payload=text).json()
    schemas.check(version, action, "request", payload, strict=False)
    return payload


def packed(exchange: Exchange, version: str) -> str | None:
    """The frame that answers; None for a SEND, which is never answered (2.1 part 4 4.2.5)."""
    if type(exchange.call) is Send:
        return None
    if exchange.error is not None:
        return pack_error(exchange.call.id, exchange.error, version)
    return pack_result(exchange.call.id, exchange.answer)


def _unserved(version: str, action: str) -> OcppError:
    if actions.known(action):
        return NotSupported(f"{action} is not supported by this server in OCPP {label(version)}.")
    return NotImplementedAction("The action is not known.")
