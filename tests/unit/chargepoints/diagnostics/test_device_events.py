"""Events of the device model: what is stored of them, and which are reports of a status (2.0.1 N07, G01)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.services.diagnostics import device_events
from chargepoints.services.diagnostics.device_events import Origin
from chargepoints.tables import CONNECTORS, DEVICE_EVENTS
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.versions import V201
from tests.unit.chargepoints.in_memory import NOON, STATION, a_station, changed, events, rows

BEFORE = NOON - timedelta(hours=1)
MASK = "***"
USUAL: dict[str, Any] = {
    "event_id": 7,
    "component": "Cabinet",
    "component_instance": "left",
    "place": Place(2, 1),
    "variable": "Temperature",
    "variable_instance": "top",
    "trigger": "Alerting",
    "actual_value": "91",
    "tech_code": "E17",
    "tech_info": "too hot",
    "is_cleared": True,
    "at": BEFORE,
}


@pytest.fixture(autouse=True)
def no_event_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(function: Any, *args: Any, **more: Any) -> bool:
        assert function is device_events._is_known
        return False

    monkeypatch.setattr(device_events.journal, "run", run)


async def stored(**more: Any) -> dict[str, Any]:
    station = a_station(version=V201)
    await device_events.record(station=station, **USUAL | more)
    (row,) = rows(station, DEVICE_EVENTS)
    return row


async def test_an_event_is_stored_with_all_its_fields() -> None:
    assert await stored() == {
        "charge_point_id": STATION,
        "event_id": 7,
        "component": "Cabinet",
        "component_instance": "left",
        "evse_number": 2,
        "connector_number": 1,
        "variable": "Temperature",
        "variable_instance": "top",
        "trigger": "Alerting",
        "actual_value": "91",
        "tech_code": "E17",
        "tech_info": "too hot",
        "is_cleared": True,
        "kind": "",
        "severity": None,
        "monitor_id": None,
        "cause": None,
        "ocpp_transaction_id": "",
        "at": BEFORE,
        "received_at": NOON,
    }


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (2**63 - 1, 2**63 - 1),
        (2**63, 2**63 - 1),
        (-(2**63) + 1, -(2**63) + 1),
        (-(2**63), -(2**63) + 1),
        (-(10**30), -(2**63) + 1),
    ],
)
async def test_a_number_that_no_column_holds_is_stored_as_the_nearest_one(sent: int, kept: int) -> None:
    assert (await stored(event_id=sent))["event_id"] == kept


@pytest.mark.parametrize(
    ("field", "most"),
    [
        ("component", 255),
        ("component_instance", 255),
        ("variable", 255),
        ("variable_instance", 255),
        ("trigger", 64),
        ("tech_code", 255),
    ],
)
async def test_a_long_text_is_cut_to_its_column(field: str, most: int) -> None:
    assert (await stored(**{field: "x" * (most + 1)}))[field] == "x" * most


@pytest.mark.parametrize("field", ["component", "component_instance", "variable", "variable_instance"])
async def test_the_value_of_a_secret_is_not_stored(field: str) -> None:
    row = await stored(**{field: "BasicAuthPassword"})

    assert (row["actual_value"], row["tech_info"]) == (MASK, MASK)
    assert (await stored(**{field: "BasicAuthPassword"}, tech_info=""))["tech_info"] == ""


async def test_a_secret_in_the_words_of_an_event_is_not_stored() -> None:
    row = await stored(actual_value="password=s3cretword", tech_info="password: s3cretword")

    assert "s3cretword" not in row["actual_value"] + row["tech_info"]


async def test_an_alarm_is_an_event() -> None:
    station = a_station(version=V201)
    origin = Origin(monitor_id=4, severity=12)

    await device_events.record(station=station, **USUAL | {"origin": origin, "tech_info": "password: s3cret"})

    ((kind, data),) = events(station)
    assert kind == "monitor.triggered"
    assert "s3cret" not in data.pop("techInfo")
    assert data == {
        "component": "Cabinet",
        "componentInstance": "left",
        "variable": "Temperature",
        "variableInstance": "top",
        "evseId": 2,
        "connectorId": 1,
        "value": "91",
        "isCleared": True,
        "monitorId": 4,
        "severity": 9,
        "techCode": "E17",
        "time": "2026-05-04T11:00:00.000Z",
    }


@pytest.mark.parametrize("trigger", ["Delta", "Periodic"])
async def test_a_measurement_is_no_event(trigger: str) -> None:
    station = a_station(version=V201)

    await device_events.record(station=station, **USUAL | {"trigger": trigger})

    assert events(station) == []


@pytest.mark.parametrize("component", ["Connector", "EVSE"])
async def test_the_availability_state_of_a_connector_is_a_report_of_its_status(component: str) -> None:
    station = a_station("Available", version=V201)
    more = {"component": component, "variable": "AvailabilityState", "actual_value": "Faulted"}

    await device_events.record(station=station, **USUAL | more | {"place": Place(1, 1)})

    assert changed(station, CONNECTORS)[11]["status"] == "Faulted"
    assert station.connectors[1, 1].status == "Faulted"
    assert changed(station, CONNECTORS)[11]["status_at"] == BEFORE


async def test_the_availability_state_of_a_station_is_not_one_of_a_connector() -> None:
    station = a_station("Available", version=V201)
    more = {"component": "ChargingStation", "variable": "AvailabilityState", "actual_value": "Faulted"}

    await device_events.record(station=station, **USUAL | more | {"place": Place(1, 1)})

    assert station.connectors[1, 1].status == "Available"
    assert station.unit.updates


@pytest.mark.parametrize(
    ("component", "variable"),
    [("Connector", "Available"), ("Cabinet", "AvailabilityState"), ("ChargingStation", "Problem")],
)
async def test_other_events_change_no_status(component: str, variable: str) -> None:
    station = a_station("Available", version=V201)
    more = {"component": component, "variable": variable, "actual_value": "Faulted"}

    await device_events.record(station=station, **USUAL | more | {"place": Place(1, 1)})

    assert station.unit.updates == []
    assert station.connectors[1, 1].status == "Available"
