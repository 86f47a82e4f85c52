"""Valid fields for each command, from its declaration.

A new declaration needs nothing here if its required fields have choices or an `example`. Otherwise add its
fields to GIVEN, or the row that it needs to its class in `about_*.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as kinds
from ocpp_server.commanding import SEND, OperatorCommand, commands
from ocpp_server.protocol import actions
from ocpp_server.protocol.versions import VERSIONS, in_dialect

_HEARTBEAT_2X: Final = "OCPPCommCtrlr.HeartbeatInterval"

# Fields that the example of the declaration does not give: by command, for 1.6 and for 2.x. Several dicts are
# several ways to send the command.
GIVEN: Final[dict[str, tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]]] = {
    "remote-start": (({"connectorId": 1},), ({"connectorId": 1},)),
    "reserve": (({"connectorId": 1},), ({"connectorId": 1},)),
    "reset": (({},), ({}, {"evseId": 1})),
    "availability": (({"connectorId": 1},), ({"connectorId": 1},)),
    "trigger": (
        ({"requestedMessage": "Heartbeat"}, {"requestedMessage": "Heartbeat", "extended": True}),
        ({"requestedMessage": "Heartbeat"},),
    ),
    "update-firmware": (
        ({"location": "https://files.example.com/2.0.bin", "version": "2.0"},),
        ({"location": "https://files.example.com/2.0.bin", "version": "2.0"},),
    ),
    "customer-information": (({},), ({"report": True, "customerIdentifier": "alice"},)),
    "publish-firmware": (
        ({},),
        ({"location": "https://files.example.com/2.0.bin", "checksum": "0" * 32},),
    ),
    "upgrade-security-profile": (
        ({"force": True, "reason": "The proxy works."},),
        ({"force": True, "reason": "The proxy works.", "csmsUrl": "wss://csms.example.com/ocpp"},),
    ),
    "get-configuration": (({}, {"keys": ["HeartbeatInterval"]}), ({"keys": [_HEARTBEAT_2X]},)),
    "change-configuration": (({},), ({"key": _HEARTBEAT_2X},)),
    "adjust-periodic-event-stream": (({"interval": 15},), ({"interval": 15},)),
    "get-charging-profiles": (({},), ({"chargingProfilePurpose": "TxDefaultProfile"},)),
    "clear-charging-profile": (
        ({"chargingProfilePurpose": "TxDefaultProfile"},),
        ({"chargingProfilePurpose": "TxDefaultProfile"},),
    ),
    "set-charging-profile": (
        ({"chargingProfilePurpose": "TxDefaultProfile", "connectorId": 1},),
        ({"chargingProfilePurpose": "TxDefaultProfile", "connectorId": 1},),
    ),
}


def declared() -> Iterator[tuple[OperatorCommand, str]]:
    """Every declared command with each version that has it."""
    for command in commands():
        for version in VERSIONS:
            if command is not SEND and not command.unsupported(_station(version), {}):
                yield command, version


def undeclared(version: str) -> list[str]:
    """The actions that only the generic command sends."""
    known = {command.action_of(version) for command, of in declared() if of == version}
    return sorted(actions.to_station(version) - known)


def ways(command: OperatorCommand, version: str) -> list[dict[str, Any]]:
    """The fields of the body for each way to send the command. Rows that it needs are left out."""
    usual = {}
    for field in command.fields_at(_station(version)):
        if field.required and not isinstance(field, kinds.Transaction):
            value = _value(field)
            if value is not None:
                usual[field.name] = value
    of_16, of_2x = GIVEN.get(command.name, (({},), ({},)))
    return [usual | given for given in in_dialect(version, of_16, of_2x)]


def _value(field: kinds.Field) -> Any:
    if isinstance(field, kinds.Choice) and field.values:
        return field.values[0]
    if field.example is not None:
        return field.example
    return max(field.least, 1) if isinstance(field, kinds.Whole) else field.default


def _station(version: str) -> ChargePoint:
    return ChargePoint(identity="CP", ocpp_version=version, registration_status="Accepted")


def missing(command: OperatorCommand, version: str, sentence: str) -> str:
    """The sentence about a command that the matrix cannot send."""
    return (
        f"The matrix has no valid fields for the command {command.name} ({version}): {sentence} Give its "
        f"required fields an `example` in the declaration, add its fields to GIVEN in {__name__}, or rows "
        f"that it needs to a Subject in {__package__}.about_*."
    )
