"""The stations that may connect, and the stored refusals of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, RefusedConnection, SecurityEvent, Site
from chargepoints.services import admission as service
from chargepoints.services import security
from events.models import Event
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.admission import Handshake, Refusal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_announced", "_strangers"):
        monkeypatch.setattr(service, name, security.Hourly())
    monkeypatch.setattr(security, "_noticed", security.Hourly())


def events(type: str) -> list[tuple[str, int | None, dict[str, Any]]]:
    rows = Event.objects.filter(type=type).order_by("id")
    return [(row.station, row.site_id, row.content) for row in rows]


# -- stations ------------------------------------------------------------------------------------------------


def names(found: list[ChargePoint | None]) -> list[str | None]:
    return [row and row.identity for row in found]


def test_stations_are_found_without_case_in_the_order_of_the_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "_AT_ONCE", 2)
    for identity in ("A", "B", "C", "D"):
        ChargePoint.objects.create(identity=identity)

    assert names(service.find(["d", "X", "A", "b", "c"])) == ["D", None, "A", "B", "C"]
    assert service.find([]) == []


@pytest.mark.parametrize(
    ("setting", "status"), [("accept", "Accepted"), ("pending", "Pending"), ("refuse", "Pending")]
)
def test_an_unknown_station_is_added_as_the_setting_says(settings: Any, setting: str, status: str) -> None:
    settings.OCPP_UNKNOWN_STATIONS = setting

    (row,) = service.register(["CP-1"])

    assert row is not None
    assert (row.identity, row.identity_key, row.registration_status) == ("CP-1", "cp-1", status)
    assert events("station.registered") == [("CP-1", None, {"registrationStatus": status, "by": "self"})]


def test_a_station_that_was_added_meanwhile_is_returned_as_it_is(settings: Any) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"
    ChargePoint.objects.create(identity="cp-1", registration_status="Rejected")

    first, second = service.register(["CP-1", "NEW"])

    assert first is not None
    assert second is not None
    assert (first.identity, first.registration_status) == ("cp-1", "Rejected")
    assert [station for station, *_ in events("station.registered")] == ["NEW"]


def test_two_spellings_of_one_unknown_station_are_added_once() -> None:
    first, second = service.register(["CP-1", "cp-1"])

    assert first == second == ChargePoint.objects.get()


def test_no_more_stations_are_added_than_the_limit_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    ChargePoint.objects.create(identity="OLD")
    monkeypatch.setattr(admission, "MAX_REGISTERED", 3)

    assert names(service.register(["A", "B", "C"])) == ["A", "B", None]
    monkeypatch.setattr(admission, "MAX_REGISTERED", 2)
    assert names(service.register(["D"])) == [None]


# -- refusals ------------------------------------------------------------------------------------------------


def handshake(identity: str = "CP-1", **more: Any) -> Handshake:
    usual: dict[str, Any] = {
        "path": f"/ocpp/{identity}",
        "identity": identity,
        "offered": [],
        "address": "192.0.2.7",
        "authorization": None,
        "origin": "",
        "is_tls": False,
        "protocol_header": "",
    }
    return Handshake(**usual | more)


UNKNOWN = Refusal(404, "Unknown station.")


def test_a_refusal_is_stored_with_its_handshake() -> None:
    before = datetime.now(UTC)
    tried = handshake(
        "x" * 300, authorization=b"Basic", protocol_header="p" * 501, address="a" * 65, path="/ocpp/x"
    )

    service.record(tried, Refusal(404, "r" * 501, can_be_accepted=True))

    row = RefusedConnection.objects.get()
    assert (row.identity, row.remote_address, row.path) == ("x" * 255, "a" * 64, "/ocpp/x")
    assert (row.subprotocols, row.had_credentials) == ("p" * 500, True)
    assert (row.code, row.reason, row.can_be_accepted, row.count) == (404, "r" * 500, True, 1)
    assert before <= row.at <= datetime.now(UTC)
    (event,) = events("station.refused")
    assert event == (
        "",
        None,
        {
            "code": 404,
            "reason": "r" * 500,
            "identity": "x" * 255,
            "remoteAddress": "a" * 64,
            "count": 1,
        },
    )


def test_a_refusal_without_credentials_says_so() -> None:
    service.record(handshake(), UNKNOWN)

    row = RefusedConnection.objects.get()
    assert (row.had_credentials, row.can_be_accepted) == (False, False)


def test_a_NUL_byte_is_stored_as_a_replacement() -> None:
    service.record(handshake("A\0B"), UNKNOWN)

    assert RefusedConnection.objects.get().identity == "A\ufffdB"
    assert events("station.refused")[0][2]["identity"] == "A\ufffdB"


def test_the_same_refusal_within_ten_minutes_is_counted_in_its_row() -> None:
    start = datetime.now(UTC)
    service.record(handshake(), UNKNOWN)
    RefusedConnection.objects.update(at=start - timedelta(minutes=9))

    service.record(handshake(), UNKNOWN)

    row = RefusedConnection.objects.get()
    assert row.count == 2
    assert row.at >= start
    assert len(events("station.refused")) == 1


def test_a_long_reason_is_compared_as_it_is_stored() -> None:
    for _ in range(2):
        service.record(handshake(), Refusal(404, "r" * 501))

    assert RefusedConnection.objects.get().count == 2


@pytest.mark.parametrize(
    ("tried", "refusal", "age"),
    [
        (handshake("CP-2"), UNKNOWN, 0),
        (handshake(address="192.0.2.8"), UNKNOWN, 0),
        (handshake(), Refusal(403, "Unknown station."), 0),
        (handshake(), Refusal(404, "Another reason."), 0),
        (handshake(), UNKNOWN, 11),
    ],
    ids=["identity", "address", "code", "reason", "time"],
)
def test_another_refusal_has_a_row_of_its_own(tried: Handshake, refusal: Refusal, age: int) -> None:
    service.record(handshake(), UNKNOWN)
    RefusedConnection.objects.update(at=datetime.now(UTC) - timedelta(minutes=age))

    service.record(tried, refusal)

    assert list(RefusedConnection.objects.values_list("count", flat=True)) == [1, 1]


def test_only_the_newest_refusals_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_REFUSALS", 2)
    for minutes, identity in enumerate(("A", "B", "C")):
        service.record(handshake(identity), UNKNOWN)
        RefusedConnection.objects.filter(identity=identity).update(
            at=datetime.now(UTC) - timedelta(minutes=30 - minutes)
        )

    assert set(RefusedConnection.objects.values_list("identity", flat=True)) == {"B", "C"}


def test_one_address_keeps_a_limited_number_of_failed_TLS_handshakes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "MAX_TLS_FAILURES", 2)
    for number in range(4):
        service.record(handshake("", path=""), Refusal(admission.NO_STATUS, f"Failed with {number}."))
    service.record(handshake("", path="", address="192.0.2.8"), Refusal(admission.NO_STATUS, "Failed."))
    service.record(handshake("X"), UNKNOWN)

    assert list(RefusedConnection.objects.order_by("pk").values_list("reason", flat=True)) == [
        "Failed with 2.",
        "Failed with 3.",
        "Failed.",
        UNKNOWN.reason,
    ]


def test_a_refused_login_of_a_known_station_is_one_security_event() -> None:
    site = Site.objects.create(name="Home")
    row = ChargePoint.objects.create(identity="CP-1", site=site)
    wrong = Refusal(401, "Wrong password.", security="FailedStationLogin")

    service.record(handshake("cp-1"), wrong)
    service.record(handshake("cp-1"), wrong)
    service.record(handshake("cp-1", address=""), wrong)
    service.record(handshake("CP-1"), UNKNOWN)
    service.record(handshake("OTHER"), wrong)

    stored = SecurityEvent.objects.order_by("pk").values_list("charge_point", "type", "tech_info")
    assert list(stored) == [
        (row.pk, "FailedStationLogin", "Wrong password. From 192.0.2.7."),
        (row.pk, "FailedStationLogin", "Wrong password. From an unknown address."),
    ]
    assert [(station, at) for station, at, _ in events("station.refused")] == [
        ("CP-1", site.pk),
        ("CP-1", site.pk),
        ("", None),
    ]


def test_an_identity_is_announced_once_for_each_code_and_reason() -> None:
    for tried, refusal in (
        (handshake(), UNKNOWN),
        (handshake("cp-1", address="192.0.2.8"), UNKNOWN),
        (handshake(), Refusal(403, UNKNOWN.reason)),
        (handshake(), Refusal(404, "Another reason.")),
        (handshake("CP-2"), UNKNOWN),
    ):
        service.record(tried, refusal)

    found = [(data["identity"], data["code"], data["reason"]) for *_, data in events("station.refused")]
    assert found == [
        ("CP-1", 404, "Unknown station."),
        ("CP-1", 403, "Unknown station."),
        ("CP-1", 404, "Another reason."),
        ("CP-2", 404, "Unknown station."),
    ]


def test_one_address_announces_a_limited_number_of_refusals_in_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "_MAX_ANNOUNCED", 2)

    for number in range(3):
        service.record(handshake(f"CP-{number}"), UNKNOWN)
    service.record(handshake("OTHER", address="198.51.100.1"), UNKNOWN)

    assert [data["identity"] for *_, data in events("station.refused")] == ["CP-0", "CP-1", "OTHER"]
