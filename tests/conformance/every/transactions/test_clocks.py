"""F43-F45: wrong clocks, and implausible times and readings: stored, flagged and answered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.conformance.messages import event, moment, new_transaction, start, status, stop
from tests.conformance.peer import V16, V21, V201, at, eventually, fresh, reasons, station

_PAGES = [
    "/api/v1/transactions",
    "/api/v1/transactions?limit=200&ordering=startTime",
    "/api/v1/chargepoints?limit=200",
    "/api/v1/transactions/export?format=csv",
    "/api/v1/transactions/export?format=json",
]


def _is_now(text):
    return abs(datetime.now(UTC) - moment(text)) < timedelta(minutes=1)


async def pages_render(server, identity):
    for path in [*_PAGES, f"/api/v1/chargepoints/{identity}", f"/api/v1/chargepoints/{identity}/messages"]:
        code, _ = await asyncio.to_thread(server.request, "GET", path)
        assert code == 200, path


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2036-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
async def test_F43_a_clock_that_was_never_set_is_replaced_by_the_server_time_and_flagged(
    server, records, time
):
    async with station(server) as peer:
        answer = await peer.call("StartTransaction", start() | {"timestamp": time})

    row = records.transaction(peer.identity)
    assert row["id"] == answer["transactionId"]
    assert _is_now(row["started_at"])
    assert _is_now(row["start_received_at"])
    assert "clock-implausible" in reasons(row)
    (message,) = [
        m for m in records.of("chargepoints_message", peer.identity) if m["action"] == "StartTransaction"
    ]
    assert time in message["request"]


async def test_F43_local_time_without_a_zone_is_read_in_the_stations_zone(server, operator, records):
    identity = fresh()
    await operator.provision(identity, assumedTimezone="Asia/Tokyo")
    local = datetime.now(UTC) + timedelta(hours=9)
    async with station(server, V16, identity) as peer:
        await peer.call("StartTransaction", start() | {"timestamp": local.strftime("%Y-%m-%dT%H:%M:%S")})

    row = records.transaction(identity)
    assert _is_now(row["started_at"])
    assert "clock-implausible" not in reasons(row)


async def test_F43_a_skewed_clock_is_measured(server, records):
    async with station(server) as peer:
        skewed = {"timestamp": at(2)}
        await peer.call("StartTransaction", start() | skewed)
        await peer.call("StatusNotification", status(1, "Charging", **skewed))
        identity = peer.identity

        row = await eventually(lambda: _skewed(records, identity))
    assert 100 < row["clock_skew_s"] < 125


def _skewed(records, identity):
    row = records.charge_point(identity)
    return row if row["clock_skew_s"] is not None else None


NONSENSE = [
    "1000000",
    "222222017-10-27T19:10:11Z",
    "2026-00-10T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2026-06-30T23:59:60Z",
    "2026-06-30T12:00:00+14:00",
    "2026-06-30T12:00:00.123456789Z",
    "2026-06-30T12:00:00+25:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "",
    "now",
    "2026-06-30",
    "2026-06-30T12:00",
    "20260630T120000Z",
    "2026-W27-2",
]


@pytest.mark.parametrize("time", NONSENSE)
async def test_F44_an_invalid_time_is_stored_or_flagged_and_every_page_still_renders(server, records, time):
    async with station(server) as peer:
        started = await peer.call("StartTransaction", start() | {"timestamp": time})
        await peer.call("StatusNotification", status(1, "Charging", timestamp=time))
        values = [{"timestamp": time, "sampledValue": [{"value": "1100"}]}]
        await peer.call("MeterValues", {"connectorId": 1, "meterValue": values})
        stopped = stop(started["transactionId"]) | {"timestamp": time, "transactionData": values}
        assert await peer.call("StopTransaction", stopped) == {}
        await pages_render(server, peer.identity)
        code, _ = await asyncio.to_thread(
            server.request, "GET", f"/api/v1/transactions/{started['transactionId']}"
        )

    assert code == 200
    assert records.transaction(peer.identity)["status"] == "ended"


@pytest.mark.parametrize("time", NONSENSE)
@pytest.mark.parametrize("version", [V201, V21])
async def test_F44_an_invalid_time_of_an_event(server, records, version, time):
    async with station(server, version) as peer:
        payload = event("Started", new_transaction(), 0) | {"timestamp": time}
        assert await peer.call("TransactionEvent", payload) == {}
        await pages_render(server, peer.identity)

    assert records.transaction(peer.identity)["status"] == "active"


@pytest.mark.parametrize(
    ("meter_start", "meter_stop", "start_at", "stop_at", "energy_wh", "code"),
    [
        (5000, 1000, -10, 0, 0, "meter-regression"),
        (5000, 5000, -10, 0, 0, None),
        (1000, 2_001_001_000, -10, 0, 2_001_000_000, "meter-jump"),
        (1000, 5000, -10, -20, 4000, "stop-before-start"),
        (-1, 5000, -10, 0, 0, "meter-start-implausible"),
        (1000, -5, -10, 0, 0, None),
    ],
)
async def test_F45_impossible_readings_are_answered_stored_and_flagged(  # noqa: PLR0917
    server, records, meter_start, meter_stop, start_at, stop_at, energy_wh, code
):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        number = (await peer.call("StartTransaction", start(meter=meter_start, minutes=start_at)))[
            "transactionId"
        ]
        assert await peer.call("StopTransaction", stop(number, meter=meter_stop, minutes=stop_at)) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"]) == ("ended", energy_wh)
    assert code is None or code in reasons(row)
    assert bool(row["suspect"]) == bool(reasons(row))


async def test_F45_a_register_that_resets_in_the_middle_keeps_the_energy(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(meter=9000, minutes=-40)))["transactionId"]
        for minutes, reading in ((-30, 9500), (-20, 0), (-10, 300)):
            values = [{"timestamp": at(minutes), "sampledValue": [{"value": str(reading)}]}]
            await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
        await peer.call("StopTransaction", stop(number, meter=400))

    row = records.transaction(peer.identity)
    assert row["energy_wh"] == 900
    assert "meter-reset" in reasons(row)
