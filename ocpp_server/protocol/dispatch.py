"""The one path of every message from a station, after the session has read its envelope.

A request: look up > validate > handler > validate > commit > pack. An answer to the server's call: validate >
@reply or @failed > commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import orjson
import structlog

from . import actions, boots, registry, schemas
from .errors import InternalError, NotImplementedAction, NotSupported, OcppError, SecurityError, codes
from .frames import (
    CALL_RESULT,
    REPAIRS,
    BrokenAnswer,
    Call,
    CallError,
    CallResult,
    Send,
    pack_error,
    pack_result,
    pack_result_error,
)
from .session import OutgoingCall
from .versions import label

log = structlog.get_logger(__name__)

# Where the answers of 2.x have the station's words, and how deep: in an item of a list of an object.
_REASONS: Final = frozenset({"statusInfo", "attributeStatusInfo"})
_DEPTH_OF_REASONS: Final = 4


class Party(Protocol):
    """The attributes of a station that dispatch uses."""

    identity: str
    version: str
    strict: bool
    # The payload of the current message, repaired where necessary.
    request: dict[str, Any]

    @property
    def is_accepted(self) -> bool: ...
    def deviation(self, kind: str, detail: str = "", *, path: str = "") -> None: ...


class StorageUnavailable(Exception):
    """Nothing can be stored now. Close the socket unanswered: the station keeps the message (1.6 3.7.1)."""

    # The reason in the close frame (1013).
    sentence = "The database is away; try again later."


class CommitRefused(Exception):
    """The database refused a row of this message; the station's live state has been loaded again."""


class Exchange:
    """A station's request and its answer. `answer` is the JSON text of the payload as it is sent."""

    __slots__ = ("answer", "call", "error", "payload", "started")

    def __init__(self, call: Call | Send) -> None:
        self.call = call
        self.payload: dict[str, Any] = {}
        self.answer = ""
        self.error: OcppError | None = None
        self.started = time.perf_counter()

    @property
    def ms(self) -> float:
        """Milliseconds since the request was received."""
        return (time.perf_counter() - self.started) * 1000


class Answer:
    """A station's answer to a call of the server.

    `response` is its payload, None for a CALLERROR or an invalid payload; `error` names the broken rule.
    `mask` removes the secrets of the call from a text.
    """

    __slots__ = ("call", "error", "frame", "mask", "response")

    def __init__(
        self,
        call: OutgoingCall,
        frame: CallResult | CallError | BrokenAnswer,
        mask: Callable[[str], str],
    ) -> None:
        self.call = call
        self.frame = frame
        self.mask = mask
        self.response: dict[str, Any] | None = None
        self.error: OcppError | None = None


M_contra = TypeVar("M_contra", Exchange, Answer, contravariant=True)


class Work(Protocol[M_contra]):
    """The unit of work of one message: all of its changes are stored, or all are rolled back."""

    async def commit(self, message: M_contra, /) -> None:
        """Store the changes of the message.

        Raises CommitRefused when the database refuses a row; any other exception means that nothing can be
        stored.
        """

    async def roll_back(self) -> None:
        """Undo the changes of the message, in the live state too. Raises StorageUnavailable."""


