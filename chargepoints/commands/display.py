"""Messages on a station's display (2.0.1 O)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command, DisplayMessage
from chargepoints.services import asking
from chargepoints.services.display import requests
from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Invalid
from ocpp_server.given_times import given_time
from ocpp_server.protocol.translate import time as time_text
from ocpp_server.protocol.versions import V21, in_dialect
from ocpp_server.request_numbers import new_number
from ocpp_server.sessions import sessions
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import Addressee

_NEEDS: Final = Needs(variable="DisplayMessageCtrlr.Available")
_FORMATS: Final = (("UTF8", "UTF-8"), ("ASCII", "ASCII"), ("HTML", "HTML"), ("URI", _("Address of a page")))
_FORMATS_21: Final = (*_FORMATS, ("QRCODE", _("QR code")))
_STATES: Final = (
    ("Charging", _("Charging")),
    ("Faulted", _("Faulted")),
    ("Idle", _("Idle")),
    ("Unavailable", _("Unavailable")),
)
_STATES_21: Final = (*_STATES, ("Suspended", _("Suspended")), ("Discharging", _("Discharging")))
_PRIORITIES: Final = tuple((str(one.value), one.label) for one in DisplayMessage.Priority)
_MOST_CONTENT: Final = 1024  # of 2.1; 2.0.1 takes 512


def _formats(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    return replace(field, choices=_FORMATS_21) if charge_point.ocpp_version == V21 else field


def _states(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    return replace(field, choices=_STATES_21) if charge_point.ocpp_version == V21 else field


def _only_21(field: fields.Json, charge_point: Addressee) -> fields.Json | None:
    return field if charge_point.ocpp_version == V21 else None


# -- set -----------------------------------------------------------------------------------------------------


async def _prepare(
    charge_point: ChargePoint,
    *,
    content: str,
    format: str,
    priority: str,
    state: str = "",
    language: str = "",
    starts_at: str = "",
    ends_at: str = "",
    transaction: int | str | None = None,
    number: int | None = None,
    display: dict[str, Any] | None = None,
    extra: Any = None,
) -> dict[str, Any]:
    """Raises Invalid for an end that is over, NotSupported for what the station reports not to show, and the
    errors of the port for the session.
    """
    if in_dialect(charge_point.ocpp_version, True, False):
        return {"message": {}}  # refused by `require`
    begin, end = given_time(starts_at, "startDateTime"), given_time(ends_at, "endDateTime")
    now = datetime.now(UTC)
    if end is not None and end <= max(begin or now, now):
        raise Invalid("Must be later than startDateTime, and than now.", field="endDateTime")
    given = {"format": format, "priority": priority, "state": state}
    await journal.run(requests.require_supported, charge_point, given)
    shown: dict[str, Any] = {"format": format, "content": content} | _given(language=language)
    message: dict[str, Any] = {
        "id": new_number() if number is None else number,
        "priority": priority,
        "message": shown,
    } | _given(state=state, display=display, messageExtra=extra)
    if begin is not None:
        message["startDateTime"] = time_text(begin)
    if end is not None:
        message["endDateTime"] = time_text(end)
    if transaction is not None:
        message["transactionId"] = await journal.run(sessions.app.station_id, charge_point, transaction)
    return {"message": message}


def _given(**values: Any) -> dict[str, Any]:
    """The fields that have a value; an empty one must not be sent."""
    return {name: value for name, value in values.items() if value}


async def _set(
    charge_point: ChargePoint, *, message: dict[str, Any], actor: str, timeout: float | None, wait: bool
) -> Result:
    """Store the message, send it, and give it the state that follows. Raises the errors of `calls.call`."""
    sent = await asking.send(
        charge_point,
        "SetDisplayMessage",
        {"message": message},
        model=DisplayMessage,
        create=lambda command_id: requests.create(charge_point, message, command_id=command_id, actor=actor),
        actor=actor,
        timeout=timeout,
        wait=wait,
    )
    row = await journal.run(requests.settle, sent.pk)
    shown = {} if row is None else {"state": row.state, "reason": row.reason}
    return Result(sent, {"displayMessageId": sent.pk, "messageId": message["id"], **shown})


SET_DISPLAY_MESSAGE = command(
    "set-display-message",
    _("Set display message"),
    _("Show a message on the station's display."),
    action="SetDisplayMessage",
    icon="sms",
    position=96,
    fields=(
        fields.Text(
            "content",
            _("Message"),
            required=True,
            most=_MOST_CONTENT,
            lines=3,
            example="Closed from 18:00 today.",
            help=_("At most 512 characters for a 2.0.1 station."),
        ),
        fields.Choice(
            "format", _("Format"), choices=_FORMATS, also=("QRCODE",), default="UTF8", adapt=_formats
        ),
        fields.Text("language", _("Language"), most=8, help=_("Such as en-US.")),
        fields.Choice("priority", _("Priority"), choices=_PRIORITIES, default="NormalCycle"),
        fields.Choice(
            "state",
            _("Shown while"),
            choices=_STATES,
            also=("Suspended", "Discharging"),
            adapt=_states,
            help=_("The state of the station; any unless given."),
        ),
        fields.Text(
            "starts_at", _("From"), name="startDateTime", most=40, help=_("Such as 2026-11-28T14:00:00Z.")
        ),
        fields.Text(
            "ends_at", _("Until"), name="endDateTime", most=40, help=_("The station removes it then.")
        ),
        fields.Transaction(
            "transaction", _("Session"), name="transactionId", help=_("The message ends with this session.")
        ),
        fields.Whole(
            "number",
            _("Message ID"),
            name="messageId",
            help=_("That of the message it replaces; a new one unless given."),
        ),
        fields.Object(
            "display",
            _("Display"),
            lines=2,
            help=_('A station with several: the component, such as {"name": "Display", "instance": "left"}.'),
        ),
        fields.Json(
            "extra",
            _("Other languages"),
            name="messageExtra",
            example=[{"format": "UTF8", "language": "de", "content": "Ab 18 Uhr geschlossen."}],
            help=_("2.1: a list of format, language and content, four at most."),
            adapt=_only_21,
        ),
    ),
    prepare=_prepare,
    run=_set,
    needs=_NEEDS,
    rest=Rest(
        noun="the message",
        answer="chargepoints.serializers.display.MessageSetSerializer",
        description="`state` and `reason` are those of the message after the answer; GET "
        ".../display-messages has them later too. A message with the ID of another one replaces it. One of a "
        "session ends with the session, one with `endDateTime` at that time. A format, priority or state "
        "that is not among those that the station reports is refused before anything is sent.",
    ),
)


# -- get and clear -------------------------------------------------------------------------------------------


async def _get(
    charge_point: ChargePoint,
    *,
    actor: str,
    timeout: float | None,
    wait: bool,
    numbers: list[int] | None = None,
    priority: str = "",
    state: str = "",
) -> Result:
    number = new_number()
    payload: dict[str, Any] = {"requestId": number} | _given(id=numbers, priority=priority, state=state)
    sent: Command = await calls.call(
        charge_point, "GetDisplayMessages", payload, actor=actor, timeout=timeout, wait=wait
    )
    return Result(sent, {"reportRequestId": number})


async def _read_numbers(charge_point: ChargePoint, *, numbers: Any = None, **rest: Any) -> dict[str, Any]:
    """Raises Invalid for what is no list of message IDs."""
    if not numbers:
        return rest
    given = numbers if isinstance(numbers, list) else [numbers]
    if not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in given):
        raise Invalid("Give message IDs, such as [815, 816].", field="messageIds")
    return {**rest, "numbers": given}


GET_DISPLAY_MESSAGES = command(
    "get-display-messages",
    _("Get display messages"),
    _("Compare the messages on the station's displays with those that are known here."),
    action="GetDisplayMessages",
    icon="chat",
    position=97,
    fields=(
        fields.Json(
            "numbers",
            _("Message IDs"),
            name="messageIds",
            lines=1,
            example=[815],
            help=_("A list; all messages unless given."),
        ),
        fields.Choice("priority", _("Priority"), choices=_PRIORITIES),
        fields.Choice(
            "state", _("Shown while"), choices=_STATES, also=("Suspended", "Discharging"), adapt=_states
        ),
    ),
    prepare=_read_numbers,
    run=_get,
    needs=_NEEDS,
    rest=Rest(
        answer="chargepoints.serializers.display.MessagesRequestedSerializer",
        description="The station sends the messages afterwards: GET .../display-messages shows those that it "
        "has confirmed, those that are missing and those from elsewhere; GET .../reports has the report.",
    ),
)

CLEAR_DISPLAY_MESSAGE = command(
    "clear-display-message",
    _("Clear display message"),
    _("Delete a message from the station's display."),
    action="ClearDisplayMessage",
    icon="speaker_notes_off",
    fields=(fields.Whole("message_id", _("Message ID"), required=True, example=5),),
    spell_2x=lambda *, message_id: {"id": message_id},
    needs=Needs(variable="DisplayMessageCtrlr.Available"),
)
