"""Quarantine: which messages about money are kept, what of them, and the answer to one that was given up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from chargepoints.models import ChargePoint, Site
from events.models import Event
from ocpp_server import live
from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import Exchange
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.frames import Call
from ocpp_server.protocol.versions import V16
from tests.direct.station import DirectStation
from tests.unit.transactions.transactions.live_station import NOON, a_station, emitted, minutes
from transactions.models import QuarantinedMessage
from transactions.services.transactions import quarantine
from transactions.tables import QUARANTINE

Reason = QuarantinedMessage.Reason
STOP = "StopTransaction"
AS_RECEIVED = '{"transactionId": 7,  "meterStop": 1}'


def with_message(station: Station, payload: str = AS_RECEIVED, request: Any = None) -> Station:
    station.action, station.payload = STOP, payload
    station.request = orjson.loads(payload) if request is None else request
    return station


def kept_now(station: Station) -> list[dict[str, Any]]:
    """The rows that the current message adds."""
    return [
        dict(zip(table.names, row, strict=True)) for table, row in station.unit.inserts if table is QUARANTINE
    ]


def stored(number: int, **more: Any) -> None:
    values: dict[str, Any] = {"action": STOP, "reason": Reason.UNKNOWN_TRANSACTION, "payload": AS_RECEIVED}
    QuarantinedMessage.objects.create(charge_point_id=number, received_at=NOON, **(values | more))


# -- what is kept --------------------------------------------------------------------------------------------


def test_a_kept_message_has_its_payload_and_reason_and_is_announced() -> None:
    station = with_message(a_station())

    quarantine.keep(station, reason=Reason.CONFLICTING_STOP, transaction_id=1000, detail="d" * 501)

    (row,) = kept_now(station)
    assert (
        row
        | {
            "charge_point_id": 1,
            "transaction_id": 1000,
            "action": STOP,
            "reason": "conflicting-stop",
            "detail": "d" * 500,
            "payload": AS_RECEIVED,
            "received_at": minutes(60),
        }
        == row
    )
    data = {
        "action": STOP,
        "reason": "conflicting-stop",
        "detail": "d" * 500,
        "transactionId": 1000,
        "receivedAt": "2026-05-04T13:00:00.000Z",
    }
    assert emitted(station) == [("transaction.quarantined", data)]


@pytest.mark.parametrize(
    ("payload", "request_", "wanted"),
    [
        (AS_RECEIVED, {"transactionId": 7, "meterStop": 1}, AS_RECEIVED),
        (AS_RECEIVED, {"transactionId": 7, "meterStop": 2}, '{"transactionId":7,"meterStop":2}'),
        (AS_RECEIVED, {}, AS_RECEIVED),  # it was not validated
        ('{"meterStop": ', {"meterStop": 1}, '{"meterStop": '),
    ],
)
def test_a_message_is_kept_as_received_or_as_it_was_repaired(
    payload: str, request_: dict[str, Any], wanted: str
) -> None:
    station = with_message(a_station(), payload, request_)

    quarantine.keep(station, reason=Reason.BAD_MESSAGE)

    assert [row["payload"] for row in kept_now(station)] == [wanted]


def test_a_kept_message_is_resolved_by_its_transaction() -> None:
    station = a_station()

    quarantine.resolve(station, 5, 1000)

    assert station.unit.updates == [(QUARANTINE, 5, {"resolved_at": minutes(60), "transaction_id": 1000})]


# -- kept once -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("other", "is_repeated"),
    [
        ({}, True),
        ({"reason": Reason.BAD_MESSAGE}, False),  # it got an error: it was not handled yet
        ({"action": "MeterValues"}, False),
        ({"payload": "{}"}, False),
        ({"charge_point_id": 2}, False),
    ],
)
async def test_a_message_is_repeated_when_the_same_station_sent_it_before(
    engine: None, run_orm: Any, other: dict[str, Any], is_repeated: bool
) -> None:
    for number in (1, 2):
        await run_orm(ChargePoint.objects.create, pk=number, identity=f"CP-{number}")
    await run_orm(lambda: stored(other.pop("charge_point_id", 1), **other))

    assert await quarantine.is_repeated(with_message(a_station())) is is_repeated


@pytest.mark.parametrize(("limit", "is_added"), [(2, False), (3, True)])
def test_a_station_fills_the_quarantine_up_to_its_limit(
    db: None, monkeypatch: pytest.MonkeyPatch, limit: int, is_added: bool
) -> None:
    monkeypatch.setattr(quarantine, "MAX_PER_STATION", limit)
    for number in (1, 2):
        ChargePoint.objects.create(pk=number, identity=f"CP-{number}")
    for number, payload in ((1, "1"), (1, "2"), (2, "3")):
        stored(number, payload=payload)

    quarantine.keep_given_up(1, STOP, "{}", "Given up.", NOON)

    assert QuarantinedMessage.objects.filter(charge_point=1).count() == (3 if is_added else 2)


# -- refused messages ----------------------------------------------------------------------------------------


def an_exchange(action: str, *, is_refused: bool = True) -> Exchange:
    exchange = Exchange(Call(id="1", action=action, payload=AS_RECEIVED))
    exchange.error = OcppError("Wrong.") if is_refused else None
    return exchange


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("exchange", "status", "details"),
    [
        (an_exchange(STOP), "Accepted", ["Wrong."]),
        (an_exchange("Heartbeat"), "Accepted", []),
        (an_exchange(STOP), "Pending", []),
        (an_exchange(STOP, is_refused=False), "Accepted", []),
    ],
)
async def test_a_refused_message_about_money_of_an_accepted_station_is_kept(
    engine: None, exchange: Exchange, status: str, details: list[str]
) -> None:
    station = with_message(a_station())
    station.registration_status = status

    await quarantine.keep_refused(station, exchange)

    rows = [(row["detail"], row["reason"]) for row in kept_now(station)]
    assert rows == [(detail, "bad-message") for detail in details]


@pytest.mark.django_db(transaction=True)
async def test_a_refused_message_is_kept_once(station: Any, run_orm: Any) -> None:
    charger: DirectStation = await station(V16)

    for _ in range(2):
        assert (await charger.call(STOP, {"transactionId": "one"}))[0] == 4

    assert await run_orm(QuarantinedMessage.objects.count) == 1


# -- messages that were given up -----------------------------------------------------------------------------


def test_a_message_that_was_given_up_is_kept_and_announced(db: None) -> None:
    site = Site.objects.create(name="Depot")
    charger = ChargePoint.objects.create(identity="CP-1", site=site)

    quarantine.keep_given_up(charger.pk, "A" * 65, AS_RECEIVED, "d" * 501, NOON)

    kept, event = QuarantinedMessage.objects.get(), Event.objects.get()
    assert (kept.charge_point, kept.action, kept.reason) == (charger, "A" * 64, "bad-message")
    assert (kept.detail, kept.payload, kept.received_at) == ("d" * 500, AS_RECEIVED, NOON)
    assert (event.type, event.station, event.site_id) == ("transaction.quarantined", "CP-1", site.pk)
    assert orjson.loads(event.data) == {
        "action": "A" * 64,
        "reason": "bad-message",
        "detail": "d" * 500,
        "transactionId": None,
        "receivedAt": "2026-05-04T12:00:00.000Z",
    }


async def test_a_start_that_was_given_up_gets_a_number_and_no_energy() -> None:
    live.reset()
    live.state().rebuild(last_number=4711, active=[])

    assert await quarantine.answer_given_up("StartTransaction") == {
        "transactionId": 4712,
        "idTagInfo": {"status": "Invalid"},
    }
    assert await quarantine.answer_given_up(STOP) == {}
    live.reset()