async def dispatch(station: Party, call: Call | Send, work: Work[Exchange]) -> Exchange:
    """Handle a request and commit its changes. The returned exchange has the answer to send.

    When the handler, a reaction, the schema of the answer or the commit fails, all changes of the message are
    rolled back first. After a refused commit, the message is handled a second time on the reloaded state. An
    exception from this function (StorageUnavailable, CommitRefused, a cancelled task) means that nothing is
    stored and nothing may be answered: the caller abandons the unit of work.
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


async def _attempt(station: Party, exchange: Exchange, work: Work[Exchange]) -> None:
    exchange.error, exchange.answer = None, ""
    has_begun = False
    try:
        handler = _admit(station, exchange)
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
        exchange.error = error if isinstance(error, OcppError) else _log_failure(station, exchange.call)
        if has_begun:
            await work.roll_back()
    await work.commit(exchange)


def _log_failure(station: Party, call: Call | Send) -> OcppError:
    """Log the exception that is being handled. Returns the error that the station gets for it."""
    log.exception(
        "handler.failed",
        station=station.identity,
        message_id=call.id,
        action=call.action,
        version=station.version,
    )
    return InternalError()


def _admit(station: Party, exchange: Exchange) -> registry.Handler:
    """Check and repair the request; returns its handler. Raises OcppError when the request is refused."""
    call = exchange.call
    action, version = call.action, station.version
    handler = registry.handler(version, action)
    if handler is None:
        _count_unexpected(station, action)
        raise _not_served(version, action)
    if not station.is_accepted and action not in actions.BEFORE_ACCEPTED:
        raise SecurityError("The station is not accepted yet: only BootNotification is allowed.")
    if call.repairs or call.null_payload:
        _count_repairs(station, call)
    payload = exchange.payload = station.request = call.json()
    try:
        for deviation in schemas.check(version, action, "request", payload, strict=station.strict):
            station.deviation(deviation.kind, deviation.detail, path=deviation.path)
    except OcppError as error:
        raise _explained(station, call, payload, error) from None
    return handler


def _explained(station: Party, call: Call | Send, payload: dict[str, Any], error: OcppError) -> OcppError:
    """The error of an invalid request. A boot of another version is counted and logged as what it is."""
    found = boots.explained(station.version, call.action, payload, error)
    if found is None:
        return error
    station.deviation(boots.OTHER_VERSION, found.description)
    log.warning(
        "boot.other_version",
        station=station.identity,
        message_id=call.id,
        version=station.version,
        reason=found.description,
    )
    return found


def _count_unexpected(station: Party, action: str) -> None:
    """Count an action that the station may not send. One without a handler so far is no deviation."""
    if not actions.known(action):
        station.deviation("unknown-action", "no version of OCPP has this action")
    elif not actions.ACTIONS[action].is_from_station:
        station.deviation("unexpected-action", "only the server sends this action")
    elif action not in actions.from_station(station.version):
        has_it = ", ".join(version.label for version in actions.ACTIONS[action].versions)
        station.deviation("unexpected-action", f"an action of OCPP {has_it}")


def _count_repairs(station: Party, frame: Call | Send | CallResult) -> None:
    """Count what `frames` has repaired in a frame."""
    for kind in frame.repairs:
        station.deviation(kind, REPAIRS[kind])
    if frame.null_payload:
        station.deviation("null-payload")


async def dispatch_answer(station: Party, answer: Answer, work: Work[Answer]) -> None:
    """Handle the answer to a call of the server; commit its changes and the final state of the call.

    A failing @reply or @failed handler is rolled back, and the call ends anyway because the station has
    answered. After a refused commit, the handler runs a second time on the reloaded state. When the second
    commit is refused too, the call ends without the handler's changes. Exceptions mean the same as in
    `dispatch`.
    """
    _check(station, answer)
    try:
        await _attempt_answer(station, answer, work)
    except CommitRefused:
        await work.roll_back()
        try:
            await _attempt_answer(station, answer, work)
        except CommitRefused as refusal:
            log.error(
                "reply.refused",
                station=station.identity,
                message_id=answer.call.id,
                action=answer.call.action,
                reason=str(refusal),
            )
            await work.roll_back()
            await work.commit(answer)


def _check(station: Party, answer: Answer) -> None:
    """Read and validate the payload of an answer; its faults are counted as deviations."""
    if isinstance(answer.frame, CallError):
        if answer.frame.code not in codes(station.version):
            station.deviation("unknown-error-code", answer.mask(answer.frame.code[:100]))
        return
    if isinstance(answer.frame, CallResult):
        _count_repairs(station, answer.frame)
    try:
        response = answer.frame.json()
        for deviation in schemas.check(
            station.version, answer.call.action, "response", response, strict=station.strict
        ):
            station.deviation(deviation.kind, answer.mask(deviation.detail), path=deviation.path)
    except OcppError as error:
        station.deviation("invalid-answer", answer.mask(error.description))
        answer.error = error
    else:
        _mask_reasons(response, answer.mask, 0)
        answer.response = response


def _mask_reasons(value: Any, mask: Callable[[str], str], depth: int) -> None:
    """Remove the secrets of the call from the reasons of an answer in 2.x, which handlers store.

    The rest of the answer is left as it came: a password may be a word like `Accepted`.
    """
    if depth > _DEPTH_OF_REASONS:
        return
    for part in value if isinstance(value, list) else ():
        _mask_reasons(part, mask, depth + 1)
    for name, part in value.items() if isinstance(value, dict) else ():
        if name in _REASONS and isinstance(part, dict):
            part.update((key, mask(text)) for key, text in part.items() if isinstance(text, str))
        else:
            _mask_reasons(part, mask, depth + 1)


async def _attempt_answer(station: Party, answer: Answer, work: Work[Answer]) -> None:
    call, frame = answer.call, answer.frame
    reply = registry.reply_handler(station.version, call.action)
    failed = registry.failed_handler(station.version, call.action)
    try:
        if reply is not None and answer.response is not None:
            await reply(station, call.payload, answer.response, call.id)
        elif failed is not None and isinstance(frame, CallError):
            await failed(station, call.payload, answer.mask(frame.code))
    except (CommitRefused, StorageUnavailable):
        raise
    except Exception:
        log.exception("reply.failed", station=station.identity, message_id=call.id, action=call.action)
        await work.roll_back()
    await work.commit(answer)


def read_again(version: str, action: str, text: str) -> dict[str, Any]:
    """The payload of a stored request, repaired as for the handler of a live frame.

    An earlier release of the server, which repaired less, may have stored the request. Raises OcppError for a
    request that no handler can serve.
    """
    payload = Call(id="", action=action, payload=text).json()
    schemas.check(version, action, "request", payload, strict=False)
    return payload


def give_up(call: Call, version: str, payload: dict[str, Any] | None) -> str:
    """The frame that answers a request the server failed to handle.

    It carries `payload` when the request is kept for an operator, InternalError otherwise.
    """
    exchange = Exchange(call)
    if payload is None:
        exchange.error = InternalError()
    else:
        # An earlier release of the gateway does not send the version of the station: no schema to check then.
        if registry.handler(version, call.action) is not None:
            schemas.outgoing(version, call.action, "response", payload)
        exchange.answer = orjson.dumps(payload).decode()
    text = packed(exchange, version)
    assert text is not None
    return text


def refusal(answer: Answer, version: str) -> str | None:
    """The CALLRESULTERROR for an invalid answer; None before 2.1, which introduced this frame.

    A CALLERROR that cannot be read gets none either.
    """
    is_error = isinstance(answer.frame, BrokenAnswer) and answer.frame.type != CALL_RESULT
    if is_error or answer.error is None:
        return None
    return pack_result_error(answer.call.id, answer.error, version)


def packed(exchange: Exchange, version: str) -> str | None:
    """The frame with the answer; None for a SEND, which is never answered (2.1 part 4 4.2.5)."""
    if type(exchange.call) is Send:
        return None
    if exchange.error is not None:
        return pack_error(exchange.call.id, exchange.error, version)
    return pack_result(exchange.call.id, exchange.answer)


def _not_served(version: str, action: str) -> OcppError:
    if actions.known(action):
        return NotSupported(f"{action} is not supported by this server in OCPP {label(version)}.")
    return NotImplementedAction("The action is not known.")
