"""StartTransactions of 1.6: the session that a start opens, and what makes it suspect from the beginning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import Connector
from ocpp_server import live
from ocpp_server.live.records import TransactionState
from ocpp_server.protocol.translate import IdToken, Place
from ocpp_server.protocol.versions import V16
from tests.direct import messages
from tests.direct.accounts import a_token
from tests.direct.messages import END, Reading
from tests.direct.station import DirectStation
from tests.unit.transactions.transactions.hour import at
from tests.unit.transactions.transactions.live_station import (
    emitted,
    minutes,
    running,
    with_transactions,
)
from transactions.live.unmatched import ORPHANS
from transactions.models import QuarantinedMessage, Refusal
from transactions.models import Reading as StoredReading
from transactions.services.transactions import late_starts, starting

WITH_DATABASE = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def charger(station: Any, run_orm: Any) -> DirectStation:
    """A station with a connector; CARD may charge, BLOCKED may not."""
    made: DirectStation = await station(V16)
    await run_orm(a_token)
    await run_orm(a_token, "BLOCKED", status="blocked")
    await made.status("Preparing")
    return made


@WITH_DATABASE
async def test_a_start_opens_a_session_with_everything_that_it_says(charger: DirectStation) -> None:
    answer = await charger.start("CARD", meter_wh=1000, at=at(0), reservation=7)

    row = await charger.only_session()
    assert answer == {"status": "Accepted", "transaction": row.pk}
    assert (row.ocpp_id, row.status, row.evse_number, row.connector_number) == (str(row.pk), "active", 1, 1)
    assert (row.id_token, row.authorization_status, row.reservation_id) == ("CARD", "Accepted", 7)
    assert (row.meter_start_wh, row.started_at, row.was_offline) == (1000, at(0), True)
    assert (row.start_received_at, row.suspect_reasons) == (charger.station.received_at, [])


@WITH_DATABASE
async def test_a_refused_start_opens_a_session_too(charger: DirectStation, run_orm: Any) -> None:
    answer = await charger.start("BLOCKED")

    refusal, row = await run_orm(Refusal.objects.get), await charger.only_session()
    assert (answer["status"], row.status, row.authorization_status) == ("Blocked", "active", "Blocked")
    assert (refusal.purpose, refusal.evse_number) == ("start", 1)


@WITH_DATABASE
async def test_a_session_at_an_unknown_connector_is_suspect(charger: DirectStation, run_orm: Any) -> None:
    for evse in (1, 2, 0):
        await charger.start("CARD", evse)

    assert [row.suspect_reasons[:1] for row in await charger.sessions()] == [
        [],
        ["connector-unknown: 2"],
        ["connector-unknown: 0"],
    ]
    known = await run_orm(lambda: set(Connector.objects.values_list("evse__number", "is_provisional")))
    assert known == {(1, False), (2, True)}


@WITH_DATABASE
async def test_a_session_that_began_at_an_implausible_time_is_suspect(charger: DirectStation) -> None:
    await charger.start("CARD", at=datetime(1970, 1, 1, tzinfo=UTC))

    row = await charger.only_session()
    assert [reason.partition(":")[0] for reason in row.suspect_reasons] == ["clock-implausible"]
    assert row.started_at == row.start_received_at


@WITH_DATABASE
@pytest.mark.parametrize(("age", "was_queued"), [(5, False), (5 + 1 / 60, True)])
async def test_a_start_of_more_than_five_minutes_ago_was_queued(
    charger: DirectStation, age: float, was_queued: bool
) -> None:
    charger.station.received_at = minutes(60)

    await starting.start(
        station=charger.station,
        place=Place(1, 1),
        token=IdToken("CARD"),
        meter_wh=0,
        at=minutes(60 - age),
        time_text="T",
    )

    assert [data["wasOffline"] for _, data in emitted(charger.station)] == [was_queued]
    charger.station.unit.clear()


# -- a start after its stop ----------------------------------------------------------------------------------


async def stopped(charger: DirectStation, wh: int = 1800, uid: str = "CARD") -> None:
    data = [Reading(1000, at(15)), Reading(wh, at(29), END)]
    await charger.ask(messages.stop_16(-1, uid, wh, at=at(30), data=data))


@WITH_DATABASE
@pytest.mark.parametrize(("wh", "suspicions"), [(1000, []), (1001, ["charged-unauthorized: Blocked"])])
async def test_a_refused_late_start_is_suspect_where_energy_was_drawn(
    charger: DirectStation, wh: int, suspicions: list[str]
) -> None:
    await stopped(charger, wh, "")

    await charger.start("BLOCKED", meter_wh=1000, at=at(0))

    row = await charger.only_session()
    assert (row.status, row.suspect_reasons) == ("ended", ["stop-came-first", *suspicions])


@WITH_DATABASE
async def test_a_late_start_is_stored_with_the_time_of_its_receipt_and_resolves_one_stop(
    charger: DirectStation, run_orm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[int] = []
    monkeypatch.setattr(
        type(live.state()), "transaction_changed", lambda _, transaction: published.append(transaction.id)
    )
    await stopped(charger)
    for number in (5000, 5001):
        await charger.ask(messages.stop_16(number, "OTHER", 1500, at=at(30)))
    received_at = charger.station.received_at
    published.clear()

    await charger.start("CARD", meter_wh=900, at=at(0))

    row = await charger.only_session()
    assert published == [row.pk]
    assert (row.start_received_at, row.started_at) == (charger.station.received_at, at(0))
    assert row.start_received_at > received_at
    assert ORPHANS.of(charger.station).count == 2
    resolved = await run_orm(
        lambda: list(QuarantinedMessage.objects.order_by("id").values_list("resolved_at", flat=True))
    )
    assert [moment is not None for moment in resolved] == [True, False, False]
    assert await run_orm(lambda: set(StoredReading.objects.values_list("transaction", flat=True))) == {row.pk}


def built(number: int = 1000, **more: Any) -> TransactionState:
    """A session that was built from its stop."""
    values = {"is_active": False, "suspect_reasons": ["start-missing"], "started_at": minutes(10)}
    return running(number, **(values | {"meter_start_mwh": 1_300_000} | more))


@pytest.mark.parametrize(
    ("transaction", "fits"),
    [
        (built(), True),
        (built(token_key=""), True),
        (built(started_at=minutes(0)), True),
        (built(started_at=minutes(-0.1)), False),
        (built(meter_start_mwh=1_000_000), True),
        (built(meter_start_mwh=999_999), False),
        (built(meter_start_mwh=None), True),
        (built(token_key="other"), False),
        (built(is_active=True), False),
        (built(start_fingerprint="f"), False),
        (built(suspect_reasons=["stop-came-first"]), False),
    ],
)
def test_a_start_belongs_to_a_session_without_one_that_it_fits(
    transaction: TransactionState, fits: bool
) -> None:
    station = with_transactions(transaction)
    transaction.meter_start_mwh = transaction.meter_start_mwh if not transaction.is_active else 1_300_000
    ORPHANS.of(station).count = 1

    found = late_starts.built_from_stop(station, token=IdToken(" Card"), meter_wh=1000, at=minutes(0))

    assert (found is transaction) is fits


def test_a_start_belongs_to_the_first_session_that_it_fits() -> None:
    station = with_transactions(
        built(1002), built(1001), built(1000, started_at=minutes(11)), built(1003, started_at=minutes(12))
    )

    def found() -> int | None:
        one = late_starts.built_from_stop(station, token=IdToken("CARD"), meter_wh=1000, at=minutes(0))
        return one and one.id

    assert found() is None  # no stop waits
    ORPHANS.of(station).count = 1
    assert found() == 1001
    station.transactions.clear()
    assert found() is None
