"""Stations that an operator adds, changes and deletes: rows, events, and news for the connected ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Site
from chargepoints.services.provisioning import stations
from events.models import Event
from ocpp_server import live
from ocpp_server.domain import Conflict, DomainError, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.live.records import Connection
from ocpp_server.transport.handshake.authentication import hash_password
from ocpp_server.transport.messages import Notice, StationChanged, StationDismissed
from ocpp_server.transport.switchboard import switchboard
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PASSWORD = "long-enough"  # noqa: S105 - of a test


@pytest.fixture
def site() -> Site:
    return Site.objects.create(name="Home")


@pytest.fixture
def garage(site: Site) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", site=site, registration_status="Pending", name="Old")


class Connected:
    """A live state in which station CP-1 is connected, and the notices that its process gets."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, Notice]] = []
        self.removed: list[str] = []
        self.fails = False

    async def connection(self, identity: str) -> Connection | None:
        return Connection("c", "CP-1", "ocpp1.6", "here", "", NOON) if identity == "CP-1" else None

    async def notify(self, connection: Connection, notice: Notice) -> None:
        self.notices.append((connection.identity, notice))

    def station_removed(self, identity: str) -> None:
        if self.fails:
            raise RuntimeError
        self.removed.append(identity)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connected]:
    made = Connected()
    monkeypatch.setattr(live, "state", lambda: made)
    monkeypatch.setattr(switchboard, "notify", made.notify)
    yield made


Commit = Callable[..., Any]


def events() -> list[tuple[str, str, int | None, dict[str, Any]]]:
    return [(row.type, row.station, row.site_id, row.content) for row in Event.objects.order_by("id")]


def test_a_new_station_is_accepted_and_an_event(site: Site) -> None:
    row = stations.create(identity="CP-1", name="Garage", site=site)

    row.refresh_from_db()
    assert (row.identity, row.name, row.site, row.registration_status) == ("CP-1", "Garage", site, "Accepted")
    assert (row.security_profile, row.password_hash) == (0, "")
    assert events() == [
        ("station.registered", "CP-1", site.pk, {"registrationStatus": "Accepted", "by": "operator"})
    ]


@pytest.mark.parametrize(("given", "profile"), [({}, 1), ({"security_profile": 2}, 2)])
def test_a_password_without_a_profile_means_profile_1(given: dict[str, int], profile: int) -> None:
    row = stations.create(identity="CP-1", password=PASSWORD, **given)

    assert row.security_profile == profile
    assert row.password_hash not in ("", PASSWORD)


def test_a_second_station_of_an_identity_is_a_conflict(garage: ChargePoint) -> None:
    with pytest.raises(Conflict) as refused:
        stations.create(identity="cp-1")

    assert (refused.value.code, refused.value.sentence) == (Code.DUPLICATE, "A station cp-1 already exists.")
    assert events() == []


def test_changed_settings_are_stored_named_in_an_event_and_applied(
    garage: ChargePoint, site: Site, connected: Connected, django_capture_on_commit_callbacks: Commit
) -> None:
    ChargePoint.objects.update(vendor="Acme")  # by the live state, since the row was read

    with django_capture_on_commit_callbacks(execute=True):
        assert stations.update(garage, actor="ann", name="New", unknown_tokens="accept", site=None) is garage

    row = ChargePoint.objects.get()
    assert (row.name, row.unknown_tokens, row.site, row.vendor) == ("New", "accept", None, "Acme")
    assert events() == [
        ("station.updated", "CP-1", None, {"changed": ["name", "siteId", "unknownTokens"], "actor": "ann"})
    ]
    assert connected.notices == [("CP-1", StationChanged())]


def test_every_setting_is_named_as_in_the_api(garage: ChargePoint, connected: Connected, site: Site) -> None:
    settings = {
        "site": site,
        "registration_status": "Accepted",
        "security_profile": 1,
        "unknown_tokens": "accept",
        "assumed_timezone": "Europe/Vienna",
        "checks_username": True,
        "validation": "strict",
    }

    stations.update(garage, password=PASSWORD, **settings)

    ((*_, data),) = events()
    assert data["changed"] == [
        "assumedTimezone",
        "checksUsername",
        "password",
        "registrationStatus",
        "securityProfile",
        "siteId",
        "unknownTokens",
        "validation",
    ]


