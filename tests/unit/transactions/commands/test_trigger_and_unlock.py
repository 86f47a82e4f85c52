"""Triggered messages and unlocked connectors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V21, V201
from transactions.commands.remote_control.trigger import TRIGGER
from transactions.commands.remote_control.unlock import UNLOCK


def a_station(version: str) -> Any:
    return SimpleNamespace(identity="CP-1", ocpp_version=version)


async def checked(version: str, **arguments: Any) -> dict[str, Any]:
    assert TRIGGER.prepare is not None
    return cast("dict[str, Any]", await TRIGGER.prepare(a_station(version), **arguments))


@pytest.mark.parametrize("version", [V16, V201, V21])
async def test_a_message_of_the_station_s_version_can_be_triggered(version: str) -> None:
    asked = {"message": "StatusNotification", "evse_number": 2}

    assert await checked(version, **asked) == asked


@pytest.mark.parametrize(
    ("version", "message"), [(V16, "TransactionEvent"), (V201, "DiagnosticsStatusNotification"), (V21, "x")]
)
async def test_another_message_is_refused_with_those_that_can_be(version: str, message: str) -> None:
    with pytest.raises(
        Invalid, match=f"{message} can't be triggered. Must be one of: .*BootNotification"
    ) as refused:
        await checked(version, message=message)

    assert (refused.value.field, refused.value.code) == ("requestedMessage", Code.NOT_SUPPORTED)


@pytest.mark.parametrize("message", ["StatusNotification", "x"])
async def test_nothing_can_be_triggered_at_a_station_that_has_never_connected(message: str) -> None:
    with pytest.raises(StationOffline, match="CP-1 has never connected"):
        await checked("", message=message)


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        (V16, "DiagnosticsStatusNotification", "TransactionEvent"),
        (V201, "TransactionEvent", "DiagnosticsStatusNotification"),
        (V21, "CustomTrigger", "DiagnosticsStatusNotification"),
    ],
)
def test_the_choices_are_the_messages_of_the_version(version: str, has: str, lacks: str) -> None:
    message = TRIGGER.fields_at(a_station(version))[0]

    assert isinstance(message, fields.Choice)
    assert has in message.values and lacks not in message.values
    assert all(value == str(label) for value, label in message.choices)


def test_a_station_that_has_never_connected_has_no_choices() -> None:
    message = TRIGGER.fields_at(a_station(""))[0]

    assert isinstance(message, fields.Choice) and message.choices == ()


@pytest.mark.parametrize(
    ("version", "given", "payload"),
    [
        (V16, {"message": "Heartbeat"}, {"requestedMessage": "Heartbeat"}),
        (
            V16,
            {"message": "MeterValues", "evse_number": 2},
            {"requestedMessage": "MeterValues", "connectorId": 2},
        ),
        (V201, {"message": "Heartbeat"}, {"requestedMessage": "Heartbeat"}),
        (
            V201,
            {"message": "MeterValues", "evse_number": 2},
            {"requestedMessage": "MeterValues", "evse": {"id": 2}},
        ),
        (V201, {"message": "StatusNotification"}, {"requestedMessage": "StatusNotification"}),
        (
            V21,
            {"message": "StatusNotification", "evse_number": 2},
            {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}},
        ),
    ],
)
def test_a_trigger_names_the_place_only_where_one_is_chosen(
    version: str, given: dict[str, Any], payload: dict[str, Any]
) -> None:
    assert TRIGGER.payload(version, given) == payload


def labels(charge_point: Any) -> dict[str, str]:
    message = TRIGGER.fields_at(charge_point)[0]
    assert isinstance(message, fields.Choice)
    return {value: str(label) for value, label in message.choices}


def test_the_form_marks_what_the_present_firmware_has_not_implemented() -> None:
    known = {"TriggerMessage.Heartbeat": "2", "TriggerMessage.MeterValues": "1"}
    known |= {"ExtendedTriggerMessage.LogStatusNotification": "2", "ExtendedTriggerMessage.MeterValues": "2"}
    row = ChargePoint(ocpp_version=V16, firmware_version="2", missing_triggers=known)

    marked = {value for value, label in labels(row).items() if "not implemented" in label}

    assert marked == {"Heartbeat", "LogStatusNotification"}


def test_messages_of_the_extended_trigger_are_offered_in_1_6_alone() -> None:
    extended = {"LogStatusNotification", "SignChargePointCertificate"}
    arguments = {
        version: {field.argument for field in TRIGGER.fields_at(a_station(version))}
        for version in (V16, V201)
    }

    assert extended <= set(labels(a_station(V16)))
    assert "SignChargePointCertificate" not in labels(a_station(V201))
    assert "extended" in arguments[V16] and "extended" not in arguments[V201]


async def test_an_extended_trigger_is_checked_by_its_own_messages() -> None:
    asked = {"message": "MeterValues", "extended": True}
    assert await checked(V16, **asked) == asked

    with pytest.raises(Invalid, match="DiagnosticsStatusNotification can't be triggered"):
        await checked(V16, message="DiagnosticsStatusNotification", extended=True)
    with pytest.raises(Invalid, match=r"OCPP 2\.0\.1 has no ExtendedTriggerMessage") as refused:
        await checked(V201, message="Heartbeat", extended=True)
    assert (refused.value.field, refused.value.code) == ("extended", Code.NOT_SUPPORTED)


# -- unlocking -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "danger"), [(V16, "A running session at this EVSE will end."), (V201, ""), (V21, "")]
)
def test_only_a_1_6_station_ends_the_session_that_it_unlocks(version: str, danger: str) -> None:
    assert UNLOCK.confirmation(a_station(version), {"evse_number": 1}) == danger
