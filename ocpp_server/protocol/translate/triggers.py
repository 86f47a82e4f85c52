"""Triggers: the message that TriggerMessage asks for, and whether a message of the station is that one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

# The messages that a station sends for each requestedMessage; CustomTrigger of 2.1 leads to any.
_ANSWERS: Final[dict[str, tuple[str, ...]]] = {
    "BootNotification": ("BootNotification",),
    "DiagnosticsStatusNotification": ("DiagnosticsStatusNotification",),
    # The security extension of 1.6 has a notification of its own for signed firmware.
    "FirmwareStatusNotification": ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
    "Heartbeat": ("Heartbeat",),
    "LogStatusNotification": ("LogStatusNotification",),
    "MeterValues": ("MeterValues",),
    "PublishFirmwareStatusNotification": ("PublishFirmwareStatusNotification",),
    "SignChargePointCertificate": ("SignCertificate",),
    "SignChargingStationCertificate": ("SignCertificate",),
    "SignCombinedCertificate": ("SignCertificate",),
    "SignV2GCertificate": ("SignCertificate",),
    "SignV2G20Certificate": ("SignCertificate",),
    # A 2.x station may report the state of a connector by either (2.0.1 G01).
    "StatusNotification": ("StatusNotification", "NotifyEvent"),
    "TransactionEvent": ("TransactionEvent",),
}
# The actions that can answer a trigger.
TRIGGERED: Final = frozenset(action for actions in _ANSWERS.values() for action in actions)
_CERTIFICATES: Final = {
    "SignChargingStationCertificate": "ChargingStationCertificate",
    "SignV2GCertificate": "V2GCertificate",
    "SignV2G20Certificate": "V2G20Certificate",
}


class Trigger(NamedTuple):
    """A message that was asked for; without an EVSE, that of any."""

    message: str
    evse: int | None = None

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions with which a station answers; none for a message that the server does not know."""
        return _ANSWERS.get(self.message, ())


class Sent(NamedTuple):
    """A message of a station, as far as it can answer a trigger. `evses` is empty where it names none."""

    action: str
    evses: tuple[int, ...] = ()
    certificate: str = ""


def trigger(request: Mapping[str, Any]) -> Trigger:
    """The message that a TriggerMessage or ExtendedTriggerMessage asks for (1.6 5.17, 2.x F06)."""
    evse = request.get("evse") or {}
    return Trigger(request["requestedMessage"], request.get("connectorId", evse.get("id")))


def sent(action: str, request: Mapping[str, Any]) -> Sent | None:
    """The content of a message that matters for triggers; None for one that no trigger leads to.

    A TransactionEvent is the requested one only if it says so (2.x F06), and a NotifyEvent only if it reports
    the state of an EVSE or a connector.
    """
    if action == "TransactionEvent":
        named = request.get("evse") or {}
        return _at(action, named.get("id")) if request.get("triggerReason") == "Trigger" else None
    if action == "NotifyEvent":
        evses = tuple(_evses_with_state(request))
        return Sent(action, evses) if evses else None
    if action == "SignCertificate":
        return Sent(action, certificate=request.get("certificateType", ""))
    return _at(action, request.get("evseId", request.get("connectorId")))


def answers(message: Sent, asked: Trigger) -> bool:
    """Whether this message of a station is the one that was asked for."""
    if message.action not in asked.actions:
        return False
    if message.certificate:
        return _CERTIFICATES.get(asked.message, message.certificate) == message.certificate
    return asked.evse is None or not message.evses or asked.evse in message.evses


def _at(action: str, evse: int | None) -> Sent:
    return Sent(action) if evse is None else Sent(action, (evse,))


def _evses_with_state(request: Mapping[str, Any]) -> list[int]:
    return [
        event["component"]["evse"]["id"]
        for event in request["eventData"]
        if event["variable"]["name"] == "AvailabilityState" and event["component"].get("evse")
    ]
