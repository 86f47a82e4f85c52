"""The cost of a session as it is stored: the last event decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

import orjson
import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol import registry
from ocpp_server.protocol.translate import IdToken
from ocpp_server.protocol.versions import V21
from tariffs.handlers import tariff as handlers
from tariffs.live import COSTS
from tariffs.services.tariff.pricing import Pricer
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


# -- the price -----------------------------------------------------------------------------------------------


def per_session(station: Station, transaction: Any) -> Decimal:
    return Decimal("1.5")


def broken(station: Station, transaction: Any) -> Decimal:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("name", "ocpp_id", "cost"),
    [
        ("per_session", "T1", Decimal("1.5")),
        ("per_session", "T2", None),
        ("broken", "T1", None),
        ("", "T1", None),
    ],
)
async def test_a_price_is_known_or_not(name: str, ocpp_id: str, cost: Decimal | None) -> None:
    pricer = Pricer()
    pricer.load(f"{__name__}.{name}" if name else "")
    station = with_session()
    COSTS.of(station).tariffs_read_at = NOON  # it has no default tariff

    assert await pricer.total_cost(station, ocpp_id) == cost
    assert [one.cost for one in COSTS.of(station).sent.values()] == ([cost] if cost else [])


def wrong_tariff(station: Station, token: Any) -> dict[str, Any]:
    return {"tariffId": "A"}


async def test_a_tariff_that_ocpp_does_not_allow_is_not_sent() -> None:
    pricer = Pricer()
    token = IdToken("ALICE", "Central")
    for name in ("wrong_tariff", "broken"):
        pricer.load("", f"{__name__}.{name}")
        assert await pricer.driver_tariff(with_session(), token) is None
    pricer.load("")
    assert await pricer.driver_tariff(with_session(), token) is None


def test_only_functions_that_can_be_imported_are_taken() -> None:
    for path in ("nowhere.total", f"{__name__}.missing", f"{__name__}.NOON", "total"):
        with pytest.raises(Exception, match="OCPP_PRICE"):
            Pricer().load(path)
