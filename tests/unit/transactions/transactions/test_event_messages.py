"""TransactionEvents of a 2.x station: what they open, change and end, and what is stored of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Token
from chargepoints.models import Connector
from events.models import Event
from ocpp_server.protocol.versions import V201
from tests.direct import messages
from tests.direct.accounts import a_token
from tests.direct.messages import Reading
from tests.direct.station import DirectStation
from tests.unit.transactions.transactions.hour import at
from transactions.models import QuarantinedMessage, Refusal, TransactionEvent

pytestmark = pytest.mark.django_db(transaction=True)


async def send(
    charger: DirectStation, kind: str, seq_no: int, minutes: float = 0, *, name: str = "T1", **more: Any
) -> dict[str, Any]:
    """The idTokenInfo of the answer."""
    return await charger.event(kind, name, seq_no=seq_no, at=at(minutes), **({"evse": 1} | more))


@pytest.fixture
async def charger(station: Any, run_orm: Any) -> DirectStation:
    """A station with a connector; CARD may charge, BLOCKED may not."""
    made: DirectStation = await station(V201)
    await run_orm(a_token)
    await run_orm(a_token, "BLOCKED", status="blocked")
    await made.status("Occupied")
    return made


def kinds(charger: DirectStation) -> set[tuple[str, str]]:
    return {(kind, path) for kind, _, path in charger.station.deviations}


# -- the first event -----------------------------------------------------------------------------------------


async def test_a_start_opens_a_session_with_everything_that_it_says(
    charger: DirectStation, run_orm: Any
) -> None:
    answer = await send(
        charger,
        "Started",
        4,
        uid="CARD",
        state="EVConnected",
        reservation=7,
        remote_start=5,
        offline=True,
        readings=[Reading(1000, at(0))],
    )

    row = await charger.only_session()
    assert answer["status"] == row.authorization_status == "Accepted"
    assert (row.ocpp_id, row.generation, row.status) == ("T1", 0, "active")
    assert (row.evse_number, row.connector_number, row.id_token) == (1, 1, "CARD")
    assert (row.reservation_id, row.remote_start_id, row.was_offline) == (7, 5, True)
    assert (row.charging_state, row.started_at, row.meter_start_wh) == ("EVConnected", at(0), 1000)
    assert (row.last_seq_no, row.suspect_reasons) == (4, [])
    started = await run_orm(Event.objects.get, type="transaction.started")
    assert '"wasOffline":true' in started.data and '"remoteStartId":5' in started.data


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [("Started", []), ("Updated", ["start-missing: the first event is Updated"]),
     ("Ended", ["start-missing: the first event is Ended"])],
)  # fmt: skip
async def test_any_event_opens_its_session_and_a_missing_start_is_suspect(
    charger: DirectStation, kind: str, reasons: list[str]
) -> None:
    await send(charger, kind, 0, uid="CARD", readings=[Reading(1000, at(0))])

    live = charger.live({"transaction": "T1"})
    assert live is not None and live.has_started is (kind == "Started")
    row = await charger.only_session()
    assert [one for one in row.suspect_reasons if not one.startswith("meter")] == reasons
    assert row.status == ("ended" if kind == "Ended" else "active")


async def test_a_first_event_with_a_wrong_time_is_suspect_for_that_too(charger: DirectStation) -> None:
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)

    await charger.event("Updated", "T1", seq_no=0, at=long_ago, evse=1)

    assert [reason.partition(":")[0] for reason in (await charger.only_session()).suspect_reasons] == [
        "start-missing",
        "clock-implausible",
    ]


async def test_a_session_at_an_unknown_connector_adds_it_until_the_station_reports_it(
    charger: DirectStation, run_orm: Any
) -> None:
    await send(charger, "Started", 0, evse=2)

    known = await run_orm(lambda: set(Connector.objects.values_list("evse__number", "is_provisional")))
    assert known == {(1, False), (2, True)}


@pytest.mark.parametrize(
    ("kind", "purpose"), [("Started", "start"), ("Updated", "authorize"), ("Ended", "stop")]
)
async def test_the_token_of_a_first_event_is_refused_once_for_the_purpose_of_the_event(
    charger: DirectStation, run_orm: Any, kind: str, purpose: str
) -> None:
    answer = await send(charger, kind, 0, uid="BLOCKED")

    refusal = await run_orm(Refusal.objects.get)
    assert (refusal.purpose, refusal.evse_number, answer["status"]) == (purpose, 1, "Blocked")


async def test_a_token_that_charges_elsewhere_is_refused_for_a_start(
    charger: DirectStation, run_orm: Any
) -> None:
    await send(charger, "Started", 0, uid="CARD")

    answer = await send(charger, "Started", 0, uid="CARD", name="T2", evse=2)

    assert answer["status"] == "ConcurrentTx"
    assert await run_orm(Refusal.objects.count) == 1


@pytest.mark.parametrize(("uid", "owner"), [("MASTER", ""), ("CARD", "CARD")])
async def test_a_master_pass_starts_a_session_that_it_does_not_own(
    charger: DirectStation, run_orm: Any, uid: str, owner: str
) -> None:
    await run_orm(a_token, "MASTER", is_master=True)

    await send(charger, "Started", 0, uid=uid)

    assert (await charger.only_session()).id_token == owner


async def test_an_event_of_another_session_that_is_no_start_ends_nothing(charger: DirectStation) -> None:
    await send(charger, "Started", 0)

    await send(charger, "Updated", 1, 1, name="T2")

    assert [row.status for row in await charger.sessions()] == ["active", "active"]


async def test_each_start_after_an_end_is_a_new_generation_with_an_answer_of_its_own(
    charger: DirectStation,
) -> None:
    answers = []
    for generation in range(3):
        answers.append(await send(charger, "Started", 0, 10 * generation, uid="CARD"))
        await send(charger, "Ended", 1, 10 * generation + 5)

    assert [row.generation for row in await charger.sessions()] == [0, 1, 2]
    assert [answer["status"] for answer in answers] == ["Accepted"] * 3


# -- the same number again -----------------------------------------------------------------------------------


async def test_a_repeated_event_is_answered_again_and_changes_nothing(
    charger: DirectStation, run_orm: Any
) -> None:
    await send(charger, "Started", 0)
    event = {"uid": "CARD", "readings": [Reading(1000, at(1))]}
    first = await send(charger, "Updated", 1, 1, **event)
    before = await charger.only_session()

    again = await send(charger, "Updated", 1, 1, **event)

    after = await charger.only_session()
    assert again == first and again["status"] == "Accepted"
    assert (after.energy_wh, after.last_message_at) == (before.energy_wh, before.last_message_at)
    assert await run_orm(TransactionEvent.objects.count) == 2
    assert ("repeated-event", "") in kinds(charger)


async def test_another_event_with_a_known_number_is_quarantined_once_and_answered(
    charger: DirectStation, run_orm: Any
) -> None:
    await send(charger, "Started", 0, uid="CARD")
    await send(charger, "Updated", 1, 1)

    answers = [await send(charger, "Updated", 1, 2, uid="CARD") for _ in range(2)]

    assert [answer["status"] for answer in answers] == ["Accepted", "Accepted"]
    kept, row = await run_orm(QuarantinedMessage.objects.get), await charger.only_session()
    assert (kept.reason, kept.transaction_id, kept.detail) == ("conflicting-event", row.pk, "seqNo 1")
    assert (row.suspect, row.suspect_reasons) == (True, ["conflicting-event: seqNo 1"])
    assert ("conflicting-event", "") in kinds(charger)
    assert await run_orm(TransactionEvent.objects.count) == 2


async def test_events_without_numbers_are_all_applied(charger: DirectStation, run_orm: Any) -> None:
    await send(charger, "Started", 0)

    answer = await send(charger, "Updated", 0, 1, uid="CARD", state="Charging")

    row = await charger.only_session()
    assert (answer["status"], row.charging_state, row.id_token) == ("Accepted", "Charging", "CARD")
    assert ("unnumbered-event", "seqNo") in kinds(charger)
    assert not await run_orm(QuarantinedMessage.objects.exists)


@pytest.mark.parametrize(("kind", "seq_no"), [("Started", 0), ("Updated", 1)])
async def test_only_a_repeated_start_of_the_owner_gets_the_first_answer(
    charger: DirectStation, run_orm: Any, kind: str, seq_no: int
) -> None:
    await send(charger, "Started", 0, uid="CARD")
    await run_orm(lambda: Token.objects.get(uid="CARD").delete())

    answer = await send(charger, kind, seq_no, uid="CARD")

    assert answer["status"] == ("Accepted" if kind == "Started" else "Unknown")


async def test_a_start_with_another_token_under_the_same_number_gets_an_answer_of_its_own(
    charger: DirectStation,
) -> None:
    await send(charger, "Started", 0, uid="CARD")

    answer = await send(charger, "Started", 0, uid="BLOCKED")

    assert (answer["status"], (await charger.only_session()).id_token) == ("Blocked", "CARD")


# -- later events --------------------------------------------------------------------------------------------


async def test_a_late_start_completes_its_session(charger: DirectStation) -> None:
    await send(charger, "Updated", 3, 3, readings=[Reading(1100, at(3))])

    await send(charger, "Started", 0, offline=True)

    row = await charger.only_session()
    assert (row.started_at, row.was_offline) == (at(0), True)
    assert row.suspect_reasons == ["events-missing: 1, 2"]


async def test_the_first_token_of_a_later_event_owns_the_session(charger: DirectStation) -> None:
    await send(charger, "Started", 0)

    answer = await send(charger, "Updated", 1, 1, uid="CARD", trigger="Authorized")

    row = await charger.only_session()
    assert (answer["status"], row.id_token, row.authorization_status) == ("Accepted", "CARD", "Accepted")


@pytest.mark.parametrize(
    ("owner", "event", "purpose"),
    [
        ("", ("Updated", "Authorized"), "start"),
        ("", ("Updated", "StopAuthorized"), "stop"),
        ("", ("Ended", "EVDeparted"), "stop"),
        ("CARD", ("Updated", "Authorized"), "stop"),
    ],
)
async def test_a_token_starts_a_session_without_one_unless_the_event_is_its_end(
    charger: DirectStation, run_orm: Any, owner: str, event: tuple[str, str], purpose: str
) -> None:
    await send(charger, "Started", 0, uid=owner)

    answer = await send(charger, event[0], 1, 1, uid="BLOCKED", trigger=event[1])

    refusal = await run_orm(Refusal.objects.get)
    assert (refusal.purpose, refusal.evse_number, answer["status"]) == (purpose, 1, "Blocked")


# -- the end -------------------------------------------------------------------------------------------------


async def test_a_second_end_changes_nothing(charger: DirectStation, run_orm: Any) -> None:
    await send(charger, "Started", 0, readings=[Reading(1000, at(0))])
    await send(charger, "Ended", 1, 5, reason="EVDisconnected", readings=[Reading(1500, at(5))])

    await send(charger, "Ended", 2, 9, reason="Remote")

    row = await charger.only_session()
    assert (row.stopped_at, row.stop_reason, row.energy_wh) == (at(5), "EVDisconnected", 500)
    assert ("ended-twice", "") in kinds(charger)
    types = await run_orm(lambda: list(Event.objects.order_by("id").values_list("type", flat=True)))
    assert [one for one in types if one.startswith("transaction")] == [
        "transaction.started",
        "transaction.ended",
    ]


async def test_a_reading_after_the_end_does_not_count(charger: DirectStation) -> None:
    for seq_no, wh in enumerate((1000, 1500, 2000)):
        kind = "Updated" if seq_no else "Started"
        await send(charger, kind, seq_no, 10 * seq_no, readings=[Reading(wh, at(10 * seq_no))])

    await send(charger, "Ended", 3, 15)

    assert (await charger.only_session()).energy_wh == 500


async def test_every_event_is_stored_as_it_was_received(charger: DirectStation, run_orm: Any) -> None:
    await send(charger, "Started", 3, trigger="CablePluggedIn", state="EVConnected", offline=True)

    (stored,) = await run_orm(lambda: list(TransactionEvent.objects.all()))
    assert (stored.seq_no, stored.type, stored.trigger_reason) == (3, "Started", "CablePluggedIn")
    assert (stored.charging_state, stored.offline, stored.at) == ("EVConnected", True, at(0))
    assert stored.received_at == charger.station.received_at
    assert '"triggerReason":"CablePluggedIn"' in stored.payload
    assert messages.text_of(at(0)) in stored.payload


async def test_a_number_or_an_id_beyond_its_column_is_cut(charger: DirectStation) -> None:
    await send(charger, "Started", 2**31 + 5, name="T" * 300)

    row = await charger.only_session()
    assert (row.last_seq_no, row.ocpp_id) == (2**31 - 1, "T" * 255)
