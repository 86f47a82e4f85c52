"""The progress of diagnostics and firmware, events of the device model, and data transfer."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.handlers import diagnostics, display, firmware, security
from chargepoints.tables import CHARGE_POINTS, DEVICE_EVENTS, FOLLOW_UPS, SECURITY_EVENTS
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V201
from ocpp_server.storage.journal import journal
from tests.unit.chargepoints.in_memory import (
    NOON,
    STATION,
    a_station,
    changed,
    deviations,
    events,
    handled,
    rows,
)

AT = "2026-05-04T11:00:00Z"
ELEVEN = NOON.replace(hour=11)


async def _at_once(function: Any, *given: Any) -> Any:
    return function(*given)


@pytest.mark.parametrize(
    ("handler", "action", "column", "is_shown"),
    [
        (
            diagnostics.diagnostics_status_notification,
            "DiagnosticsStatusNotification",
            "diagnostics_status",
            False,
        ),
        (diagnostics.log_status_notification, "LogStatusNotification", "diagnostics_status", False),
        (firmware.firmware_status_notification, "FirmwareStatusNotification", "firmware_status", True),
        (
            firmware.signed_firmware_status_notification,
            "SignedFirmwareStatusNotification",
            "firmware_status",
            True,
        ),
        (firmware.publish_firmware_status_notification, "PublishFirmwareStatusNotification", "", False),
    ],
)
async def test_a_status_is_stored_with_the_message(
    monkeypatch: pytest.MonkeyPatch, handler: Any, action: str, column: str, is_shown: bool
) -> None:
    station = a_station()
    monkeypatch.setattr(firmware.publishing, "find", lambda *_: None)
    monkeypatch.setattr(journal, "run", _at_once)

    answer = await handled(handler, station, action, {"status": "Busy", "requestId": 8})

    assert answer == {}
    assert changed(station, CHARGE_POINTS) == ({STATION: {column: "Busy"}} if column else {})
    (row,) = rows(station, FOLLOW_UPS)
    assert (row["action"], row["status"], row["request_id"]) == (action, "Busy", 8)
    assert events(station) == (
        [("firmware.status_changed", {"status": "Busy", "requestId": 8})] if is_shown else []
    )


@pytest.mark.parametrize("request_id", [8, None])
async def test_an_upload_is_an_event(request_id: int | None) -> None:
    station = a_station()
    request = {"status": "Uploaded"} | ({} if request_id is None else {"requestId": request_id})

    await handled(diagnostics.log_status_notification, station, "LogStatusNotification", request)

    assert events(station) == [("diagnostics.uploaded", {"status": "Uploaded", "requestId": request_id})]


async def test_long_statuses_are_cut() -> None:
    station, long = a_station(), {"status": "x" * 65}

    await handled(diagnostics.log_status_notification, station, "LogStatusNotification", long)
    await handled(firmware.firmware_status_notification, station, "FirmwareStatusNotification", long)

    stored = changed(station, CHARGE_POINTS)[STATION]
    assert stored == {"diagnostics_status": "x" * 64, "firmware_status": "x" * 64}
    assert events(station) == [("firmware.status_changed", {"status": "x" * 64, "requestId": None})]


@pytest.mark.parametrize(
    ("handler", "action"),
    [
        (diagnostics.notify_customer_information, "NotifyCustomerInformation"),
        (display.notify_display_messages, "NotifyDisplayMessages"),
    ],
)
async def test_a_part_of_a_report_is_stored(handler: Any, action: str) -> None:
    station = a_station()
    request = {"requestId": 5, "seqNo": 2, "data": "Ann", "messageInfo": [], "tbc": True}

    answer = await handled(handler, station, action, request)

    (row,) = rows(station, FOLLOW_UPS)
    assert (answer, row["action"], row["request_id"], row["is_last"]) == ({}, action, 5, False)


# -- the device model --------------------------------------------------------------------------------------

EVENT: dict[str, Any] = {
    "eventId": 9,
    "timestamp": AT,
    "trigger": "Delta",
    "actualValue": "72",
    "techCode": "T1",
    "techInfo": "hot",
    "cleared": True,
    "component": {"name": "Fan", "instance": "left", "evse": {"id": 1, "connectorId": 2}},
    "variable": {"name": "Temperature", "instance": "core"},
}
STORED = {
    "charge_point_id": STATION,
    "event_id": 9,
    "component": "Fan",
    "component_instance": "left",
    "evse_number": 1,
    "connector_number": 2,
    "variable": "Temperature",
    "variable_instance": "core",
    "trigger": "Delta",
    "actual_value": "72",
    "tech_code": "T1",
    "tech_info": "hot",
    "is_cleared": True,
    "at": ELEVEN,
    "received_at": NOON,
}


async def notified(station: Station, *found: dict[str, Any]) -> list[dict[str, Any]]:
    request = {"eventData": list(found)}
    assert await handled(diagnostics.notify_event, station, "NotifyEvent", request) == {}
    return [{name: row[name] for name in STORED} for row in rows(station, DEVICE_EVENTS)]


async def test_every_event_of_the_device_model_is_stored_with_all_its_fields() -> None:
    found = await notified(a_station(version=V201), EVENT, EVENT | {"eventId": 10})

    assert found == [STORED, STORED | {"event_id": 10}]


async def test_optional_fields_of_an_event_are_empty() -> None:
    names = ("eventId", "timestamp", "trigger", "actualValue")
    plain = {name: EVENT[name] for name in names} | {"component": {"name": "Fan"}, "variable": {"name": "On"}}

    (found,) = await notified(a_station(version=V201), plain)

    empty = ("component_instance", "variable_instance", "tech_code", "tech_info")
    assert {name: found[name] for name in empty} == dict.fromkeys(empty, "")
    assert (found["evse_number"], found["connector_number"], found["is_cleared"]) == (None, None, False)


async def test_a_zero_in_the_place_of_an_event_is_a_deviation() -> None:
    station = a_station(version=V201)

    await notified(station, EVENT | {"component": {"name": "Fan", "evse": {"id": 1, "connectorId": 0}}})

    assert deviations(station) == [("connector-0", "eventData.component.evse")]


@pytest.mark.parametrize(
    ("number", "stored"), [(2**63 - 1, 2**63 - 1), (2**63, 2**63 - 1), (-(2**63), 1 - 2**63)]
)
async def test_the_number_of_an_event_fits_its_column(number: int, stored: int) -> None:
    (found,) = await notified(a_station(version=V201), EVENT | {"eventId": number})

    assert found["event_id"] == stored


async def test_texts_of_an_event_are_cut_to_their_columns() -> None:
    long = "x" * 256
    part = {"name": long, "instance": long}

    (found,) = await notified(
        a_station(version=V201),
        EVENT | {"component": part, "variable": part, "trigger": long, "techCode": long},
    )

    names = ("component", "component_instance", "variable", "variable_instance", "tech_code")
    assert {name: len(found[name]) for name in names} == dict.fromkeys(names, 255)
    assert len(found["trigger"]) == 64


@pytest.mark.parametrize(
    "place",
    [
        {"component": {"name": "Password"}},
        {"component": {"name": "Fan", "instance": "Password"}},
        {"variable": {"name": "BasicAuthPassword"}},
        {"variable": {"name": "A", "instance": "Password"}},
    ],
)
async def test_a_secret_is_not_stored_whichever_name_says_so(place: dict[str, Any]) -> None:
    station = a_station(version=V201)

    with_remark, without = await notified(station, EVENT | place, EVENT | place | {"techInfo": ""})

    assert "72" not in with_remark["actual_value"]
    assert (with_remark["actual_value"], with_remark["tech_info"]) == ("***", "***")
    assert without["tech_info"] == ""


@pytest.mark.parametrize(
    ("component", "place", "changes"),
    [
        ("Connector", {"id": 1, "connectorId": 1}, ["connector"]),
        ("EVSE", {"id": 1}, ["connector"]),
        # The component of the station is the station as a whole, wherever it says it is.
        ("ChargingStation", {"id": 1, "connectorId": 1}, ["station"]),
        ("ChargingStation", None, ["station"]),
        ("Fan", {"id": 1, "connectorId": 1}, []),
    ],
)
async def test_a_reported_availability_state_is_a_status(
    component: str, place: dict[str, int] | None, changes: list[str]
) -> None:
    station = a_station("Available", version=V201)
    where = {"name": component} | ({} if place is None else {"evse": place})
    state = {"component": where, "variable": {"name": "AvailabilityState"}, "actualValue": "Occupied"}

    await notified(station, EVENT | state)
    await notified(station, EVENT | {"component": where})

    shown = {"connector": station.connectors[1, 1].status, "station": station.status}
    assert [name for name, status in shown.items() if status == "Occupied"] == changes
    if changes == ["station"]:
        assert changed(station, CHARGE_POINTS)[STATION]["status_at"] == ELEVEN


# -- security events ---------------------------------------------------------------------------------------


async def test_a_security_event_is_stored_with_its_time() -> None:
    station = a_station()
    request = {"type": "FirmwareUpdated", "techInfo": "1.4.2", "timestamp": AT}

    answer = await handled(
        security.security_event_notification, station, "SecurityEventNotification", request
    )

    (row,) = rows(station, SECURITY_EVENTS)
    assert answer == {}
    assert (row["charge_point_id"], row["type"], row["tech_info"]) == (STATION, "FirmwareUpdated", "1.4.2")
    assert (row["at"], row["received_at"], row["from_station"]) == (ELEVEN, NOON, True)
    assert events(station) == [
        (
            "security.reported",
            {
                "eventType": "FirmwareUpdated",
                "techInfo": "1.4.2",
                "fromStation": True,
                "critical": True,
                "time": "2026-05-04T11:00:00.000Z",
            },
        )
    ]


async def test_a_security_event_needs_no_explanation() -> None:
    station = a_station()

    await handled(
        security.security_event_notification,
        station,
        "SecurityEventNotification",
        {"type": "x" * 256, "timestamp": AT},
    )

    (row,) = rows(station, SECURITY_EVENTS)
    assert (row["type"], row["tech_info"]) == ("x" * 255, "")
