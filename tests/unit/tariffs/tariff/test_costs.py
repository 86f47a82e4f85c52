"""The cost of a session as it is stored: the last event decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import orjson
import pytest

from ocpp_server.live.station import Station
from ocpp_server.observability.masking import MASK
from ocpp_server.protocol import registry
from ocpp_server.protocol.versions import V21
from tariffs.handlers import tariff as handlers
from tariffs.tables import SESSION_COSTS
from tests.unit.chargepoints.in_memory import NOON, a_station, changed, handled, rows
from tests.unit.transactions.transactions.live_station import running

EUR = {"currency": "EUR", "typeOfCost": "NormalCost"}
USAGE = {"energy": 1, "chargingTime": 1, "idleTime": 0}


def details(total: float = 18.15, **more: Any) -> dict[str, Any]:
    return {"totalCost": EUR | {"total": {"inclTax": total}}, "totalUsage": USAGE, **more}


def event(seq_no: int = 3, kind: str = "Updated", **more: Any) -> dict[str, Any]:
    info = {"transactionId": "T1"} | more.pop("info", {})
    return {
        "eventType": kind,
        "timestamp": "2026-05-04T12:00:00Z",
        "triggerReason": "RunningCost",
        "seqNo": seq_no,
        "transactionInfo": info,
        **more,
    }


def with_session(**more: Any) -> Station:
    station = a_station(version=V21)
    station.transactions[1000] = running(1000, ocpp_id="T1", **more)
    return station


async def reported(station: Station, request: dict[str, Any], *, is_stored: bool = True) -> dict[str, Any]:
    """The stored columns after an event that the app transactions has stored before."""
    if is_stored:
        check = crc32(orjson.dumps(request))
        (transaction,) = station.transactions.values()
        transaction.seq_fingerprints[request["seqNo"]] = check
        transaction.last_seq_no = max(transaction.last_seq_no or 0, request["seqNo"])
    station.unit.clear()
    await handled(handlers.cost_reported, station, "TransactionEvent", request)
    return changed(station, SESSION_COSTS).get(1000, {})


async def test_the_details_of_the_last_event_are_stored() -> None:
    station = with_session()

    found = await reported(station, event(costDetails=details(), info={"tariffId": "A"}))

    assert (found["total_incl_tax"], found["total_excl_tax"]) == (Decimal("18.15"), None)
    assert (found["currency"], found["cost_type"], found["failure"]) == ("EUR", "NormalCost", "")
    assert (found["tariff_id"], found["is_final"], found["reported_at"]) == ("A", False, NOON)
    assert found["details"] == details()
    (row,) = rows(station, SESSION_COSTS)
    assert (row["transaction_id"], row["charge_point_id"], row["updated_at"]) == (1000, station.pk, NOON)


async def test_an_event_without_costs_stores_nothing() -> None:
    assert await reported(with_session(), event()) == {}
    station = a_station(version=V21)
    await handled(handlers.cost_reported, station, "TransactionEvent", event(costDetails=details()))
    assert not station.unit  # the session is not known: the app transactions has quarantined its event


async def test_an_older_or_contradicting_event_changes_nothing() -> None:
    station = with_session()
    await reported(station, event(3, costDetails=details()))

    assert await reported(station, event(2, costDetails=details(1))) == {}
    assert await reported(station, event(3, costDetails=details(1)), is_stored=False) == {}


async def test_a_station_without_numbers_sends_its_events_in_order() -> None:
    station = with_session(has_seq_order=False)
    assert (await reported(station, event(0, costDetails=details(1))))["is_final"] is False
    assert (await reported(station, event(0, "Ended", costDetails=details(2))))["is_final"] is True

    (transaction,) = station.transactions.values()
    transaction.is_active = False
    assert await reported(station, event(0, costDetails=details(1))) == {}


@pytest.mark.parametrize(
    ("more", "failure"),
    [
        ({"failureToCalculate": True, "failureReason": "no clock"}, "no clock"),
        ({"failureToCalculate": True}, "-"),
        ({"failureToCalculate": False, "failureReason": "no clock"}, ""),
    ],
)
async def test_a_failure_has_its_reason(more: dict[str, Any], failure: str) -> None:
    found = await reported(with_session(), event(costDetails=details(**more)))

    assert found["failure"] == failure


async def test_an_event_with_a_tariff_alone_changes_no_cost() -> None:
    found = await reported(with_session(), event(info={"tariffId": "A" * 61}))

    assert found == {"tariff_id": "A" * 60, "updated_at": NOON}


async def test_an_event_with_costs_alone_changes_no_tariff() -> None:
    total = {"total": {"exclTax": 15, "inclTax": 18}, "currency": "EURO", "typeOfCost": "N" * 33}
    given = details(totalCost=total, failureToCalculate=True, failureReason="R" * 501)

    assert await reported(with_session(), event(kind="Ended", costDetails=given)) == {
        "currency": "EUR",
        "total_excl_tax": Decimal(15),
        "total_incl_tax": Decimal(18),
        "cost_type": "N" * 32,
        "failure": "R" * 500,
        "details": given,
        "is_final": True,
        "reported_at": NOON,
        "updated_at": NOON,
    }


async def test_secrets_in_the_details_are_masked() -> None:
    given = details(customData={"vendorId": "V", "password": "geheim"})

    found = await reported(with_session(), event(costDetails=given))

    assert found["details"] == details(customData={"vendorId": "V", "password": MASK})


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-04T13:00:00", NOON - timedelta(hours=1)),  # without a zone: that of the station
        ("2026-05-04T11:30:00Z", NOON - timedelta(minutes=30)),
        ("soon", NOON),
        (None, NOON),
    ],
)
async def test_the_time_of_a_report_is_that_of_its_event(text: str | None, at: datetime) -> None:
    station = with_session()
    station.zone = ZoneInfo("Europe/Vienna")

    found = await reported(station, event(costDetails=details()) | {"timestamp": text})

    assert found["reported_at"] == at


async def test_the_newest_session_of_an_id_counts() -> None:
    station = with_session()
    newer = running(1001, ocpp_id="T1", generation=1)
    station.transactions[1001] = newer
    reply = registry.reply_handler(V21, "CostUpdated")
    assert reply is not None

    await reply(station, {"transactionId": "T1", "totalCost": 4.2}, {}, "c-1")
    await reply(station, {"transactionId": "T2", "totalCost": 4.2}, {}, "c-1")

    found = changed(station, SESSION_COSTS)
    assert found == {1001: {"sent_cost": Decimal("4.2"), "sent_at": NOON, "updated_at": NOON}}
