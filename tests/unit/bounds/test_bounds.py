"""S11: rows that stations, strangers and uploads can write are limited in number; the newest rows stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from accounts.jobs import delete_old_requests
from accounts.models import IdempotentRequest, TokenImport, TokenUpload, UnknownToken
from chargepoints.jobs import delete_old_refusals, trim_events
from chargepoints.models import ChargePoint, Deviation, DeviceEvent, Message, RefusedConnection, SecurityEvent
from chargepoints.services import admission as stations
from chargepoints.services import deviations, security
from events.models import Event
from ocpp_server.live.station import MAX_DEVIATION_KINDS, DeviationCount, Station
from ocpp_server.storage import retention
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.admission import Refusal
from tests.unit.transport.handshakes import handshake
from transactions.jobs import trim_refusals
from transactions.models import QuarantinedMessage
from transactions.models import Refusal as RefusedToken
from transactions.services.authorization import unknown_tokens
from transactions.services.transactions import quarantine

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def noisy() -> ChargePoint:
    return ChargePoint.objects.create(identity="NOISY")


@pytest.fixture
def quiet() -> ChargePoint:
    return ChargePoint.objects.create(identity="QUIET")


def device_event(station: ChargePoint | None, number: int) -> DeviceEvent:
    at = NOON + timedelta(seconds=number)
    return DeviceEvent(
        charge_point=station, event_id=number, component="C", variable="V", at=at, received_at=at
    )


def security_event(station: ChargePoint | None, number: int) -> SecurityEvent:
    at = NOON + timedelta(seconds=number)
    return SecurityEvent(charge_point=station, type=str(number), at=at, received_at=at)


def refused_token(station: ChargePoint | None, number: int) -> RefusedToken:
    at = NOON + timedelta(seconds=number)
    return RefusedToken(
        charge_point=station, id_token=str(number), purpose="authorize", status="Invalid", at=at
    )


def trim() -> None:
    """Run the hourly job of both apps."""
    trim_events()
    trim_refusals()


@pytest.mark.parametrize("make", [device_event, security_event, refused_token])
def test_of_each_station_the_newest_events_are_kept(
    monkeypatch: pytest.MonkeyPatch,
    noisy: ChargePoint,
    quiet: ChargePoint,
    make: Callable[[ChargePoint | None, int], Any],
) -> None:
    monkeypatch.setattr(retention, "EVENTS_PER_STATION", 10)
    model = type(make(noisy, 0))
    model.objects.bulk_create(make(noisy, number) for number in range(25))
    model.objects.bulk_create(make(quiet, number) for number in range(10))
    newest = list(model.objects.filter(charge_point=noisy).order_by("-pk").values_list("pk", flat=True)[:10])

    trim()

    assert (
        list(model.objects.filter(charge_point=noisy).order_by("-pk").values_list("pk", flat=True)) == newest
    )
    assert model.objects.filter(charge_point=quiet).count() == 10


def test_events_of_no_station_are_bounded_too(monkeypatch: pytest.MonkeyPatch, noisy: ChargePoint) -> None:
    monkeypatch.setattr(retention, "EVENTS_PER_STATION", 10)
    SecurityEvent.objects.bulk_create(security_event(None, number) for number in range(25))

    trim()

    kept = SecurityEvent.objects.filter(charge_point=None).order_by("pk")
    assert [event.type for event in kept] == [str(number) for number in range(15, 25)]


def test_refused_connections_are_bounded_and_the_oldest_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stations, "MAX_REFUSALS", 5)

    for number in range(12):
        stations.record(handshake(f"STRANGER-{number}"), Refusal(404, "Nobody knows it."))

    kept = RefusedConnection.objects.order_by("pk").values_list("identity", flat=True)
    assert list(kept) == [f"STRANGER-{number}" for number in range(7, 12)]


def test_the_same_refusal_again_is_counted_and_takes_no_row() -> None:
    for _ in range(30):
        stations.record(handshake("STRANGER"), Refusal(404, "Nobody knows it."))

    assert RefusedConnection.objects.get().count == 30


def test_the_event_of_a_refusal_has_its_count() -> None:
    RefusedConnection.objects.create(
        identity="COUNTED",
        remote_address=handshake("COUNTED").address,
        code=404,
        reason="Nobody knows it.",
        count=5,
        at=datetime.now(UTC),
    )

    stations.record(handshake("COUNTED"), Refusal(404, "Nobody knows it."))

    assert orjson.loads(Event.objects.get(type="station.refused").data)["count"] == 6


def test_old_refused_connections_and_requests_are_deleted(noisy: ChargePoint) -> None:
    now = datetime.now(UTC)
    for days in (1, 29, 31):
        at = now - timedelta(days=days)
        RefusedConnection.objects.create(identity=str(days), path="/", code=404, reason="R", at=at)
    for hours in (1, 25):
        request = IdempotentRequest.objects.create(key=str(hours), actor="a", fingerprint="f")
        IdempotentRequest.objects.filter(pk=request.pk).update(created_at=now - timedelta(hours=hours))

    delete_old_requests()
    delete_old_refusals()

    assert set(RefusedConnection.objects.values_list("identity", flat=True)) == {"1", "29"}
    assert list(IdempotentRequest.objects.values_list("key", flat=True)) == ["1"]


def test_no_more_stations_register_by_themselves_than_allowed(
    monkeypatch: pytest.MonkeyPatch, noisy: ChargePoint
) -> None:
    monkeypatch.setattr(admission, "MAX_REGISTERED", 3)

    let_in = [stations.register([f"NEW-{number}"])[0] for number in range(5)]

    assert [found.identity if found else None for found in let_in] == ["NEW-0", "NEW-1", None, None, None]
    assert ChargePoint.objects.count() == 3


def test_many_stations_that_register_at_once_stop_at_the_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_REGISTERED", 3)

    let_in = stations.register([f"NEW-{number}" for number in range(5)])

    assert [found is not None for found in let_in] == [True, True, True, False, False]


def test_a_station_has_a_bounded_number_of_deviations_and_known_ones_go_on_counting(
    monkeypatch: pytest.MonkeyPatch, noisy: ChargePoint
) -> None:
    monkeypatch.setattr(deviations, "MAX_ROWS_PER_STATION", 5)

    def counted(*numbers: int) -> deviations.Counts:
        found = {}
        for number in numbers:
            found["kind", "Action", f"path {number}"] = DeviationCount("", "frame")
            found["kind", "Action", f"path {number}"].count = 1
        return found

    deviations.store([(noisy.pk, counted(*range(20)))], NOON)
    deviations.store([(noisy.pk, counted(0, 30))], NOON + timedelta(hours=1))

    rows = Deviation.objects.filter(charge_point=noisy).order_by("pk")
    assert [row.path for row in rows] == [f"path {number}" for number in range(5)]
    assert (rows[0].count, rows[0].last_at) == (2, NOON + timedelta(hours=1))


def test_a_station_that_invents_paths_holds_a_bounded_number_of_kinds_in_memory() -> None:
    station = Station(pk=1, identity="NOISY", version="ocpp1.6")

    for number in range(MAX_DEVIATION_KINDS + 50):
        station.deviation("odd", path=f"path {number}")

    assert len(station.deviations) == MAX_DEVIATION_KINDS + 1
    assert station.deviations["more-kinds", "", ""].count == 50
    assert station.deviations["odd", "", "path 0"].count == 1


def test_unknown_tokens_are_bounded_and_the_longest_unseen_is_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unknown_tokens, "MAX_UNKNOWN", 4)
    for number in range(4):
        unknown_tokens.note(f"T{number}", "CP", NOON + timedelta(minutes=number))
    unknown_tokens.note("T0", "CP", NOON + timedelta(hours=1))

    unknown_tokens.note("NEW", "CP", NOON + timedelta(hours=2))

    assert set(UnknownToken.objects.values_list("uid", flat=True)) == {"T0", "T2", "T3", "NEW"}


def test_the_quarantine_of_a_station_is_bounded_and_keeps_the_first_messages(
    monkeypatch: pytest.MonkeyPatch, noisy: ChargePoint, quiet: ChargePoint
) -> None:
    """Later messages of a broken station do not displace the evidence; the message log has them."""
    monkeypatch.setattr(quarantine, "MAX_PER_STATION", 5)
    for number in range(5):
        QuarantinedMessage.objects.create(
            charge_point=noisy,
            action="StopTransaction",
            reason="unknown-transaction",
            payload=f"{number}",
            received_at=NOON,
        )

    assert quarantine._is_kept(noisy.pk, "StopTransaction", "one more")
    assert quarantine._is_kept(noisy.pk, "StopTransaction", "3")
    assert not quarantine._is_kept(quiet.pk, "StopTransaction", "one more")


def test_messages_older_than_the_retention_are_deleted_in_batches(
    monkeypatch: pytest.MonkeyPatch, noisy: ChargePoint
) -> None:
    from ocpp_server.storage import partitions

    monkeypatch.setattr(retention, "DELETE_AT_ONCE", 10)
    now = datetime.now(UTC)
    Message.objects.bulk_create(
        Message(
            charge_point=noisy,
            direction="in",
            message_id=str(hours),
            action="A",
            request="{}",
            size=2,
            at=now - timedelta(hours=hours),
        )
        for hours in range(30, 0, -1)
    )

    pieces = 0
    while retention.delete_some(partitions.MESSAGES, 5 * 3600):
        pieces += 1

    assert pieces == 2
    assert set(Message.objects.values_list("message_id", flat=True)) == {"1", "2", "3", "4"}


def test_reports_of_imports_are_deleted_with_the_message_log_and_unused_files_earlier(settings: Any) -> None:
    settings.OCPP_MESSAGE_RETENTION = 30 * 86400
    now = datetime.now(UTC)
    for name, days, state in (
        ("old", 31, TokenImport.State.DONE),
        ("failed", 40, TokenImport.State.FAILED),
        ("running", 31, TokenImport.State.RUNNING),
        ("young", 29, TokenImport.State.DONE),
    ):
        job = TokenImport.objects.create(file_name=name, actor="a", state=state)
        TokenImport.objects.filter(pk=job.pk).update(created_at=now - timedelta(days=days))
        upload = TokenUpload.objects.create(preview=job, content=b"uid\nA")
        TokenUpload.objects.filter(pk=upload.pk).update(created_at=now - timedelta(days=days))

    delete_old_requests()

    assert set(TokenImport.objects.values_list("file_name", flat=True)) == {"running", "young"}
    assert not TokenUpload.objects.exists()


def test_reports_of_imports_stay_where_messages_are_never_deleted(settings: Any) -> None:
    settings.OCPP_MESSAGE_RETENTION = 0
    job = TokenImport.objects.create(file_name="old", actor="a", state=TokenImport.State.DONE)
    TokenImport.objects.filter(pk=job.pk).update(created_at=datetime.now(UTC) - timedelta(days=4000))

    delete_old_requests()

    assert TokenImport.objects.exists()


def test_the_memory_of_names_that_failed_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_TRACKED", 100)
    hourly = security.Hourly()

    for number in range(1000):
        hourly.count(f"name {number}")

    assert len(hourly._counts) == 100
    assert hourly.count("name 999") == 2
    assert hourly.count("name 0") == 1


def test_the_bound_starts_again_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(security.time, "monotonic", lambda: now[0])
    hourly = security.Hourly()
    assert [hourly.count("CP"), hourly.count("CP")] == [1, 2]

    now[0] = 3600.0

    assert hourly.count("CP") == 1
