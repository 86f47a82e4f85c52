"""Answers to remote starts, which wait for their transactions (1.6 5.11; 2.0.1 F01, F02), and to triggers,
which wait for their messages (1.6 5.17, security extension 5.3; 2.x F06).
"""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import also, failed, reply
from ocpp_server.protocol.versions import V2X, V16
from transactions.services.remote_control import remote_starts, triggers
from transactions.services.transactions import owners, sessions


@reply("RemoteStartTransaction", V16)
async def remote_start_transaction(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    await remote_starts.expect(
        station=station,
        command_id=command_id,
        token=translate.id_tag(request["idTag"]),
        evse=request.get("connectorId"),
        is_accepted=response["status"] == "Accepted",
        profile=request.get("chargingProfile"),
    )


@reply("RequestStartTransaction", *V2X)
async def request_start_transaction(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    token = translate.id_token(request["idToken"])
    assert token is not None  # required by the schema
    transaction = await remote_starts.expect(
        station=station,
        command_id=command_id,
        token=token,
        evse=request.get("evseId"),
        is_accepted=response["status"] == "Accepted",
        remote_start_id=request["remoteStartId"],
        profile=request.get("chargingProfile"),
    )
    if transaction is not None and not transaction.id_token:
        await owners.set_owner_by_remote_start(station, transaction, token)
        sessions.save(station, transaction)


# -- triggers ------------------------------------------------------------------------------------------------

# The error codes of a station that can't send a message, or does not know the command.
_NOT_IMPLEMENTED = frozenset({"NotImplemented", "NotSupported"})


@also("BootNotification", V16, *V2X)
@also("DiagnosticsStatusNotification", V16)
@also("FirmwareStatusNotification", V16, *V2X)
@also("Heartbeat", V16, *V2X)
@also("LogStatusNotification", V16, *V2X)
@also("MeterValues", V16, *V2X)
@also("NotifyEvent", *V2X)
@also("PublishFirmwareStatusNotification", *V2X)
@also("SignCertificate", V16, *V2X)
@also("SignedFirmwareStatusNotification", V16)
@also("StatusNotification", V16, *V2X)
@also("TransactionEvent", *V2X)
async def triggered(station: Station, request: dict[str, Any]) -> None:
    """Settle the triggers that asked for this message."""
    message = translate.sent(station.action, request)
    if message is not None:
        triggers.received(station=station, message=message)


@reply("TriggerMessage", V16, *V2X)
async def trigger_message(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    _answered(station, "TriggerMessage", request, response["status"], command_id)


@reply("ExtendedTriggerMessage", V16)
async def extended_trigger_message(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    _answered(station, "ExtendedTriggerMessage", request, response["status"], command_id)


def _answered(station: Station, action: str, request: dict[str, Any], status: str, command_id: str) -> None:
    asked = translate.trigger(request)
    if status == "Accepted":
        triggers.implemented(station=station, action=action, message=asked.message)
        triggers.accepted(station=station, command_id=command_id, asked=asked)
    elif status == "NotImplemented":
        triggers.not_implemented(station=station, action=action, message=asked.message)


@failed("TriggerMessage", V16, *V2X)
async def trigger_message_failed(station: Station, request: dict[str, Any], code: str) -> None:
    _failed(station, "TriggerMessage", request, code)


@failed("ExtendedTriggerMessage", V16)
async def extended_trigger_message_failed(station: Station, request: dict[str, Any], code: str) -> None:
    _failed(station, "ExtendedTriggerMessage", request, code)


def _failed(station: Station, action: str, request: dict[str, Any], code: str) -> None:
    """A station without the command answers it with a CALLERROR, and some do so for one message."""
    if code in _NOT_IMPLEMENTED:
        triggers.not_implemented(station=station, action=action, message=request["requestedMessage"])
