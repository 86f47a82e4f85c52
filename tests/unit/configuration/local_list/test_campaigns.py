"""The kind "local-list", and the campaign of the server that follows a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command
from chargepoints.services.campaigns import automatic, kinds, planning
from chargepoints.services.campaigns.kinds import Result
from configuration.models import LocalList
from configuration.services.local_list import campaigns, due
from configuration.services.local_list.campaigns import LOCAL_LIST, Order
from ocpp_server import commanding
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
from tests.direct.accounts import a_token

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
DELAY = timedelta(seconds=30)
State = LocalList.State


def a_station(number: int = 1, **columns: Any) -> ChargePoint:
    """A connected station with a list that is up to date and updated by itself."""
    station = ChargePoint.objects.create(
        identity=f"CP-{number}", ocpp_version="ocpp1.6", registration_status="Accepted", is_online=True
    )
    usual: dict[str, Any] = {"is_automatic": True, "state": State.IN_SYNC, "due_at": NOW + DAY, "version": 4}
    LocalList.objects.create(charge_point=station, **usual | columns)
    return station


def listed(station: ChargePoint) -> LocalList:
    return LocalList.objects.get(charge_point=station)


def changed(at: datetime = NOW) -> None:
    """A token has changed, and the job has seen it."""
    a_token(f"T{Command.objects.count()}{at.timestamp()}")
    assert due.take_changes(at)


def rows(campaign: Campaign) -> dict[str, str]:
    found = campaign.stations.order_by("pk").values_list("charge_point__identity", "state")
    return {identity: str(state) for identity, state in found}


# -- the kind ------------------------------------------------------------------------------------------------


def test_it_is_registered_for_its_command() -> None:
    assert kinds.find("local-list") is LOCAL_LIST
    assert kinds.of_command("sync-local-list", {"full": True}) == ("local-list", {"full": True})
    assert str(LOCAL_LIST.title) == "Local list"
    assert LOCAL_LIST.role({}) is Role.OPERATOR
    assert LOCAL_LIST.masked({"full": True}) == {"full": True}


def test_its_arguments() -> None:
    assert LOCAL_LIST.check({}) == {"full": False}
    assert LOCAL_LIST.check({"full": True}) == {"full": True}
    assert LOCAL_LIST.sentence({"full": True}) == "Replace the local list"
    assert LOCAL_LIST.sentence({}) == "Update the local list"
    for wrong in ({"full": "yes"}, {"entries": []}):
        with pytest.raises(Invalid) as error:
            LOCAL_LIST.check(wrong)
        assert [one["field"] for one in error.value.errors] == [f"arguments.{next(iter(wrong))}"]


@pytest.mark.parametrize("is_full", [False, True])
async def test_the_update_is_ordered_and_not_awaited(monkeypatch: pytest.MonkeyPatch, is_full: bool) -> None:
    sent: list[dict[str, Any]] = []

    async def perform(self: Any, charge_point: Any, **how: Any) -> None:
        sent.append({"command": self.name, **how})

    monkeypatch.setattr(commanding.OperatorCommand, "perform", perform)

    station = ChargePoint(identity="CP-1")
    assert await LOCAL_LIST.begin(station, {"full": is_full}, actor="campaign 3") is None

    assert sent == [{"command": "sync-local-list", "actor": "campaign 3", "wait": False, "full": is_full}]


# -- the result of a station ---------------------------------------------------------------------------------


def sent_to(station: ChargePoint, *, actor: str = "ann", **columns: Any) -> CampaignStation:
    """A row of a campaign whose GetLocalListVersion was answered."""
    campaign = planning.create(
        name="c",
        kind="local-list",
        arguments={},
        stations={"client_ids": [station.identity]},
        actor=actor,
        deadline_at=datetime.now(UTC) + DAY,
    )
    row = campaign.stations.get()
    usual = {"created_at": NOW, "deadline_at": NOW, "finished_at": NOW, "state": "accepted"}
    command = Command.objects.create(
        id=f"c-{campaign.pk}", charge_point=station, action="GetLocalListVersion", payload={},
        actor=campaign.sender, **usual | columns,
    )  # fmt: skip
    row.state, row.claim, row.claimed_at, row.command = "sent", command.pk, NOW, command
    row.save()
    return row


@pytest.mark.parametrize(
    ("columns", "result"),
    [
        ({"state": State.SENDING}, None),
        ({"state": State.DUE, "due_at": NOW}, None),
        ({"state": State.UNKNOWN, "due_at": NOW}, None),
        (
            {"state": State.UNKNOWN, "due_at": None},
            ("failed", "connection-lost", "The station went offline."),
        ),
        ({"state": State.DUE, "reason": "It left."}, ("failed", "connection-lost", "It left.")),
        ({"state": State.UNSUPPORTED, "reason": "No list."}, ("skipped", "not-supported", "No list.")),
        ({"state": State.FAILED, "reason": "Refused."}, ("failed", "rejected", "Refused.")),
        ({"state": State.IN_SYNC, "listed_count": 12}, ("done", "", "Version 4, 12 entries")),
    ],
)
def test_the_state_of_the_list_is_the_result(
    columns: dict[str, Any], result: tuple[str, str, str] | None
) -> None:
    row = sent_to(a_station(**columns))

    assert LOCAL_LIST.results([row]) == ({row.pk: Result(*result)} if result else {})


def test_a_station_that_leaves_before_its_update_begins_has_failed() -> None:
    station = a_station(state=State.DUE, due_at=NOW)
    row = sent_to(station)
    ChargePoint.objects.update(is_online=False)

    result = LOCAL_LIST.results([row])[row.pk]

    assert result == Result("failed", "connection-lost", "The station went offline.")


def test_nothing_is_read_from_the_list_before_the_station_has_answered() -> None:
    row = sent_to(a_station(listed_count=1), state="sent", finished_at=None)

    assert LOCAL_LIST.results([row]) == {}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"state": "timeout"}, "no-answer"),
        ({"state": "disconnected"}, "connection-lost"),
        ({"state": "accepted"}, "rejected"),
    ],
)
def test_the_reason_is_that_of_the_last_command(columns: dict[str, Any], reason: str) -> None:
    station = a_station(state=State.FAILED, reason="It did not work.")
    row = sent_to(station)
    Command.objects.create(
        id="s", charge_point=station, action="SendLocalList", payload={}, actor=row.campaign.sender,
        created_at=NOW + MINUTE, deadline_at=NOW, finished_at=NOW, **columns,
    )  # fmt: skip

    assert LOCAL_LIST.results([row])[row.pk] == Result("failed", reason, "It did not work.")


def test_a_deleted_list_or_command_is_an_error_of_the_server() -> None:
    station = a_station()
    row = sent_to(station)
    LocalList.objects.all().delete()

    assert LOCAL_LIST.results([row])[row.pk].reason == "server-error"
    LocalList.objects.create(charge_point=station, state=State.IN_SYNC)
    Command.objects.all().delete()
    assert LOCAL_LIST.results([row])[row.pk].reason == "server-error"


# -- the job -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed_at", "now", "is_believed"),
    [
        (None, NOW, True),
        (NOW - MINUTE, NOW + MINUTE, True),
        (NOW, NOW, False),
        (NOW + MINUTE, NOW + MINUTE, False),
        (None, NOW + MINUTE + timedelta(seconds=1), False),
    ],
)
def test_the_job_sends_in_the_name_of_the_campaign(
    claimed_at: datetime | None, now: datetime, is_believed: bool
) -> None:
    station, other = a_station(claimed_at=claimed_at), a_station(2)
    row = sent_to(station)

    found = campaigns.orders([station, other], now)

    assert found == {station.pk: Order(row.campaign.sender, row.command if is_believed else None)}
    assert campaigns.orders([other], now) == {}


def test_the_older_of_two_campaigns_has_the_order_and_only_a_sent_row_is_one() -> None:
    station = a_station()
    first, second = sent_to(station), sent_to(station)
    assert campaigns.orders([station], NOW)[station.pk].actor == first.campaign.sender

    for state in ("claimed", "waiting", "done", "failed", "skipped", "offline"):
        CampaignStation.objects.filter(pk=first.pk).update(state=state)
        assert campaigns.orders([station], NOW)[station.pk].actor == second.campaign.sender
    Campaign.objects.update(kind="command")
    assert campaigns.orders([station], NOW) == {}


@pytest.mark.parametrize(
    ("row", "campaign", "is_picked"),
    [
        ({"state": "claimed"}, {}, False),
        ({"state": "sent"}, {}, True),
        ({"state": "sent", "command": None}, {}, False),
        ({"state": "waiting"}, {}, True),
        ({"state": "waiting", "attempts": 0}, {"actor": "server"}, False),
        ({"state": "waiting", "attempts": 0}, {"actor": "server", "state": "paused"}, False),
        ({"state": "waiting", "attempts": 0}, {"actor": "server", "state": "cancelled"}, True),
        ({"state": "waiting", "attempts": 1}, {"actor": "server"}, True),
        ({"state": "waiting", "attempts": 1}, {"actor": "server", "state": "paused"}, False),
        ({"state": "done"}, {"actor": "server"}, True),
        ({"state": "claimed"}, {"kind": "command"}, True),
    ],
)
def test_the_job_leaves_a_list_to_its_campaign(
    row: dict[str, Any], campaign: dict[str, Any], is_picked: bool
) -> None:
    station = a_station(state=State.DUE, due_at=NOW)
    sent_to(station)
    CampaignStation.objects.update(**row)
    Campaign.objects.update(**campaign)

    assert due.pick(NOW, 20) == ([station] if is_picked else [])


def test_a_campaign_that_has_not_got_its_answer_keeps_the_list() -> None:
    station = a_station(state=State.DUE, due_at=NOW)
    sent_to(station, state="sent", finished_at=None)

    assert due.pick(NOW, 20) == []
    # The campaign has given up: its command may still be under way.
    CampaignStation.objects.update(state="failed")
    assert due.pick(NOW, 20) == [station]


# -- after a change ------------------------------------------------------------------------------------------


def test_a_change_is_one_campaign_for_all_managed_lists() -> None:
    managed = [a_station(2), a_station(1)]
    a_station(3, is_automatic=False)
    a_station(4, state=State.UNSUPPORTED)

    changed()

    campaign = Campaign.objects.get()
    assert (campaign.kind, campaign.actor, campaign.arguments) == ("local-list", "server", {"full": False})
    assert (campaign.starts_at, campaign.deadline_at) == (NOW + DELAY, NOW + DELAY + DAY)
    assert (campaign.has_canary, campaign.step, campaign.failure_limit_percent) == (False, 2, 100)
    assert (campaign.attempts, campaign.offline, campaign.name) == (3, "wait", "Local lists after a change")
    assert rows(campaign) == {"CP-1": "waiting", "CP-2": "waiting"}
    assert [listed(one).state for one in managed] == [State.DUE, State.DUE]
    assert [listed(one).due_at for one in managed] == [NOW + DAY, NOW + DAY]


def test_without_a_managed_list_there_is_no_campaign() -> None:
    a_station(is_automatic=False)

    changed()

    assert not Campaign.objects.exists()


def test_further_changes_go_with_the_campaign_that_has_not_begun() -> None:
    a_station()
    changed()

    changed(NOW + timedelta(seconds=10))

    campaign = Campaign.objects.get()
    assert campaign.starts_at == NOW + DELAY
    assert rows(campaign) == {"CP-1": "waiting"}
    assert campaign.stations.get().not_before == NOW


def test_an_open_campaign_takes_its_stations_again() -> None:
    stations = [a_station(number) for number in range(1, 8)]
    changed()
    campaign = Campaign.objects.get()
    states = ("done", "failed", "skipped", "offline", "sent", "claimed", "waiting")
    for station, state in zip(stations, states, strict=True):
        reason = "" if state == "done" else "rejected"
        campaign.stations.filter(charge_point=station).update(state=state, attempts=2, reason=reason)
    a_station(8)
    LocalList.objects.filter(charge_point=stations[3]).update(is_automatic=False)

    changed(NOW + MINUTE)

    assert rows(Campaign.objects.get()) == {
        "CP-1": "waiting", "CP-2": "waiting", "CP-3": "waiting", "CP-4": "offline", "CP-5": "sent",
        "CP-6": "claimed", "CP-7": "waiting", "CP-8": "waiting",
    }  # fmt: skip
    again = campaign.stations.filter(not_before=NOW + MINUTE + DELAY)
    assert set(again.values_list("charge_point__identity", "attempts", "reason")) == {
        ("CP-1", 0, ""), ("CP-2", 0, ""), ("CP-3", 0, ""), ("CP-7", 0, ""), ("CP-8", 0, "")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "is_taken"),
    [
        ({"state": "paused"}, True),
        ({"state": "cancelled"}, False),
        ({"state": "finished", "finished_at": NOW}, False),
        ({"actor": "ann"}, False),
        ({"kind": "command"}, False),
        ({"deadline_at": NOW + MINUTE + DELAY + timedelta(hours=1)}, False),
        ({"deadline_at": NOW + MINUTE + DELAY + timedelta(hours=1, seconds=1)}, True),
    ],
)
def test_only_a_campaign_that_may_still_send_takes_a_change(columns: dict[str, Any], is_taken: bool) -> None:
    a_station()
    changed()
    Campaign.objects.update(**columns)

    changed(NOW + MINUTE)

    assert Campaign.objects.count() == (1 if is_taken else 2)


@pytest.mark.parametrize(
    ("columns", "row", "due_at"),
    [
        ({"state": State.SENDING, "due_at": None}, "waiting", NOW + MINUTE + DELAY),
        ({"state": State.SENDING, "due_at": NOW}, "waiting", NOW),
        ({"state": State.IN_SYNC}, "sent", NOW + MINUTE + DELAY),
        ({"state": State.DUE, "due_at": NOW}, "sent", NOW),
        ({"state": State.IN_SYNC}, "claimed", NOW + MINUTE + DELAY),
        ({"state": State.IN_SYNC}, "done", NOW + DAY),
    ],
)
def test_a_list_that_is_being_updated_becomes_due_again(
    columns: dict[str, Any], row: str, due_at: datetime
) -> None:
    station = a_station()
    changed()
    CampaignStation.objects.update(state=row)
    LocalList.objects.update(**columns)

    changed(NOW + MINUTE)

    assert listed(station).due_at == due_at


def test_a_station_that_was_deleted_meanwhile_is_left_out() -> None:
    station = a_station()
    campaign = automatic.create(
        "local-list", {"full": False}, [station.pk, 999_999], now=NOW, name="c", deadline_at=NOW + DAY
    )

    assert rows(campaign) == {"CP-1": "waiting"}
