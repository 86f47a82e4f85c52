"""The boots that commands lead to: which commands they settle, and with which columns and events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from chargepoints.models import ChargePoint, Command, Site
from chargepoints.services.provisioning import restarted
from events.models import Event
from ocpp_server.observability import measures

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return NOON

    monkeypatch.setattr(restarted, "datetime", Noon)


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The ends of commands that the metrics have counted."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(measures, "finished", lambda *values: found.append(values))
    return found


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", site=Site.objects.create(name="Home"))


def waiting(garage: ChargePoint, ago: timedelta = HOUR, **more: Any) -> Command:
    """A reset that waits for the boot; its station has answered, unless it is `sent`."""
    usual: dict[str, Any] = {
        "id": f"c{Command.objects.count()}",
        "action": "Reset",
        "payload": {"type": "Hard"},
        "state": "accepted",
        "effect": "waiting",
        "effect_until": NOON + HOUR,
        "created_at": NOON - ago,
        "deadline_at": NOON - ago,
    }
    return Command.objects.create(charge_point=garage, **usual | more)


def settled(command: Command) -> tuple[str, str]:
    command.refresh_from_db()
    return command.state, command.effect


def events() -> list[tuple[str, str, int | None, dict[str, Any]]]:
    return [(row.type, row.station, row.site_id, row.content) for row in Event.objects.order_by("id")]


def test_a_boot_is_the_effect_of_a_command_that_was_answered(
    garage: ChargePoint, finished: list[Any]
) -> None:
    command = waiting(garage)

    restarted.booted(garage.pk, NOON)

    assert settled(command) == ("accepted", "seen")
    assert (command.effect_until, command.finished_at) == (None, None)
    assert events() == [
        (
            "effect.seen",
            "CP-1",
            garage.site_id,
            {"requestId": command.pk, "effect": "station-booted", "transactionId": None},
        )
    ]
    assert finished == []


def test_a_boot_ends_a_command_whose_connection_was_dropped(garage: ChargePoint, finished: list[Any]) -> None:
    command = waiting(garage, state="sent", error_description="dropped")

    restarted.booted(garage.pk, NOON)

    assert settled(command) == ("accepted", "seen")
    assert (command.finished_at, command.error_description) == (NOON, "")
    assert [kind for kind, *_ in events()] == ["command.finished", "effect.seen"]
    assert finished == [("Reset", "accepted", None)]


def test_a_command_without_its_boot_in_time_is_missed(garage: ChargePoint, finished: list[Any]) -> None:
    answered = waiting(garage, effect_until=NOON - SECOND)
    dropped = waiting(garage, effect_until=NOON - SECOND, state="sent")
    kept = waiting(garage, effect_until=NOON)

    restarted.settle_overdue()

    assert settled(answered) == ("accepted", "missed")
    assert settled(dropped) == ("disconnected", "missed")
    assert (dropped.finished_at, dropped.effect_until) == (NOON, None)
    assert dropped.error_description == "The station dropped the connection and did not boot."
    assert settled(kept) == ("accepted", "waiting")
    assert finished == [("Reset", "disconnected", None)]
    missed = [data for kind, *_, data in events() if kind == "effect.missed"]
    assert missed == [
        {"requestId": answered.pk, "effect": "station-booted"},
        {"requestId": dropped.pk, "effect": "station-booted"},
    ]


def test_a_boot_settles_what_was_sent_before_it_at_its_own_station(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    sent_at_noon = waiting(garage, sent_at=NOON)
    sent_later = waiting(garage, sent_at=NOON + SECOND)
    elsewhere = waiting(other)
    plain = waiting(garage, effect="")
    long_ago = waiting(garage, DAY + HOUR + SECOND)
    just_not = waiting(garage, DAY + HOUR)

    restarted.booted(garage.pk, NOON)

    found = [settled(row)[1] for row in (sent_at_noon, sent_later, elsewhere, plain, long_ago, just_not)]
    assert found == ["seen", "waiting", "waiting", "", "waiting", "seen"]


def test_the_newest_commands_are_settled_first(garage: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarted, "_AT_ONCE", 1)
    older, newer = waiting(garage, 2 * HOUR), waiting(garage, HOUR)

    restarted.booted(garage.pk, NOON)

    assert (settled(older)[1], settled(newer)[1]) == ("waiting", "seen")


def test_a_command_that_another_process_has_ended_meanwhile_is_not_settled(
    garage: ChargePoint, finished: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = waiting(garage, state="sent")

    @contextmanager
    def atomic() -> Iterator[None]:
        Command.objects.update(state="accepted")
        with transaction.atomic():
            yield

    monkeypatch.setattr(restarted, "transaction", SimpleNamespace(atomic=atomic))
    restarted.booted(garage.pk, NOON)

    assert settled(command) == ("accepted", "waiting")
    assert (events(), finished) == ([], [])


@pytest.mark.parametrize(
    ("boot_at", "reason", "sent_at", "effect"),
    [
        (NOON - HOUR, "PowerUp", None, "seen"),
        (NOON - HOUR - SECOND, "PowerUp", None, "waiting"),
        (NOON - HOUR, "Triggered", None, "waiting"),
        (NOON - SECOND, "PowerUp", NOON, "waiting"),
        (NOON, "PowerUp", NOON, "seen"),
        (None, "PowerUp", None, "waiting"),
    ],
)
def test_the_job_finds_the_boots_that_a_process_did_not_see_through(
    garage: ChargePoint, boot_at: datetime | None, reason: str, sent_at: datetime | None, effect: str
) -> None:
    ChargePoint.objects.update(last_boot_at=boot_at, boot_reason=reason)
    command = waiting(garage, state="sent", sent_at=sent_at)

    restarted.settle_overdue()

    assert settled(command)[1] == effect
    assert command.finished_at == (boot_at if effect == "seen" else None)


def test_the_job_settles_the_commands_that_are_due_first(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarted, "_AT_ONCE", 1)
    late = waiting(garage, effect_until=NOON - SECOND)
    later = waiting(garage, effect_until=NOON - HOUR)
    booted = ChargePoint.objects.create(identity="CP-2", last_boot_at=NOON)
    seen = [waiting(booted, effect_until=NOON + hours * HOUR) for hours in (2, 1)]

    restarted.settle_overdue()

    found = [settled(row)[1] for row in (late, later, *seen)]
    assert found == ["waiting", "missed", "waiting", "seen"]
