"""StopTransactions of 1.6: the session that a stop ends, and a stop that has none or waits for its start."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from accounts.models import Token
from chargepoints.models import SecurityEvent
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.protocol.versions import V16
from tests.direct import messages
from tests.direct.accounts import a_token
from tests.direct.messages import Reading
from tests.direct.station import DirectStation
from tests.unit.transactions.transactions.hour import at
from transactions.live.unmatched import ORPHANS
from transactions.models import QuarantinedMessage, Refusal, Transaction
from transactions.models import Reading as StoredReading
from transactions.services.transactions import ending

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def charger(station: Any, run_orm: Any) -> DirectStation:
    """A station with a connector; CARD and its group may charge, BLOCKED may not."""
    made: DirectStation = await station(V16)
    await run_orm(a_token, group_id="FAMILY")
    await run_orm(a_token, "BLOCKED", status="blocked")
    await made.status("Preparing")
    return made


async def start(charger: DirectStation, minutes: float = 0, uid: str = "CARD", **more: Any) -> int:
    return int((await charger.start(uid, meter_wh=1000, at=at(minutes), **more))["transaction"])


async def stop(
    charger: DirectStation, number: int, uid: str = "CARD", wh: int = 1500, minutes: float = 30, **more: Any
) -> dict[str, Any]:
    """The answer to a stop."""
    return await charger.ask(messages.stop_16(number, uid, wh, at=at(minutes), **more))


def kinds(charger: DirectStation) -> set[str]:
    return {kind for kind, _, _ in charger.station.deviations}


def kept() -> list[QuarantinedMessage]:
    return list(QuarantinedMessage.objects.order_by("id"))


# -- the session of a stop -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("uid", "status"), [("CARD", "Accepted"), ("BLOCKED", "Blocked"), ("", "")])
async def test_a_stop_ends_its_session_whatever_its_token(
    charger: DirectStation, run_orm: Any, uid: str, status: str
) -> None:
    number = await start(charger)

    answer = await stop(charger, number, uid, reason="EVDisconnected")

    (row,) = await charger.sessions()
    assert answer.get("idTagInfo", {}).get("status", "") == status == row.stop_authorization_status
    assert (row.status, row.ended_by, row.stopped_at) == ("ended", "station", at(30))
    assert (row.stop_reason, row.stop_id_token, row.energy_wh) == ("EVDisconnected", uid, 500)
    purposes = await run_orm(lambda: list(Refusal.objects.values_list("purpose", flat=True)))
    assert purposes == (["stop"] if uid == "BLOCKED" else [])


async def test_the_readings_of_a_stop_belong_to_the_place_of_its_session(
    charger: DirectStation, run_orm: Any
) -> None:
    number = await start(charger)

    await stop(charger, number, data=[Reading(1200, at(10))])

    value = await run_orm(StoredReading.objects.get)
    assert (value.transaction_id, value.evse_number, value.connector_number) == (number, 1, 1)


@pytest.mark.parametrize(("number", "is_ended"), [(-1, True), (0, True), (1, False), (5000, False)])
async def test_only_a_stop_without_a_number_is_matched_by_its_token(
    charger: DirectStation, run_orm: Any, number: int, is_ended: bool
) -> None:
    await start(charger)

    await stop(charger, number)

    (row,) = await charger.sessions()
    assert row.status == ("ended" if is_ended else "active")
    assert row.suspect_reasons == (["matched-without-number"] if is_ended else [])
    assert [one.reason for one in await run_orm(kept)] == ([] if is_ended else ["unknown-transaction"])


async def test_a_stop_replaces_an_end_that_the_server_assumed(charger: DirectStation) -> None:
    number = await start(charger)
    await start(charger, 20)

    await stop(charger, number)

    row = (await charger.sessions())[0]
    assert (row.ended_by, row.stopped_at, row.energy_wh) == ("station", at(30), 500)


@pytest.mark.parametrize("uid", ["CARD", ""])
async def test_a_repeated_stop_gets_the_first_answer(charger: DirectStation, run_orm: Any, uid: str) -> None:
    number = await start(charger)

    first, again = [await stop(charger, number, uid) for _ in range(2)]

    info = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    assert first == again == (info if uid else {})
    assert "repeated-stop" in kinds(charger)
    assert await run_orm(kept) == []


async def test_a_second_stop_with_other_values_is_kept_once_and_changes_nothing(
    charger: DirectStation, run_orm: Any
) -> None:
    number = await start(charger)
    await stop(charger, number)

    answers = [await stop(charger, number, "BLOCKED", 1700) for _ in range(2)]

    (row,) = await charger.sessions()
    assert [answer["idTagInfo"]["status"] for answer in answers] == ["Blocked"] * 2
    assert (row.energy_wh, row.suspect, row.suspect_reasons) == (500, True, ["conflicting-stop"])
    (evidence,) = await run_orm(kept)
    assert (evidence.reason, evidence.transaction_id) == ("conflicting-stop", number)


# -- a stop without a session --------------------------------------------------------------------------------


async def test_a_stop_without_a_session_is_kept_once(charger: DirectStation, run_orm: Any) -> None:
    for number in (5000, 5000, 5001):
        await stop(charger, number)

    assert [(one.reason, one.detail, one.transaction_id) for one in await run_orm(kept)] == [
        ("unknown-transaction", f"transactionId {number}", None) for number in (5000, 5001)
    ]
    assert ORPHANS.of(charger.station).count == 2
    assert "repeated-stop" in kinds(charger)
    events = await run_orm(lambda: list(SecurityEvent.objects.values_list("type", flat=True)))
    assert events == ["OrphanStop"] * 2


async def test_a_stop_of_another_station_s_session_ends_nothing_and_builds_none(
    charger: DirectStation, station: Any, run_orm: Any
) -> None:
    other = await station(V16, "CP-2")
    number = await start(other)
    assert number == 1000  # the first number of all

    await stop(charger, number, data=[Reading(1000, at(1)), Reading(1500, at(2))])

    assert (await charger.sessions(), (await other.sessions())[0].status) == ([], "active")
    (evidence,) = await run_orm(kept)
    assert (evidence.reason, evidence.transaction_id) == ("foreign-transaction", None)
    assert await run_orm(lambda: SecurityEvent.objects.get().type) == "ForeignTransaction"


UNREADABLE: Any = "none"


@pytest.mark.parametrize(
    ("second", "is_built"),
    [
        (Reading(1500, at(20)), True),
        (None, False),
        (Reading(1500, at(20), phase="L1"), False),
        (Reading(230, at(20), measurand="Voltage"), False),
        (Reading(UNREADABLE, at(20)), False),
    ],
)
async def test_a_session_is_built_from_the_stop_that_has_two_readings_of_the_register(
    charger: DirectStation, run_orm: Any, second: Reading | None, is_built: bool
) -> None:
    readings = [second] if second else []

    await stop(charger, 5000, data=[*readings, Reading(1100, at(10))])

    rows = await charger.sessions()
    (evidence,) = await run_orm(kept)
    assert [evidence.transaction_id] == ([row.pk for row in rows] or [None])
    assert bool(rows) is is_built


@pytest.mark.parametrize(("uid", "status"), [("CARD", "Accepted"), ("", "")])
async def test_a_session_from_its_stop_began_at_the_first_reading_with_the_token_of_the_stop(
    charger: DirectStation, uid: str, status: str
) -> None:
    await stop(charger, 5000, uid, data=[Reading(1300, at(20)), Reading(1100, at(10))])

    (row,) = await charger.sessions()
    assert (row.started_at, row.stopped_at, row.energy_wh) == (at(10), at(30), 400)
    assert (row.evse_number, row.connector_number, row.id_token) == (None, None, uid)
    assert (row.authorization_status, row.status, row.ended_by) == (status, "ended", "station")
    assert row.suspect_reasons == ["start-missing"]


# -- a stop that waits for its start -------------------------------------------------------------------------


async def test_a_start_takes_the_stop_that_fits_of_several_that_wait(
    charger: DirectStation, run_orm: Any
) -> None:
    for uid, wh in (("OTHER", 1400), ("CARD", 1600), ("CARD", 1700)):
        await stop(charger, -1, uid, wh)

    number = await start(charger)

    row = await run_orm(Transaction.objects.get, pk=number)
    assert (row.status, row.energy_wh, row.suspect_reasons) == ("ended", 600, ["stop-came-first"])
    resolved = [(one.transaction_id, one.resolved_at is not None) for one in await run_orm(kept)]
    assert resolved == [(None, False), (number, True), (None, False)]
    assert ORPHANS.of(charger.station).count == 2


@pytest.mark.parametrize(("uid", "status"), [("CARD", "Blocked"), ("", "")])
async def test_the_token_of_a_stop_that_waited_is_decided_with_its_start(
    charger: DirectStation, run_orm: Any, uid: str, status: str
) -> None:
    await stop(charger, -1, uid)
    await run_orm(lambda: [token.delete() for token in Token.objects.filter(uid="CARD")])
    await run_orm(a_token, status="blocked")

    number = await start(charger)

    row = await run_orm(Transaction.objects.get, pk=number)
    assert (row.status, row.stop_id_token, row.stop_authorization_status) == ("ended", uid, status)
    purposes = await run_orm(lambda: list(Refusal.objects.order_by("id").values_list("purpose", flat=True)))
    assert purposes == ["start", *(["stop"] if uid else [])]


async def test_a_stop_without_a_time_ended_its_session_when_it_was_received(
    charger: DirectStation, run_orm: Any
) -> None:
    request = {"transactionId": -1, "meterStop": 1500}
    await charger.call("StopTransaction", request)
    (waiting,) = await run_orm(kept)

    number = await start(charger)

    row = await run_orm(Transaction.objects.get, pk=number)
    assert (row.status, row.stopped_at) == ("ended", waiting.received_at)


async def test_a_kept_stop_that_cannot_be_read_is_left_to_the_operator(
    charger: DirectStation, run_orm: Any
) -> None:
    await stop(charger, -1, wh=1400)
    await stop(charger, -1, wh=1600)
    await run_orm(lambda: QuarantinedMessage.objects.filter(pk=kept()[0].pk).update(payload="{}"))

    number = await start(charger)

    assert (await run_orm(Transaction.objects.get, pk=number)).energy_wh == 600
    assert [one.transaction_id for one in await run_orm(kept)] == [None, number]


async def failing(error: type[Exception]) -> None:
    raise error


@pytest.mark.parametrize("error", [StorageUnavailable, CommitRefused])
async def test_a_failing_database_fails_the_start_too(
    charger: DirectStation, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    number = await start(charger)
    await stop(charger, 5000, "")
    monkeypatch.setattr(ending.readings, "settle", lambda *_, **__: failing(error))
    transaction = charger.live({"transaction": number})
    assert transaction is not None

    with pytest.raises(error):
        await ending.join_waiting_stop(charger.station, transaction)


async def test_a_kept_stop_that_fails_does_not_prevent_the_answer_to_the_start(
    charger: DirectStation, run_orm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stop(charger, -1)
    monkeypatch.setattr(ending.readings, "settle", lambda *_, **__: failing(ValueError))

    number = await start(charger)

    row = await run_orm(Transaction.objects.get, pk=number)
    assert (row.status, row.suspect_reasons) == ("active", [])
    assert [one.resolved_at for one in await run_orm(kept)] == [None]
    assert ORPHANS.of(charger.station).count == 1


# -- the fields of a stop ------------------------------------------------------------------------------------


@pytest.mark.parametrize("received_at", [None, at(5)])
async def test_a_stop_may_lack_its_reason_token_time_and_readings(
    charger: DirectStation, received_at: datetime | None
) -> None:
    found = ending.from_request(
        charger.station, {"transactionId": 7, "meterStop": 1500, "idTag": ""}, received_at=received_at
    )

    assert found[:-1] == (7, 1500, received_at or charger.station.received_at, "", "Local", None)
    assert not found.samples
