"""Security events of stations: what is stored and published of each (2.0.1 A04)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from chargepoints.services import security
from chargepoints.services.security import Hourly
from chargepoints.tables import SECURITY_EVENTS
from tests.unit.chargepoints.in_memory import NOON, STATION, a_station, events, rows

BEFORE = NOON - timedelta(hours=1)


@pytest.fixture(autouse=True)
def _own_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_reported", "_noticed", "_logged"):
        monkeypatch.setattr(security, name, Hourly())


@pytest.mark.parametrize("is_critical", [False, True])
def test_a_reported_event_is_stored_and_published(is_critical: bool) -> None:
    station = a_station()

    security.report(station=station, type="T", tech_info="info", at=BEFORE, is_critical=is_critical)

    assert rows(station, SECURITY_EVENTS) == [
        {
            "charge_point_id": STATION,
            "type": "T",
            "tech_info": "info",
            "from_station": True,
            "is_critical": is_critical,
            "at": BEFORE,
            "received_at": NOON,
        }
    ]
    ((kind, data),) = events(station)
    assert kind == "security.reported"
    assert data["time"].startswith("2026-05-04T11:00:00")
    assert {name: data[name] for name in ("eventType", "techInfo", "fromStation", "critical")} == {
        "eventType": "T",
        "techInfo": "info",
        "fromStation": True,
        "critical": is_critical,
    }


def test_an_event_is_not_critical_unless_it_is_said() -> None:
    station = a_station()

    security.report(station=station, type="T", tech_info="", at=BEFORE)
    security.notice(station=station, type="T", tech_info="")

    assert [row["is_critical"] for row in rows(station, SECURITY_EVENTS)] == [False, False]
    assert [data["critical"] for _, data in events(station)] == [False, False]


def test_secrets_in_the_remark_of_an_event_are_masked() -> None:
    station = a_station()

    security.report(station=station, type="T", tech_info="password=s3cretword", at=BEFORE)

    ((_, data),) = events(station)
    (row,) = rows(station, SECURITY_EVENTS)
    assert row["tech_info"] == data["techInfo"] != "password=s3cretword"
    assert "s3cretword" not in row["tech_info"]


def test_a_flood_is_logged_once_with_a_type_that_is_cut() -> None:
    station: Any = a_station()
    with capture_logs() as logged:
        for _ in range(303):
            security.report(station=station, type="T" * 200, tech_info="", at=BEFORE)

    assert [(one["event"], one["station"], one["type"]) for one in logged] == [
        ("station.security_event_flood", "CP-1", "T" * 100)
    ]
    flood = rows(station, SECURITY_EVENTS)[-1]
    assert flood["tech_info"] == (
        f"More than 300 security events within an hour, the last one {'T' * 100!r}: the rest of the hour is "
        "counted as a deviation and not stored."
    )
    assert (flood["is_critical"], flood["type"]) == (False, "SecurityEventFlood")
