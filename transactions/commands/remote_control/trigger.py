"""Ask a station to send a message now (1.6 5.17, security extension 5.3; 2.x F06)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import capabilities
from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import NotSupported, Rest, Result, command
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V16, VERSIONS, in_dialect, label
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import Addressee
from transactions.services.remote_control.triggers import CUSTOM_TRIGGER, missing

_PLAIN, _EXTENDED = "TriggerMessage", "ExtendedTriggerMessage"
_CUSTOM_TRIGGERS = "CustomizationCtrlr.CustomTriggers"


@cache
def triggers(version: str, action: str = _PLAIN) -> tuple[str, ...]:
    """The messages that this action can ask a station of this version for, from the schema."""
    schema = schemas.message_schema(version, action, "request")
    wanted = schema["properties"]["requestedMessage"]
    if "$ref" in wanted:
        wanted = schema["definitions"][wanted["$ref"].rpartition("/")[2]]
    return tuple(wanted["enum"])


@cache
def _all_triggers(version: str) -> tuple[str, ...]:
    """The messages of TriggerMessage, and those that only ExtendedTriggerMessage has."""
    extended = in_dialect(version, triggers(V16, _EXTENDED), ())
    return tuple(dict.fromkeys((*triggers(version), *extended)))


def _action(version: str, message: str, *, is_extended: bool) -> str:
    """The action that asks for this message: ExtendedTriggerMessage where it has to be, or is asked for."""
    has_plain = message in triggers(version)
    return in_dialect(version, _EXTENDED if is_extended or not has_plain else _PLAIN, _PLAIN)


def _missing(charge_point: Addressee, version: str, message: str, *, is_extended: bool = False) -> str:
    """The sentence about a message that the station has not implemented, or ""."""
    action = _action(version, message, is_extended=is_extended)
    if not isinstance(charge_point, ChargePoint) or message not in missing(charge_point, action):
        return ""
    return gettext("The station has answered %(action)s for %(message)s: NotImplemented.") % {
        "action": action,
        "message": message,
    }


def _messages(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    version = charge_point.ocpp_version
    if version not in VERSIONS:
        return field
    names = _all_triggers(version)
    return replace(field, choices=tuple((name, _labelled(charge_point, version, name)) for name in names))


def _labelled(charge_point: Addressee, version: str, message: str) -> str:
    if not _missing(charge_point, version, message):
        return message
    return gettext("%(message)s (not implemented by the station)") % {"message": message}


def _only_in_16(field: fields.Flag, charge_point: Addressee) -> fields.Flag | None:
    return in_dialect(charge_point.ocpp_version, field, None)


def _only_with_custom(field: fields.Text, charge_point: Addressee) -> fields.Text | None:
    version = charge_point.ocpp_version
    return field if version in VERSIONS and CUSTOM_TRIGGER in triggers(version) else None


async def _check(charge_point: Addressee, *, message: str, **rest: Any) -> dict[str, Any]:
    version = charge_point.ocpp_version
    if version not in VERSIONS:
        raise StationOffline(f"{charge_point.identity} has never connected.")
    is_extended = rest.get("extended", False)
    names = in_dialect(version, triggers(V16, _EXTENDED), ()) if is_extended else _all_triggers(version)
    if not names:
        raise Invalid(f"OCPP {label(version)} has no {_EXTENDED}.", field="extended", code=Code.NOT_SUPPORTED)
    if message not in names:
        raise Invalid(
            f"{message} can't be triggered. Must be one of: {', '.join(names)}.",
            field="requestedMessage",
            code=Code.NOT_SUPPORTED,
        )
    if message == CUSTOM_TRIGGER or "custom_trigger" in rest:
        await _check_custom(
            charge_point, message, rest.get("custom_trigger", ""), force=rest.get("force", False)
        )
    return {"message": message, **rest}


async def _check_custom(charge_point: Addressee, message: str, name: str, *, force: bool) -> None:
    """Raises Invalid for one of the two fields alone, and NotSupported for a name that the station does not
    list (2.1 F06.FR.20), unless `force`.
    """
    if message != CUSTOM_TRIGGER or not name:
        raise Invalid(f"Required with {CUSTOM_TRIGGER}, and only then.", field="customTrigger")
    found = await journal.run(capabilities.reports.app.values, charge_point.pk, (_CUSTOM_TRIGGERS,))
    listed = [one.strip() for one in found.get(_CUSTOM_TRIGGERS, "").split(",") if one.strip()]
    if listed and name not in listed and not force:
        raise NotSupported(f"The station has these custom triggers: {', '.join(listed)}.")


async def _send(
    charge_point: Addressee, *, message: str, extended: bool = False, force: bool = False, **rest: Any
) -> Result:
    """Raises NotSupported for a message that the station has not implemented, unless `force`."""
    how = {name: rest.pop(name) for name in ("actor", "timeout", "wait")}
    version = charge_point.ocpp_version
    action = _action(version, message, is_extended=extended)
    payload = TRIGGER.payload(version, {"message": message, **rest})
    await calls.check(charge_point, action, payload)
    reason = "" if force else _missing(charge_point, version, message, is_extended=extended)
    if reason:
        raise NotSupported(reason)
    row: Any = await calls.call(charge_point, action, payload, **how)
    return Result(row)


def _spell_16(*, message: str, evse_number: int | None = None, custom_trigger: str = "") -> dict[str, Any]:
    return {"requestedMessage": message} | ({} if evse_number is None else {"connectorId": evse_number})


def _spell_2x(*, message: str, evse_number: int | None = None, custom_trigger: str = "") -> dict[str, Any]:
    payload: dict[str, Any] = {"requestedMessage": message}
    if custom_trigger:
        payload["customTrigger"] = custom_trigger
    if evse_number is not None:
        payload["evse"] = {"id": evse_number}
        if message == "StatusNotification":
            payload["evse"]["connectorId"] = 1  # 2.x F06.FR.12: a status belongs to a connector
    return payload


TRIGGER = command(
    "trigger",
    _("Trigger"),
    _("Request a message from the station now."),
    action="TriggerMessage",
    icon="campaign",
    position=60,
    fields=(
        fields.Choice(
            "message",
            _("Message"),
            name="requestedMessage",
            required=True,
            example="StatusNotification",
            adapt=_messages,
        ),
        fields.Evse("evse_number", _("EVSE"), name="connectorId", nothing=_("Whole station")),
        fields.Text(
            "custom_trigger",
            _("Custom trigger"),
            name="customTrigger",
            most=50,
            example="Custom1",
            help=_("2.1, with the message CustomTrigger: one of the station's CustomTriggers."),
            adapt=_only_with_custom,
        ),
        fields.Flag(
            "extended",
            _("Use ExtendedTriggerMessage"),
            help=_("Of the security extension of 1.6. Messages that only it has are always sent with it."),
            adapt=_only_in_16,
        ),
        fields.Flag(
            "force",
            _("Ask for a message that is not implemented"),
            help=_("Send it although the station has answered NotImplemented for this message."),
        ),
    ),
    prepare=_check,
    run=_send,
    spell_16=_spell_16,
    spell_2x=_spell_2x,
    needs=Needs(profile="RemoteTrigger"),
    rest=Rest(
        echo=("requestedMessage", "connectorId"),
        description="The command follows the message: `effect` of GET .../commands/{requestId} is `seen` "
        "when the station has sent it, and `missed` when it has not within a minute of its answer. A message "
        "for which the station has answered NotImplemented gets 409 until its firmware changes, unless "
        "`force`. "
        "LogStatusNotification and SignChargePointCertificate of a 1.6 station are asked for by "
        "ExtendedTriggerMessage.",
    ),
)
