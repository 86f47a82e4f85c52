"""The fields of StartTransaction, StopTransaction and TransactionEvent, as they are stored and answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct import messages
from tests.direct.accounts import a_token
from tests.direct.messages import BEGIN, END, Reading
from tests.direct.station import DirectStation
from transactions.models import TransactionEvent
from transactions.services.transactions.suspicion import has

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def kinds(charger: DirectStation) -> set[tuple[str, str]]:
    """The kind and the path of each deviation."""
    return {(kind, path) for kind, _, path in charger.station.deviations}


# -- 1.6 -----------------------------------------------------------------------------------------------------


async def test_a_start_stores_its_fields_and_answers_with_number_and_token(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    await run_orm(a_token, group_id="FAMILY")
    await charger.status("Preparing", evse=2)

    answer = await charger.ask(messages.start_16("CARD", 2, 1234, at=ago(3), reservation=7))

    row = await charger.only_session()
    assert answer == {
        "transactionId": row.id,
        "idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"},
    }
    assert (row.evse_number, row.connector_number, row.id_token) == (2, 2, "CARD")
    assert (row.meter_start_wh, row.started_at, row.reservation_id) == (1234, ago(3), 7)
    assert row.suspect_reasons == []
    assert "connector-0" not in {kind for kind, _ in kinds(charger)}


async def test_a_start_at_the_whole_station_is_a_deviation(station: Any) -> None:
    charger = await station(V16)

    await charger.ask(messages.start_16("CARD", 0, 1234, at=ago(3)))

    assert ("connector-0", "") in kinds(charger)


async def test_a_start_with_a_time_that_is_no_time_counts_from_its_receipt(station: Any) -> None:
    charger = await station(V16)
    before = datetime.now(UTC)
    _, payload = messages.start_16("CARD", 1, 1234)

    await charger.call("StartTransaction", payload | {"timestamp": "1970-01-01T00:00:00Z"})

    row = await charger.only_session()
    assert before <= row.started_at <= datetime.now(UTC)
    assert "clock-implausible: 1970-01-01T00:00:00Z" in row.suspect_reasons


async def test_a_repeated_start_without_a_time_is_no_second_session(station: Any) -> None:
    charger = await station(V16)
    _, payload = messages.start_16("CARD", 1, 1234)
    del payload["timestamp"]

    answers = [await charger.call("StartTransaction", payload) for _ in range(2)]

    row = await charger.only_session()
    assert [answer[2]["transactionId"] for answer in answers] == [row.id, row.id]
    assert ("repeated-start", "") in kinds(charger)


@pytest.mark.parametrize(("uid", "answer"), [("CARD", {"idTagInfo": {"status": "Accepted"}}), ("", {})])
async def test_a_stop_is_answered_with_the_status_of_its_token_if_it_has_one(
    station: Any, run_orm: Any, uid: str, answer: dict[str, Any]
) -> None:
    charger = await station(V16)
    await run_orm(a_token)
    begun = await charger.start("CARD", meter_wh=1000, at=ago(3))

    stopped = await charger.ask(
        messages.stop_16(begun["transaction"], uid, 1500, at=ago(1), reason="EVDisconnected")
    )

    row = await charger.only_session()
    assert stopped == answer
    assert (row.stop_reason, row.stop_id_token, row.meter_stop_wh) == ("EVDisconnected", uid, 1500)
    assert (row.stopped_at, row.status, row.energy_wh) == (ago(1), "ended", 500)


# -- 2.x -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V201, V21])
async def test_an_event_stores_all_its_fields(station: Any, run_orm: Any, version: str) -> None:
    charger = await station(version)
    await run_orm(a_token, group_id="FAMILY")
    await charger.status("Occupied", evse=2)

    answer = await charger.ask(
        messages.event(
            "Started",
            "T-1",
            3,
            version=version,
            at=ago(3),
            trigger="RemoteStart",
            uid="CARD",
            token_type="ISO15693",
            evse=2,
            readings=[Reading(1000, ago(3), BEGIN)],
            state="Charging",
            reservation=7,
            remote_start=77,
        )
    )

    row = await charger.only_session()
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == "FAMILY"
    assert (row.ocpp_id, row.started_at, row.evse_number, row.connector_number) == ("T-1", ago(3), 2, 1)
    assert (row.id_token, row.id_token_type, row.charging_state) == ("CARD", "ISO15693", "Charging")
    assert (row.remote_start_id, row.reservation_id, row.last_seq_no) == (77, 7, 3)
    assert (row.meter_start_wh, row.was_offline, row.suspect_reasons) == (1000, False, [])
    stored = await run_orm(TransactionEvent.objects.get)
    assert (stored.type, stored.seq_no, stored.at) == ("Started", 3, ago(3))
    assert stored.trigger_reason == "RemoteStart"
    assert '"seqNo":3' in stored.payload.replace(" ", "")
    assert not {kind for kind, path in kinds(charger) if path == "evse"}


async def test_an_event_without_its_optional_fields_stores_their_defaults(station: Any) -> None:
    charger = await station(V201)

    answer = await charger.ask(messages.event("Started", "T-1", 0, version=V201, at=ago(3)))
    await charger.ask(messages.event("Ended", "T-1", 1, version=V201, at=ago(1)))

    row = await charger.only_session()
    assert answer == {}
    assert (row.evse_number, row.id_token, row.charging_state, row.stop_reason) == (None, "", "", "Local")
    assert (row.remote_start_id, row.reservation_id, row.was_offline) == (None, None, False)


async def test_the_end_of_a_session_has_its_reason_and_that_it_was_offline(station: Any) -> None:
    charger = await station(V201)
    await charger.event("Started", "T-1", at=ago(3), evse=1)

    await charger.event("Ended", "T-1", at=ago(1), reason="EVDisconnected", offline=True)

    row = await charger.only_session()
    assert (row.stop_reason, row.was_offline, row.stopped_at) == ("EVDisconnected", True, ago(1))


async def test_an_event_with_a_time_that_is_no_time_counts_from_its_receipt(station: Any) -> None:
    charger = await station(V201)
    before = datetime.now(UTC)
    _, payload = messages.event("Started", "T-1", 0, version=V201, evse=1)

    await charger.call("TransactionEvent", payload | {"timestamp": "1970-01-01T00:00:00Z"})

    row = await charger.only_session()
    assert before <= row.started_at <= datetime.now(UTC)
    assert "clock-implausible: 1970-01-01T00:00:00Z" in row.suspect_reasons


async def test_an_evse_without_a_number_is_a_deviation_of_that_field(station: Any) -> None:
    charger = await station(V201)
    _, payload = messages.event("Started", "T-1", 0, version=V201, at=ago(3))

    await charger.call("TransactionEvent", payload | {"evse": {"id": 0, "connectorId": 1}})

    assert [path for _, path in kinds(charger) if path == "evse"] == ["evse"]


@pytest.mark.parametrize(
    ("sent", "stored"), [(2**31 - 1, 2**31 - 1), (2**31, 2**31 - 1), (-(2**40), -(2**31) + 1)]
)
async def test_a_sequence_number_beyond_the_column_is_its_largest_or_smallest(
    station: Any, run_orm: Any, sent: int, stored: int
) -> None:
    charger = await station(V201)
    _, payload = messages.event("Started", "T-1", 0, version=V201, at=ago(3), evse=1)

    await charger.call("TransactionEvent", payload | {"seqNo": sent})

    assert (await run_orm(TransactionEvent.objects.get)).seq_no == stored


async def test_texts_that_are_longer_than_their_columns_are_cut(station: Any, run_orm: Any) -> None:
    """SQLite would not notice texts that are too long; PostgreSQL refuses them."""
    charger = await station(V201)
    _, payload = messages.event("Started", "T", 0, version=V201, at=ago(3), evse=1)
    info = {"transactionId": "T" * 300, "chargingState": "S" * 70}

    await charger.call("TransactionEvent", payload | {"transactionInfo": info})

    row = await charger.only_session()
    assert (row.ocpp_id, row.charging_state) == ("T" * 255, "S" * 32)
    assert (await run_orm(TransactionEvent.objects.get)).charging_state == "S" * 64


async def test_the_readings_of_every_event_are_the_session_s(station: Any) -> None:
    charger = await station(V21)
    await charger.event("Started", "T-1", at=ago(9), evse=1, readings=[Reading(1000, ago(9), BEGIN)])
    await charger.event("Updated", "T-1", at=ago(5), readings=[Reading(1200, ago(5))])
    await charger.event("Ended", "T-1", at=ago(1), readings=[Reading(1500, ago(1), END)])

    row = await charger.only_session()
    assert (row.energy_wh, row.meter_stop_wh) == (500, 1500)


# -- what other messages change ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V16, V201, V21])
async def test_a_boot_interrupts_the_running_session(station: Any, version: str) -> None:
    charger = await station(version)
    begun = await charger.start("CARD", meter_wh=1000, at=ago(3))

    await charger.boot()

    assert (await charger.session(begun)).is_interrupted


@pytest.mark.parametrize("version", [V16, V201, V21])
async def test_a_connector_that_is_free_ends_the_session_of_a_refused_token(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version)
    await run_orm(a_token, status="blocked")
    await charger.status("Preparing" if version == V16 else "Occupied")
    begun = await charger.start("CARD", meter_wh=1000, at=ago(3))

    await charger.status("Available")

    row = await charger.session(begun)
    assert (row.status, row.ended_by) == ("ended", "refused")
    live = charger.live(begun)
    assert live is None or not has(live, "abandoned")
