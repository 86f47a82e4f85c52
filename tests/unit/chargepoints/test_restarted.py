"""The boot that a reset leads to: seen, missed, or found by the job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from chargepoints import jobs
from chargepoints.models import ChargePoint, Command
from chargepoints.services import commands
from chargepoints.services.provisioning import restarted
from events.models import Event
from ocpp_server.events.catalogue import charging
from ocpp_server.transport import restarts

NOW = datetime.now(UTC)
SENT = NOW - timedelta(seconds=30)


@pytest.fixture
def station(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-7", ocpp_version="ocpp1.6")


@pytest.fixture
def dropped(station: ChargePoint) -> Command:
    """A Reset that was sent and whose connection was dropped."""
    command = commands.create(
        station,
        id="c1",
        action="Reset",
        payload={"type": "Hard"},
        actor="ann",
        created_at=SENT,
        deadline_at=SENT + timedelta(seconds=10),
    )
    ended = commands.end_unanswered("c1", "disconnected", NOW, sent_at=SENT)
    assert ended is not None and ended.awaits_boot
    # Jobs compare with the clock, and this module may have been imported long ago.
    Command.objects.update(effect_until=NOW + timedelta(hours=1))
    command.refresh_from_db()
    assert (command.state, command.effect, command.finished_at) == ("sent", "waiting", None)
    return command


def finished() -> list[str]:
    rows = Event.objects.filter(type=charging.COMMAND_FINISHED.name).values_list("data", flat=True)
    return [orjson.loads(data)["state"] for data in rows]


def effects() -> list[tuple[str, str]]:
    found = []
    for kind in (charging.EFFECT_SEEN, charging.EFFECT_MISSED):
        for data in Event.objects.filter(type=kind.name).values_list("data", flat=True):
            assert kind.faults(orjson.loads(data)) == []
            found.append((kind.name, orjson.loads(data)["effect"]))
    return found


def test_nothing_ends_a_command_that_waits_for_a_boot(dropped: Command) -> None:
    Command.objects.update(deadline_at=NOW - timedelta(hours=1))

    commands.end_overdue("c1")
    commands.end_disconnected("c1")
    jobs.end_overdue_commands()
    jobs.recover()
    restarted.settle_overdue()

    dropped.refresh_from_db()
    assert (dropped.state, dropped.effect) == ("sent", "waiting")
    assert finished() == []


def test_the_boot_ends_it_as_accepted_once(dropped: Command, station: ChargePoint) -> None:
    restarted.booted(station.pk, NOW)
    restarted.booted(station.pk, NOW)

    dropped.refresh_from_db()
    assert (dropped.state, dropped.effect, dropped.finished_at) == ("accepted", "seen", NOW)
    assert finished() == ["accepted"]
    assert effects() == [("effect.seen", "station-booted")]


def test_a_boot_before_the_reset_was_sent_is_another_one(dropped: Command, station: ChargePoint) -> None:
    restarted.booted(station.pk, SENT - timedelta(seconds=1))

    dropped.refresh_from_db()
    assert dropped.effect == "waiting"


@pytest.mark.parametrize(
    ("reason", "age_s", "effect"),
    [("PowerUp", 1, "seen"), ("Triggered", 1, "waiting"), ("PowerUp", 60, "waiting")],
)
def test_the_job_finds_a_boot_whose_process_died(
    dropped: Command, reason: str, age_s: int, effect: str
) -> None:
    ChargePoint.objects.update(last_boot_at=NOW - timedelta(seconds=age_s), boot_reason=reason)

    restarted.settle_overdue()

    dropped.refresh_from_db()
    assert dropped.effect == effect


def test_without_a_boot_in_time_the_connection_was_lost(dropped: Command) -> None:
    Command.objects.update(effect_until=NOW - timedelta(seconds=1))

    restarted.settle_overdue()

    dropped.refresh_from_db()
    assert (dropped.state, dropped.effect) == ("disconnected", "missed")
    assert "did not boot" in dropped.error_description
    assert finished() == ["disconnected"]
    assert effects() == [("effect.missed", "station-booted")]


def test_only_a_sent_reset_of_the_whole_station_waits(station: ChargePoint) -> None:
    at = {"created_at": SENT, "deadline_at": NOW}
    cases = {
        "queued": ("Reset", {"type": "Hard"}, None),
        "evse": ("Reset", {"type": "Immediate", "evseId": 1}, SENT),
        "other": ("ClearCache", {}, SENT),
    }
    for id, (action, payload, sent_at) in cases.items():
        commands.create(station, id=id, action=action, payload=payload, actor="", **at)

        commands.end_unanswered(id, "disconnected", NOW, sent_at=sent_at)

        command = Command.objects.get(pk=id)
        assert (command.state, command.effect) == ("disconnected", ""), id


def test_a_scheduled_reset_waits_longer() -> None:
    assert restarts.awaiting(NOW, is_scheduled=True)["effect_until"] == NOW + restarts.SCHEDULED_TIME
    assert restarts.awaiting(NOW)["effect_until"] == NOW + restarts.BOOT_TIME
