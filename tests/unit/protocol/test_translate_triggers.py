"""Which message of a station is the one that a trigger asked for."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import schemas, translate
from ocpp_server.protocol.translate.triggers import _ANSWERS
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS


def notify_event(variable: str, evse: int | None) -> dict[str, Any]:
    component = {"name": "Connector"} | ({} if evse is None else {"evse": {"id": evse}})
    return {"eventData": [{"component": component, "variable": {"name": variable}}]}


def event(reason: str, evse: int | None = None) -> dict[str, Any]:
    return {"triggerReason": reason} | ({} if evse is None else {"evse": {"id": evse}})


@pytest.mark.parametrize(
    ("asked", "action", "message", "fits"),
    [
        ({"requestedMessage": "Heartbeat"}, "Heartbeat", {}, True),
        ({"requestedMessage": "Heartbeat"}, "BootNotification", {}, False),
        ({"requestedMessage": "StatusNotification"}, "StatusNotification", {"connectorId": 2}, True),
        (
            {"requestedMessage": "StatusNotification", "connectorId": 1},
            "StatusNotification",
            {"connectorId": 2},
            False,
        ),
        (
            {"requestedMessage": "StatusNotification", "connectorId": 0},
            "StatusNotification",
            {"connectorId": 1},
            False,
        ),
        (
            {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}},
            "StatusNotification",
            {"evseId": 2, "connectorId": 1},
            True,
        ),
        (
            {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}},
            "StatusNotification",
            {"evseId": 2, "connectorId": 1},
            False,
        ),
        (
            {"requestedMessage": "StatusNotification", "evse": {"id": 2}},
            "NotifyEvent",
            notify_event("AvailabilityState", 2),
            True,
        ),
        (
            {"requestedMessage": "StatusNotification", "evse": {"id": 2}},
            "NotifyEvent",
            notify_event("AvailabilityState", 1),
            False,
        ),
        ({"requestedMessage": "StatusNotification"}, "NotifyEvent", notify_event("Temperature", 2), False),
        (
            {"requestedMessage": "StatusNotification"},
            "NotifyEvent",
            notify_event("AvailabilityState", None),
            False,
        ),
        ({"requestedMessage": "MeterValues", "connectorId": 1}, "MeterValues", {"connectorId": 1}, True),
        ({"requestedMessage": "MeterValues", "evse": {"id": 1}}, "MeterValues", {"evseId": 2}, False),
        ({"requestedMessage": "TransactionEvent"}, "TransactionEvent", event("Trigger"), True),
        ({"requestedMessage": "TransactionEvent"}, "TransactionEvent", event("MeterValuePeriodic"), False),
        (
            {"requestedMessage": "TransactionEvent", "evse": {"id": 1}},
            "TransactionEvent",
            event("Trigger", 2),
            False,
        ),
        (
            {"requestedMessage": "TransactionEvent", "evse": {"id": 1}},
            "TransactionEvent",
            event("Trigger"),
            True,
        ),
        (
            {"requestedMessage": "FirmwareStatusNotification"},
            "SignedFirmwareStatusNotification",
            {"status": "Idle"},
            True,
        ),
        ({"requestedMessage": "SignChargePointCertificate"}, "SignCertificate", {"csr": "x"}, True),
        (
            {"requestedMessage": "SignV2GCertificate"},
            "SignCertificate",
            {"certificateType": "V2GCertificate"},
            True,
        ),
        (
            {"requestedMessage": "SignV2GCertificate"},
            "SignCertificate",
            {"certificateType": "ChargingStationCertificate"},
            False,
        ),
        (
            {"requestedMessage": "SignCombinedCertificate"},
            "SignCertificate",
            {"certificateType": "ChargingStationCertificate"},
            True,
        ),
        ({"requestedMessage": "CustomTrigger"}, "Heartbeat", {}, False),
    ],
)
def test_a_message_fits_a_trigger_for_it_at_its_place(
    asked: dict[str, Any], action: str, message: dict[str, Any], fits: bool
) -> None:
    sent = translate.sent(action, message)

    assert (sent is not None and translate.answers(sent, translate.trigger(asked))) is fits


@pytest.mark.parametrize(
    ("version", "action"),
    [*((version, "TriggerMessage") for version in VERSIONS), (V16, "ExtendedTriggerMessage")],
)
def test_every_message_of_the_schemas_has_its_answer(version: str, action: str) -> None:
    wanted = schemas.message_schema(version, action, "request")["properties"]["requestedMessage"]
    if "$ref" in wanted:
        definitions = schemas.message_schema(version, action, "request")["definitions"]
        wanted = definitions[wanted["$ref"].rpartition("/")[2]]

    assert set(wanted["enum"]) - set(_ANSWERS) == ({"CustomTrigger"} if version == V21 else set())
    assert {V16, V201, V21} == set(VERSIONS)
