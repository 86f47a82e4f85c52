"""The JSON snapshots from which the live pages draw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import UnknownToken
from chargepoints.models import ChargePoint, Command, RefusedConnection
from tests.admin.rows import NOON, a_session, a_station
from tests.direct.readings import a_reading
from transactions.models import QuarantinedMessage, Reading, Transaction


def test_the_dashboard_counts_current_sessions_and_stations(viewer: Client) -> None:
    now = timezone.now()
    online = a_station("CP-ON", is_online=True)
    a_station("CP-OFF")
    a_session(online, 1000, power_w=7400.0, energy_wh=1500.0, started_at=now)
    a_session(online, 1001, status="ended", started_at=now - timedelta(days=2), suspect=True)
    QuarantinedMessage.objects.create(
        charge_point=online, action="StopTransaction", reason="bad-message", payload="{}", received_at=now
    )

    values = viewer.get("/admin/live/").json()["values"]

    shown = {name: cell["text"].replace("\xa0", " ") for name, cell in values.items()}
    assert shown == {
        "online": "1",
        "known": "of 2 known",
        "charging": "1",
        "power": "7.4 kW",
        "faults": "1",
        "sessions_today": "1",
        "energy_today": "1.50 kWh",
        "suspect": "1",
        "quarantined": "1",
        "pending": "0",
        "expiring_certificates": "0",
        "alerts": "0",
        "alerts_checked": "",
    }


def test_the_chart_has_the_sessions_of_each_hour_of_today(viewer: Client, station: ChargePoint) -> None:
    start = timezone.localtime().replace(hour=0, minute=30, second=0, microsecond=0)
    a_session(station, 1000, started_at=start, energy_wh=2000.0)

    chart = viewer.get("/admin/live/").json()["charts"]["today"]

    assert chart["sessions"][0] == 1 and sum(chart["sessions"]) == 1
    assert chart["energy"][0] == 2.0


def hour(at: datetime) -> str:
    """The key of an hour in Transaction.energy_by_hour."""
    return str(int(at.replace(minute=0, second=0, microsecond=0).timestamp()))


@pytest.fixture(params=["UTC", "Europe/Berlin", "Asia/Kathmandu"])
def midnight(request: pytest.FixtureRequest, settings: Any) -> Iterator[datetime]:
    """The start of today, for several time zones of the server."""
    settings.TIME_ZONE = request.param
    yield timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def test_a_session_that_began_yesterday_has_its_part_of_today(
    midnight: datetime, viewer: Client, station: ChargePoint
) -> None:
    yesterday, first = midnight - timedelta(hours=2), midnight + timedelta(minutes=20)
    over_midnight = {hour(yesterday): 4000.0, hour(first): 1250.0}
    a_session(station, 1000, started_at=yesterday, energy_wh=5250, energy_by_hour=over_midnight)
    ended = {"status": "ended", "started_at": yesterday, "energy_wh": 5000}
    a_session(station, 1001, stopped_at=first, energy_by_hour=over_midnight, **ended)
    a_session(station, 1002, stopped_at=yesterday, energy_by_hour={hour(yesterday): 5000.0}, **ended)
    a_session(station, 1003, started_at=first, energy_wh=0, energy_by_hour={})

    snapshot = viewer.get("/admin/live/").json()

    chart = snapshot["charts"]["today"]
    assert chart["energy"] == [2.5] + [0] * 23
    assert chart["sessions"] == [1] + [0] * 23
    assert snapshot["values"]["energy_today"]["text"] == "2.50\xa0kWh"


def test_hours_of_tomorrow_are_not_today(midnight: datetime, viewer: Client, station: ChargePoint) -> None:
    tomorrow = midnight + timedelta(days=1)
    a_session(station, 1000, started_at=midnight, energy_by_hour={hour(tomorrow): 500.0})

    assert sum(viewer.get("/admin/live/").json()["charts"]["today"]["energy"]) == 0


def test_the_energy_of_a_day_is_found_by_indexes(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the plan of an empty table says nothing there")
    with CaptureQueriesContext(connection) as queries:
        Transaction.objects.drawn_by_hour(NOON, NOON + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + queries[0]["sql"])
        plan = " ".join(row[3] for row in cursor.fetchall())

    assert "transaction_by_stop" in plan and "transaction_by_status" in plan
    assert "SCAN transactions_transaction" not in plan and "SCAN session" not in plan


def test_a_signed_out_user_gets_an_error_in_json(db: None, station: ChargePoint) -> None:
    for path in ("/admin/live/", "/admin/changes/", reverse("admin:station-live", args=[station.pk])):
        answer = Client().get(path)

        assert answer.status_code == 401
        assert answer.json() == {"detail": "You are signed out."}


def test_buttons_of_the_inboxes_are_for_administrators(viewer: Client, administrator: Client) -> None:
    RefusedConnection.objects.create(
        identity="NEW", path="/ocpp/NEW", code=404, reason="Unknown.", can_be_accepted=True, at=NOON
    )
    UnknownToken.objects.create(uid="CARD", uid_key="card", first_seen_at=NOON, last_seen_at=NOON)

    seen = viewer.get("/admin/live/").json()["tables"]
    offered = administrator.get("/admin/live/").json()["tables"]

    assert "post" not in seen["refused"][0][-1] and not seen["tokens"][0][-1].get("buttons")
    assert offered["refused"][0][-1]["text"] == "Accept"
    assert [button["text"] for button in offered["tokens"][0][-1]["buttons"]] == ["Add", "Ignore"]


def test_an_offline_station_shows_its_last_status_as_such(viewer: Client) -> None:
    station = a_station("CP-1", is_online=False)
    station.connectors.update(status="Available")

    connectors = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["connectors"]

    assert connectors[0][1]["text"] == "Offline (last: Available)"


def test_the_station_page_follows_its_commands(viewer: Client, station: ChargePoint) -> None:
    command = Command.objects.create(
        id="c-1",
        charge_point=station,
        action="Reset",
        payload={},
        state="rejected",
        status="Scheduled",
        created_at=NOON,
        deadline_at=NOON,
    )

    states = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["states"]

    assert states[command.pk] == {"text": "Reset: Rejected (Scheduled)", "tone": "warning", "finished": True}


def readings(station: ChargePoint, session: object, measurand: str, *values: float, phase: str = "") -> None:
    Reading.objects.bulk_create(
        a_reading(
            charge_point=station,
            transaction=session,
            measurand=measurand,
            phase=phase,
            value=value,
            raw=str(value),
            measured_at=NOON + timedelta(hours=hour),
            received_at=NOON,
        )
        for hour, value in enumerate(values)
    )


def test_the_meter_chart_shows_energy_since_the_start_and_power(viewer: Client, station: ChargePoint) -> None:
    session = a_session(station, 1000)
    readings(station, session, "Energy.Active.Import.Register", 1000, 8000)
    for phase in ("L1", "L2", "L3"):
        readings(station, session, "Power.Active.Import", 1000, 2000, phase=phase)

    chart = viewer.get(reverse("admin:session-live", args=[1000])).json()["charts"]["meter"]

    assert [value for _, value in chart["energy"]] == [0, 7]
    assert [value for _, value in chart["power"]] == [3, 6]


def test_without_power_readings_the_slope_of_the_register_is_shown(
    viewer: Client, station: ChargePoint
) -> None:
    session = a_session(station, 1000)
    readings(station, session, "Energy.Active.Import.Register", 1000, 8000, 8000)

    chart = viewer.get(reverse("admin:session-live", args=[1000])).json()["charts"]["meter"]

    assert [value for _, value in chart["power"]] == [7, 0]


def test_a_chart_of_a_long_session_is_thinned_and_keeps_its_end(viewer: Client, station: ChargePoint) -> None:
    session = a_session(station, 1000)
    readings(station, session, "Energy.Active.Import.Register", *range(1000, 3001))

    energy = viewer.get(reverse("admin:session-live", args=[1000])).json()["charts"]["meter"]["energy"]

    assert len(energy) <= 602
    assert energy[-1][1] == 2.0


def test_a_session_page_gives_its_reasons_and_its_readings_by_page(
    viewer: Client, station: ChargePoint
) -> None:
    session = a_session(station, 1000, suspect=True, suspect_reasons=["The meter went backwards."])
    readings(station, session, "Voltage", *range(60))

    first = viewer.get("/admin/transactions/transaction/1000/change/").content.decode()
    second = viewer.get("/admin/transactions/transaction/1000/change/?page=2").content.decode()

    assert "The meter went backwards." in first and "Page 1 of 2" in first
    assert "Page 2 of 2" in second
