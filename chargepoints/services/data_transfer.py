"""The registry of vendors' messages that stations send by DataTransfer (1.6 4.3; 2.0.1 P02).

    @receives("com.example.cabinet", "Temperature")
    async def temperature(station: Station, data: Any) -> Reply:
        return accepted({"reportAfterS": 60})

Only registered code gets a message (S20). It runs in the message's unit of work, as the handlers of OCPP's
own actions do. docs/adding-a-data-transfer.md has an example.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.core.exceptions import ImproperlyConfigured

from ocpp_server.live.station import Station
from ocpp_server.protocol import inner_json, schemas
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.versions import V201

# 1.6 4.3, 2.0.1 P02: the lengths of the fields.
MOST_OF_VENDOR, MOST_OF_MESSAGE = 255, 50


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a vendor's message. `data` is any JSON value, sent as JSON text to a 1.6 station.

    `reason` is the reasonCode of a 2.x answer, at most 20 characters.
    """

    status: str
    data: Any = None
    reason: str = ""


def accepted(data: Any = None) -> Reply:
    """The message was handled."""
    return Reply("Accepted", data)


def rejected(data: Any = None, *, reason: str = "") -> Reply:
    """The message is known and was not accepted."""
    return Reply("Rejected", data, reason)


UNKNOWN_VENDOR: Final = Reply("UnknownVendorId")
UNKNOWN_MESSAGE: Final = Reply("UnknownMessageId")
NOT_READABLE: Final = rejected(reason="InvalidValue")
TOO_LARGE: Final = rejected(reason="TooLargeElement")

Receiver = Callable[[Station, Any], Awaitable[Reply]]
R = TypeVar("R", bound=Receiver)


@dataclass(frozen=True, slots=True)
class _Registered:
    receiver: Receiver
    is_text: bool
    most_characters: int


class RegistrationError(TypeError):
    """Two receivers of one message, or a name that OCPP does not allow; raised at import."""


class Receivers:
    """Receivers by vendor and message. Case makes no difference (1.6 CiString, 2.x identifierString)."""

    def __init__(self) -> None:
        self._registered: dict[tuple[str, str], _Registered] = {}
        self._vendors: set[str] = set()

    def receives(
        self,
        vendor_id: str,
        message_id: str = "",
        *,
        is_text: bool = False,
        most_characters: int = inner_json.MOST_CHARACTERS,
    ) -> Callable[[R], R]:
        """Register a receiver: `receiver(station, data) -> Reply`.

        Without `message_id`, it gets the vendor's messages that have none. `data` is None if the station
        sends none. A text is decoded as JSON, because 1.6 allows text alone; with `is_text` it stays as it
        is. Data that is longer than `most_characters` or is no JSON is rejected without a call.
        """
        key = vendor_id.casefold(), message_id.casefold()
        if not 0 < len(vendor_id) <= MOST_OF_VENDOR or len(message_id) > MOST_OF_MESSAGE:
            raise RegistrationError(f"DataTransfer {vendor_id!r} {message_id!r}: empty or too long")

        def register(receiver: R) -> R:
            if (first := self._registered.get(key)) is not None:
                raise RegistrationError(
                    f"DataTransfer {vendor_id!r} {message_id!r}: {_place(receiver)} would replace "
                    f"{_place(first.receiver)}"
                )
            self._registered[key] = _Registered(receiver, is_text, most_characters)
            self._vendors.add(key[0])
            return receiver

        return register

    async def receive(self, *, station: Station, vendor_id: str, message_id: str, data: Any) -> Reply:
        """Call the receiver of a message. Its exceptions rise: the message is rolled back then."""
        vendor = vendor_id.casefold()
        found = self._registered.get((vendor, message_id.casefold()))
        if found is None:
            return UNKNOWN_MESSAGE if vendor in self._vendors else UNKNOWN_VENDOR
        if isinstance(data, str):
            try:
                data = (
                    _text(data, found)
                    if found.is_text
                    else inner_json.read(data, most_characters=found.most_characters)
                )
            except inner_json.Unreadable as error:
                station.deviation("unreadable-data", f"{vendor_id[:50]} {message_id}: {error}", path="data")
                return TOO_LARGE if error.is_too_large else NOT_READABLE
        return await found.receiver(station, data)