def test_a_change_of_nothing_does_nothing(
    garage: ChargePoint, connected: Connected, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert stations.update(garage, actor="ann") is garage

    assert (events(), connected.notices) == ([], [])


def test_an_empty_password_removes_it(garage: ChargePoint, connected: Connected) -> None:
    garage.password_hash = hash_password(PASSWORD)
    garage.save()

    stations.update(garage, password="")

    assert ChargePoint.objects.get().password_hash == ""


def test_a_station_is_accepted_by_an_operator(garage: ChargePoint, connected: Connected) -> None:
    stations.accept(garage, actor="ann")

    assert ChargePoint.objects.get().registration_status == "Accepted"
    data = {"changed": ["registrationStatus"], "actor": "ann"}
    assert events() == [("station.updated", "CP-1", garage.site_id, data)]


@pytest.mark.parametrize(("length", "is_valid"), [(7, False), (8, True), (128, True), (129, False)])
def test_a_password_has_8_to_128_characters(
    garage: ChargePoint, connected: Connected, length: int, is_valid: bool
) -> None:
    if is_valid:
        stations.update(garage, password="x" * length)
        return
    with pytest.raises(Invalid) as refused:
        stations.update(garage, password="x" * length)
    assert refused.value.errors == [{"field": "password", "reason": "Must have 8 to 128 characters."}]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"security_profile": 1}, "password"),
        ({"security_profile": 2}, "password"),
        ({"security_profile": 1, "password": ""}, "password"),
        ({"assumed_timezone": "Europe/Nowhere"}, "assumedTimezone"),
    ],
)
def test_an_impossible_setting_is_an_error_of_its_field(
    garage: ChargePoint, connected: Connected, settings: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        stations.update(garage, **settings)

    assert [one["field"] for one in refused.value.errors] == [field]
    assert events() == []


@pytest.mark.parametrize(
    "settings", [{"security_profile": 0}, {"security_profile": 3}, {"assumed_timezone": ""}]
)
def test_other_profiles_need_no_password_and_a_time_zone_may_be_empty(
    garage: ChargePoint, connected: Connected, settings: dict[str, Any]
) -> None:
    stations.update(garage, **settings)

    assert len(events()) == 1


def test_a_column_that_is_no_setting_is_a_fault_of_the_caller(garage: ChargePoint) -> None:
    with pytest.raises(TypeError, match="identity, vendor"):
        stations.update(garage, vendor="x", identity="y")


def test_a_deleted_station_is_an_event_and_its_socket_is_closed(
    garage: ChargePoint, site: Site, connected: Connected, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        stations.delete(garage, actor="ann")

    assert not ChargePoint.objects.exists()
    assert events() == [
        ("station.deleted", "CP-1", site.pk, {"registrationStatus": "Pending", "actor": "ann"})
    ]
    assert connected.removed == ["CP-1"]
    assert connected.notices == [("CP-1", StationDismissed(code=1008, reason="This station was deleted."))]


def test_a_live_state_that_is_away_does_not_keep_a_station_from_its_deletion(
    garage: ChargePoint, connected: Connected, django_capture_on_commit_callbacks: Commit
) -> None:
    connected.fails = True

    with django_capture_on_commit_callbacks(execute=True):
        stations.delete(garage)

    assert not ChargePoint.objects.exists()
    assert len(connected.notices) == 1


def test_a_station_with_transactions_is_kept(
    garage: ChargePoint, connected: Connected, django_capture_on_commit_callbacks: Commit
) -> None:
    Transaction.objects.create(
        id=1000,
        ocpp_id="1000",
        charge_point=garage,
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON,
    )

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(DomainError) as refused:
        stations.delete(garage)

    assert isinstance(refused.value, Conflict)
    assert refused.value.code == Code.IN_USE
    assert (events(), connected.removed, connected.notices) == ([], [], [])


def test_a_change_of_an_offline_station_notifies_no_process(
    connected: Connected, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        stations.changed(ChargePoint(identity="OFFLINE"))

    assert connected.notices == []


def test_a_station_is_loaded_again_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[tuple[str, Notice]] = []
    monkeypatch.setattr(switchboard, "notify_station", lambda *args: notices.append(args))

    stations.reload("CP-1")

    assert notices == [("CP-1", StationChanged())]


@pytest.mark.parametrize(("identity", "reason"), [("", "Must not be blank"), ("a/b", "Must not contain")])
def test_an_identity_that_no_new_station_can_have_is_an_error_of_its_field(
    identity: str, reason: str
) -> None:
    with pytest.raises(Invalid) as refused:
        stations.create(identity=identity)

    (error,) = refused.value.errors
    assert error["field"] == "clientId"
    assert refused.value.sentence.startswith(reason)
    assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize(
    ("settings", "of_old", "of_new"),
    [
        (["name"], [], []),
        (["password", "name"], ["password"], []),
        (["security_profile", "checks_username"], ["checksUsername", "securityProfile"], []),
        (["unknown_tokens", "site"], ["unknownTokens"], ["unknownTokens"]),
    ],
)
def test_access_and_free_vending_need_a_right_of_their_own(
    settings: list[str], of_old: list[str], of_new: list[str]
) -> None:
    assert stations.reserved(settings, is_new=False) == of_old
    assert stations.reserved(settings, is_new=True) == of_new
