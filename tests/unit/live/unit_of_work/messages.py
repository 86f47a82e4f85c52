"""A message of every action that is served, with the messages that must come before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chargepoints.services.follow_ups.table import FOLLOWS
from ocpp_server.protocol import actions, schemas
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.certificates.csrs import csr
from tests.unit.protocol.samples import example


def at(minutes: float = 0) -> str:
    return (
        (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")
    )


def register(wh: float, minutes: float = 0) -> dict[str, Any]:
    return {"timestamp": at(minutes), "sampledValue": [{"value": str(wh)}]}


def register_2x(wh: float, minutes: float = 0) -> dict[str, Any]:
    return {"timestamp": at(minutes), "sampledValue": [{"value": wh}]}


def event(kind: str, seq: int, **more: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": at(),
        "triggerReason": "Authorized",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "T1", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [register_2x(1000 + seq)],
        **more,
    }


START = {"connectorId": 1, "idTag": "ALICE", "meterStart": 1000, "timestamp": at(-30)}
TOKEN = {"idToken": {"idToken": "ALICE", "type": "ISO14443"}}
ORPHAN = {
    "transactionId": 0,
    "meterStop": 1500,
    "timestamp": at(),
    "idTag": "ALICE",
    "transactionData": [{"timestamp": at(), "sampledValue": [{"value": 1500}]}],
}
COSTS = {
    "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"inclTax": 1.5}},
    "totalUsage": {"energy": 5000, "chargingTime": 600, "idleTime": 0},
}
SETTLEMENT = {"pspRef": "P1", "status": "Settled", "settlementAmount": 1.5, "settlementTime": at()}
# The version, the messages before, and the message whose handling fails. The list has every action whose
# handler changes anything; a test fails when one is missing.
# An action and its payload; the version, the messages before it, and the message itself.
Message = tuple[str, dict[str, Any]]
Case = tuple[str, list[Message], Message]

MESSAGES: dict[str, Case] = {
    "16-Boot": (
        V16,
        [("StartTransaction", START)],
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
    ),
    "16-Heartbeat": (V16, [], ("Heartbeat", {})),
    "16-Authorize": (V16, [], ("Authorize", {"idTag": "ALICE"})),
    "16-Authorize-unknown": (V16, [], ("Authorize", {"idTag": "STRANGER"})),
    "16-Status": (
        V16,
        [],
        ("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}),
    ),
    "16-Status-free": (
        V16,
        [("StartTransaction", START | {"idTag": "STRANGER"})],
        ("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}),
    ),
    "16-Start": (V16, [], ("StartTransaction", START)),
    "16-Start-supersedes": (
        V16,
        [("StartTransaction", START)],
        ("StartTransaction", START | {"idTag": "BOB", "timestamp": at(-1), "meterStart": 1200}),
    ),
    "16-Meter": (
        V16,
        [("StartTransaction", START)],
        ("MeterValues", {"connectorId": 1, "meterValue": [register(1100)]}),
    ),
    "16-Stop": (
        V16,
        [("StartTransaction", START)],
        (
            "StopTransaction",
            {
                "transactionId": -1,
                "idTag": "ALICE",
                "meterStop": 2000,
                "timestamp": at(),
                "transactionData": [register(1900, -1)],
            },
        ),
    ),
    "16-Stop-orphan": (V16, [], ("StopTransaction", ORPHAN)),
    "16-Stop-builds": (
        V16,
        [],
        ("StopTransaction", ORPHAN | {"transactionData": [register(1000, -20), register(1500, -1)]}),
    ),
    "16-Data": (V16, [], ("DataTransfer", {"vendorId": "V"})),
    "16-Security": (V16, [], ("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": at()})),
    "16-GetConfiguration": (V16, [], ("GetConfiguration", {})),
    "16-ChangeConfiguration": (V16, [], ("ChangeConfiguration", {"key": "BlinkRepeat", "value": "5"})),
    "2x-Boot": (
        V201,
        [("TransactionEvent", event("Started", 0, **TOKEN))],
        ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}),
    ),
    "2x-Heartbeat": (V201, [], ("Heartbeat", {})),
    "2x-Authorize": (V201, [], ("Authorize", TOKEN)),
    "2x-Status": (
        V201,
        [],
        (
            "StatusNotification",
            {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
        ),
    ),
    "2x-NotifyEvent": (
        V21,
        [
            (
                "TransactionEvent",
                event(
                    "Started",
                    0,
                    idToken={"idToken": "STRANGER", "type": "ISO14443"},
                    meterValue=[register_2x(1)],
                ),
            )
        ],
        (
            "NotifyEvent",
            {
                "generatedAt": at(),
                "seqNo": 0,
                "eventData": [
                    {
                        "eventId": 1,
                        "timestamp": at(),
                        "trigger": "Delta",
                        "actualValue": "Available",
                        "eventNotificationType": "HardWiredNotification",
                        "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
                        "variable": {"name": "AvailabilityState"},
                    }
                ],
            },
        ),
    ),
    "2x-Started": (V201, [], ("TransactionEvent", event("Started", 0, **TOKEN))),
    "2x-Started-supersedes": (
        V201,
        [("TransactionEvent", event("Started", 0, **TOKEN))],
        ("TransactionEvent", event("Started", 0, transactionInfo={"transactionId": "T2"})),
    ),
    "2x-Updated-owner": (
        V201,
        [("TransactionEvent", event("Started", 0))],
        ("TransactionEvent", event("Updated", 1, **TOKEN)),
    ),
    "2x-Updated-gap": (
        V21,
        [("TransactionEvent", event("Started", 0))],
        ("TransactionEvent", event("Updated", 4)),
    ),
    "2x-Conflict": (
        V201,
        [("TransactionEvent", event("Started", 0)), ("TransactionEvent", event("Updated", 1))],
        ("TransactionEvent", event("Updated", 1, meterValue=[register_2x(1234)])),
    ),
    "2x-Ended": (
        V201,
        [("TransactionEvent", event("Started", 0, **TOKEN))],
        ("TransactionEvent", event("Ended", 1, **TOKEN)),
    ),
    "2x-Meter": (
        V201,
        [("TransactionEvent", event("Started", 0))],
        ("MeterValues", {"evseId": 1, "meterValue": [register_2x(1100)]}),
    ),
    "2x-Costs": (
        V21,
        [("TransactionEvent", event("Started", 0, **TOKEN))],
        ("TransactionEvent", event("Ended", 1, costDetails=COSTS)),
    ),
    "2x-Settlement": (V21, [], ("NotifySettlement", SETTLEMENT)),
    "2x-Vat": (V21, [], ("VatNumberValidation", {"vatNumber": "ATU12345678", "evseId": 1})),
    "2x-Data": (V201, [], ("DataTransfer", {"vendorId": "V"})),
    "2x-Security": (V201, [], ("SecurityEventNotification", {"type": "X", "timestamp": at()})),
}
# The follow-ups of commands, with every field of their schemas.
FOLLOW_UPS: dict[str, Case] = {
    f"{label}-{action}": (version, [], (action, example(schemas.message_schema(version, action, "request"))))
    for label, version in (("16", V16), ("2x", V21))
    for action in FOLLOWS
    if action in actions.from_station(version) - actions.SENDS
}
_ELSEWHERE = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "0a",
    "issuerKeyHash": "0b",
    "serialNumber": "1",
}
_FOR_A_VEHICLE = {
    "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef",
    "action": "Install",
    "exiRequest": "AAAA",
}
# The responder has a private address: it is not asked.
_RESPONDER = "http://127.0.0.1/ocsp"
MESSAGES |= {
    "16-SignCertificate": (V16, [], ("SignCertificate", {"csr": csr("GARAGE-1")})),
    "201-SignCertificate": (V201, [], ("SignCertificate", {"csr": csr("GARAGE-1")})),
    "201-Get15118EVCertificate": (V201, [], ("Get15118EVCertificate", _FOR_A_VEHICLE)),
    "201-GetCertificateStatus": (
        V201,
        [],
        ("GetCertificateStatus", {"ocspRequestData": _ELSEWHERE | {"responderURL": _RESPONDER}}),
    ),
    "21-GetCertificateChainStatus": (
        V21,
        [],
        (
            "GetCertificateChainStatus",
            {
                "certificateStatusRequests": [
                    {"source": "OCSP", "urls": [_RESPONDER], "certificateHashData": _ELSEWHERE}
                ]
            },
        ),
    ),
}
MESSAGES |= FOLLOW_UPS
# All follow-ups are stored by the same lines. These also change something else: every run has them.
MORE_THAN_STORED = ("16-FirmwareStatusNotification", "2x-LogStatusNotification", "2x-NotifyReport")
IN_EVERY_RUN = tuple(name for name in MESSAGES if name not in FOLLOW_UPS or name in MORE_THAN_STORED)
