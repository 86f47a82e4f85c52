"""Ask a station to send a message now (1.6 5.17, 2.x F06)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import VERSIONS, Version
from ocpp_server.transport.command_store import Addressee


@cache
def triggers(version: Version) -> tuple[str, ...]:
    """The messages that a station of this version can send on request, from the schema."""
    schema = schemas.message_schema(version, "TriggerMessage", "request")
    wanted = schema["properties"]["requestedMessage"]
    if "$ref" in wanted:
        wanted = schema["definitions"][wanted["$ref"].rpartition("/")[2]]
    return tuple(wanted["enum"])


def _messages(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    version = charge_point.ocpp_version
    names = triggers(version) if version in VERSIONS else ()
    return replace(field, choices=tuple((name, name) for name in names))


async def _check(charge_point: Addressee, *, message: str, **rest: Any) -> dict[str, Any]:
    version = charge_point.ocpp_version
    if version not in VERSIONS:
        raise StationOffline(f"{charge_point.identity} has never connected.")
    names = triggers(version)
    if message not in names:
        raise Invalid(
            f"{message} can't be triggered. Must be one of: {', '.join(names)}.",
            field="requestedMessage",
            code=Code.NOT_SUPPORTED,
        )
    return {"message": message, **rest}


def _spell_16(*, message: str, evse_number: int | None = None) -> dict[str, Any]:
    return {"requestedMessage": message} | ({} if evse_number is None else {"connectorId": evse_number})


def _spell_2x(*, message: str, evse_number: int | None = None) -> dict[str, Any]:
    payload: dict[str, Any] = {"requestedMessage": message}
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
    ),
    prepare=_check,
    spell_16=_spell_16,
    spell_2x=_spell_2x,
    needs=Needs(profile="RemoteTrigger"),
    rest=Rest(echo=("requestedMessage", "connectorId")),
)