def _text(data: str, found: _Registered) -> str:
    if len(data) > found.most_characters:
        raise inner_json.Unreadable(f"longer than {found.most_characters:,} characters", is_too_large=True)
    return data


def _place(receiver: Receiver) -> str:
    return f"{receiver.__module__}.{getattr(receiver, '__qualname__', receiver)}"


receivers: Final = Receivers()
receives = receivers.receives

# ISO 15118 over 1.6 (application note of the Open Charge Alliance): actions of 2.0.1 in a DataTransfer.
ISO_15118: Final = "org.openchargealliance.iso15118pnc"

Handler = Callable[[Station, dict[str, Any]], Awaitable[dict[str, Any]]]
H = TypeVar("H", bound=Handler)


Answered = Callable[[Station, dict[str, Any], dict[str, Any], str], Awaitable[None]]
A = TypeVar("A", bound=Answered)
_answered: Final[dict[str, Answered]] = {}


def carried(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The DataTransfer with an action of 2.0.1 for a 1.6 station. Raises PayloadInvalid."""
    schemas.outgoing(V201, action, "request", payload)
    return {"vendorId": ISO_15118, "messageId": action, "data": inner_json.write(payload)}


def answers_carried(action: str) -> Callable[[A], A]:
    """Let the @reply handler of an action of 2.0.1 have the answers to `carried` too."""

    def register(handler: A) -> A:
        _answered[action.casefold()] = handler
        return handler

    return register


async def carried_answer(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """Read the answer of a 1.6 station to an action of 2.0.1, and call the handler of such answers.

    An answer without data, or with other data, is none: the command has the status of the DataTransfer.
    """
    action = str(request.get("messageId", ""))
    handler = _answered.get(action.casefold())
    if str(request.get("vendorId", "")).casefold() != ISO_15118 or handler is None:
        return
    try:
        asked, said = (inner_json.read(str(one.get("data", ""))) for one in (request, response))
        if not isinstance(asked, dict) or not isinstance(said, dict):
            raise inner_json.Unreadable("no object")
        for found in schemas.check(V201, action, "response", said, strict=station.strict):
            station.deviation(found.kind, found.detail, path=f"data.{found.path}")
    except (inner_json.Unreadable, OcppError) as error:
        station.deviation("unreadable-data", f"{action}: {error}"[:300], path="data")
        return
    await handler(station, asked, said, command_id)


def carries(action: str) -> Callable[[H], H]:
    """Serve an action of 2.0.1 to 1.6 stations too, by its own handler: the data is its request, the reply
    its answer, both valid by the schemas of 2.0.1. A failure of the action itself is inside of the answer.
    """

    def register(handler: H) -> H:
        @receives(ISO_15118, action)
        async def carried(station: Station, data: Any) -> Reply:
            if not isinstance(data, dict):
                return NOT_READABLE
            try:
                for found in schemas.check(V201, action, "request", data, strict=station.strict):
                    station.deviation(found.kind, found.detail, path=f"data.{found.path}")
            except OcppError as error:
                station.deviation("unreadable-data", f"{action}: {error.description}"[:300], path="data")
                return NOT_READABLE
            answer = await handler(station, data)
            schemas.outgoing(V201, action, "response", answer)
            return accepted(answer)

        return handler

    return register


def load(modules: Iterable[str]) -> None:
    """Import the modules that OCPP_DATA_TRANSFER_MODULES names: that registers their receivers.

    Raises ImproperlyConfigured for a module that does not exist or fails.
    """
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:
            sentence = (
                f"OCPP_DATA_TRANSFER_MODULES: {name} can't be imported ({type(error).__name__}: {error})."
            )
            raise ImproperlyConfigured(sentence) from error
