"""Reservations with simulated stations, which hold, use, refuse, keep and lose them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator import Station
from tests.conformance.conftest import BOB
from tests.conformance.peer import TIMEOUT_S, eventually, fresh
from tests.conformance.reserving import events, states
from tests.seeds import chosen_seed

SIMULATED = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1"}


@pytest.fixture
async def simulated(server: Any, version: str) -> AsyncIterator[Station]:
    seed = chosen_seed("simulated reservations")
    station = Station(fresh("SIM"), SIMULATED[version], server.ocpp, speed=100, connectors=2, seed=seed)
    await station.start(timeout_s=TIMEOUT_S)
    yield station
    await station.stop(grace_s=1)


async def reserve(operator: Any, station: Station, **body: Any) -> tuple[int, dict[str, Any]]:
    path = f"/api/v1/chargepoints/{station.identity}/reserve"
    code, answer = await operator.request("POST", path, {"idTag": BOB, "connectorId": 1, **body})
    return code, answer["data"]


async def test_a_family_uses_its_reservation(server, operator, records, simulated):
    code, data = await reserve(operator, simulated)
    assert (code, data["state"]) == (200, "accepted")
    await eventually(lambda: records.of("transactions_reservation", simulated.identity)[0]["shown_at"])

    await simulated.charge(1, "CAROL003", duration_s=2)

    (row,) = records.of("transactions_reservation", simulated.identity)
    assert (row["state"], row["transaction_id"]) == ("used", records.transaction(simulated.identity)["id"])


async def test_a_stranger_gets_no_session(server, operator, records, simulated):
    await reserve(operator, simulated)

    session = await simulated.charge(1, "ALICE0001", duration_s=2)

    assert session.refused
    assert records.transactions(simulated.identity) == []
    assert states(records, simulated) == [("accepted", "")]


async def test_a_start_that_forgets_the_reservation_uses_it(server, operator, records, simulated):
    simulated.misbehaviour.forgets_reservations = True
    await reserve(operator, simulated)

    await simulated.charge(1, BOB, duration_s=2)

    assert states(records, simulated) == [("used", "")]
    assert records.transaction(simulated.identity)["reservation_id"] is None


async def test_a_fault_ends_it(server, operator, records, simulated):
    await reserve(operator, simulated)

    await simulated.fault(1, seconds=1)

    await eventually(lambda: states(records, simulated) == [("ended", "faulted")])
    assert events(records, simulated) == ["reservation.created", "reservation.failed"]


@pytest.mark.parametrize("word", ["Occupied", "Faulted", "Unavailable", "Rejected"])
async def test_a_refusal(server, operator, records, simulated, word):
    simulated.misbehaviour.refuses_reservations = word
    await reserve(operator, simulated)
    assert states(records, simulated) == [("refused", word.lower())]


async def test_a_station_that_keeps_its_reservation_does_not_cancel_it(server, operator, records, simulated):
    simulated.misbehaviour.keeps_reservations = True
    _, data = await reserve(operator, simulated)

    path = f"/api/v1/chargepoints/{simulated.identity}/cancel-reservation"
    code, answer = await operator.request("POST", path, {"reservationId": data["reservationId"]})

    assert (code, answer["data"]["status"]) == (200, "Rejected")
    assert states(records, simulated) == [("ended", "unknown")]


async def test_silence(server, operator, records, simulated):
    simulated.misbehaviour.never_answers = True

    code, _ = await reserve(operator, simulated, timeout=1)

    assert code == 408
    assert states(records, simulated) == [("unanswered", "silent")]


async def test_a_late_acceptance_and_its_cancellation(server, operator, records, simulated):
    simulated.misbehaviour.slow_answers_s = 2.0
    code, _ = await reserve(operator, simulated, timeout=1)
    assert code == 408
    await eventually(lambda: states(records, simulated) == [("accepted", "")])

    simulated.misbehaviour.slow_answers_s = 0.0
    (row,) = records.of("transactions_reservation", simulated.identity)
    path = f"/api/v1/chargepoints/{simulated.identity}/cancel-reservation"
    code, _ = await operator.request("POST", path, {"reservationId": row["number"]})

    assert code == 200
    assert states(records, simulated) == [("cancelled", "")]


async def test_the_expiry(server, operator, records, simulated):
    soon = datetime.now(UTC) + timedelta(seconds=2)
    await reserve(operator, simulated, expiryDate=soon.isoformat())

    await eventually(lambda: states(records, simulated) == [("expired", "")])
    assert events(records, simulated) == ["reservation.created", "reservation.expired"]
