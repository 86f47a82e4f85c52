"""The rows of commands: what is stored at each step, and that a command ends once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from chargepoints.models import ChargePoint, Command, Site
from chargepoints.services import commands
from chargepoints.services.commands import Ended
from chargepoints.tables import COMMANDS
from events.models import Event
from ocpp_server.domain import QueueFull
from ocpp_server.observability import measures
from ocpp_server.storage.unit import Unit
from ocpp_server.transport.command_store import NOT_SENT, QUEUE_FULL
from tests.logged import captured_logs

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-7", site=Site.objects.create(name="Home"))


def create(garage: ChargePoint, id: str = "c1", action: str = "ClearCache", **payload: Any) -> Command:
    return commands.create(
        garage,
        id=id,
        action=action,
        payload=payload,
        actor="ann",
        created_at=NOON,
        deadline_at=NOON + timedelta(seconds=30),
    )


def row(id: str = "c1") -> Command:
    return commands.load(id)


def finished() -> list[dict[str, Any]]:
    found = []
    for one in Event.objects.filter(type="command.finished").order_by("id"):
        assert (one.station, one.site_id) == ("CP-7", Site.objects.get().pk)
        found.append(one.content)
    return found


def test_a_command_is_queued_with_all_its_fields(garage: ChargePoint) -> None:
    create(garage, action="Reset", type="Soft")

    found = row()
    assert (found.charge_point, found.action, found.payload) == (garage, "Reset", {"type": "Soft"})
    assert (found.actor, found.created_at, found.deadline_at) == ("ann", NOON, NOON + timedelta(seconds=30))
    assert (found.state, found.sent_at, found.finished_at) == ("queued", None, None)


def test_a_command_is_sent_once_and_not_after_its_answer(garage: ChargePoint) -> None:
    create(garage)
    create(garage, "c2")
    Command.objects.filter(pk="c2").update(state="accepted")

    for id in ("c1", "c2", "unknown"):
        commands.mark_sent(id, NOON)
    commands.mark_sent("c1", NOON + timedelta(seconds=1))

    assert [(row(id).state, row(id).sent_at) for id in ("c1", "c2")] == [("sent", NOON), ("accepted", None)]


@pytest.mark.parametrize(
    ("payload", "answer"),
    [('{"status":"Accepted"}', {"status": "Accepted"}), ("no json", "no json")],
)
def test_a_late_answer_is_kept_only_for_a_command_that_timed_out(
    garage: ChargePoint, payload: str, answer: Any
) -> None:
    create(garage)
    create(garage, "c2")
    Command.objects.filter(pk="c1").update(state="timeout")

    for id in ("c1", "c2", "c1"):
        commands.mark_late(id, payload)

    assert (row().state, row().response) == ("late", {"late": answer})
    assert row("c2").state == "queued"
    assert [(data["requestId"], data["state"]) for data in finished()] == [("c1", "late")]


def test_the_end_of_a_command_is_an_event_with_all_its_fields(garage: ChargePoint) -> None:
    create(garage)

    commands.end_refused("c1")
    commands.end_disconnected("c1")
    commands.end_overdue("c1")

    found = row()
    assert (found.state, found.error_code, found.error_description) == (
        "error",
        QUEUE_FULL,
        QueueFull.sentence,
    )
    assert found.finished_at is not None
    assert finished() == [
        {
            "requestId": "c1",
            "action": "ClearCache",
            "actor": "ann",
            "state": "error",
            "status": "",
            "errorCode": QUEUE_FULL,
            "durationMs": None,
        }
    ]


def test_several_commands_end_together(garage: ChargePoint) -> None:
    for id in ("c1", "c2", "c3"):
        create(garage, id)
    Command.objects.filter(pk="c3").update(state="accepted")

    number = commands.end_all(Command.objects.unfinished(), state="disconnected", finished_at=NOON)

    assert number == 2
    assert [data["requestId"] for data in finished()] == ["c1", "c2"]
    assert row("c3").state == "accepted"


def end(id: str, state: str = "timeout", sent_at: datetime | None = None) -> Ended | None:
    return commands.end_unanswered(id, state, NOON, sent_at=sent_at)


def test_an_unanswered_command_ends_once(garage: ChargePoint) -> None:
    create(garage)

    assert end("c1") == Ended(garage.pk, "ClearCache", awaits_boot=False)

    assert (row().state, row().finished_at, row().effect) == ("timeout", NOON, "")
    assert end("c1") is None
    assert len(finished()) == 1


@pytest.mark.parametrize(
    ("state", "sent_at", "description"),
    [("timeout", None, NOT_SENT), ("timeout", NOON, ""), ("disconnected", None, "")],
)
def test_a_command_that_no_station_got_in_time_says_so(
    garage: ChargePoint, state: str, sent_at: datetime | None, description: str
) -> None:
    create(garage)

    end("c1", state, sent_at)

    assert (row().state, row().error_description) == (state, description)


@pytest.mark.parametrize(
    ("state", "was_sent", "awaits", "stored", "effect"),
    [
        ("disconnected", True, True, "sent", "waiting"),
        ("disconnected", False, False, "disconnected", ""),
        ("timeout", True, False, "timeout", "waiting"),
        ("timeout", False, False, "timeout", ""),
    ],
)
def test_a_reset_that_drops_its_connection_waits_for_the_boot(  # noqa: PLR0917 - a table's columns
    garage: ChargePoint, state: str, was_sent: bool, awaits: bool, stored: str, effect: str
) -> None:
    create(garage, action="Reset", type="Soft")

    found = end("c1", state, NOON if was_sent else None)

    assert found == Ended(garage.pk, "Reset", awaits_boot=awaits)
    assert (row().state, row().effect) == (stored, effect)
    assert [data["state"] for data in finished()] == ([] if awaits else [state])


def test_a_command_has_timed_out_at_its_own_station(garage: ChargePoint) -> None:
    create(garage)
    assert not commands.has_timed_out("c1", garage.pk)
    assert not commands.is_finished("c1")

    commands.end_overdue("c1")

    assert commands.has_timed_out("c1", garage.pk)
    assert not commands.has_timed_out("c1", garage.pk + 1)
    assert commands.is_finished("c1")
    commands.mark_late("c1", "{}")
    assert not commands.has_timed_out("c1", garage.pk)
    assert commands.is_finished("c1")


def test_a_result_is_stored_with_the_time_of_its_end() -> None:
    unit = Unit()

    commands.store_result(unit, "c1", finished_at=NOON, state="accepted", response={})

    assert unit.updates == [(COMMANDS, "c1", {"finished_at": NOON, "state": "accepted", "response": {}})]


def test_a_sent_command_is_logged_with_its_station(garage: ChargePoint) -> None:
    create(garage)

    with captured_logs() as lines:
        commands.mark_sent("c1", NOON)
        commands.mark_sent("gone", NOON)

    sent = [line for line in lines if line["event"] == "command.sent"]
    assert [(one["station"], one["message_id"], one["action"]) for one in sent] == [
        ("CP-7", "c1", "ClearCache")
    ]


def test_a_late_answer_belongs_to_one_command(garage: ChargePoint) -> None:
    for id in ("c1", "c2"):
        create(garage, id)
        commands.end_overdue(id)

    commands.mark_late("c1", '{"status":"Accepted"}')

    assert (row("c1").state, row("c2").state) == ("late", "timeout")


@contextmanager
def ended_meanwhile(id: str) -> Iterator[None]:
    """Another process ends a command just before the first change here."""
    is_first = True

    def end_before(execute: Any, sql: str, *arguments: Any) -> Any:
        nonlocal is_first
        if is_first and sql.startswith("UPDATE"):
            is_first = False
            Command.objects.filter(pk=id).update(state="timeout", finished_at=NOON)
        return execute(sql, *arguments)

    with connection.execute_wrapper(end_before):
        yield


def test_a_command_that_another_process_ends_meanwhile_has_one_event(garage: ChargePoint) -> None:
    create(garage)
    create(garage, "c2")

    with ended_meanwhile("c2"):
        ended = commands.end_all(Command.objects.unfinished(), state="disconnected", finished_at=NOON)

    assert ended == 1
    assert [data["requestId"] for data in finished()] == ["c1"]


@pytest.mark.parametrize(("action", "payload"), [("Reset", {"type": "Hard"}), ("ClearCache", {})])
def test_an_unanswered_command_that_has_ended_meanwhile_is_not_ended_again(
    garage: ChargePoint, action: str, payload: dict[str, Any]
) -> None:
    create(garage, action=action, **payload)

    with ended_meanwhile("c1"):
        assert commands.end_unanswered("c1", "disconnected", NOON, sent_at=NOON) is None

    assert (row().state, finished()) == ("timeout", [])


def test_another_command_of_the_station_may_have_timed_out(garage: ChargePoint) -> None:
    create(garage)
    create(garage, "c2")
    commands.end_overdue("c2")

    assert [commands.has_timed_out(id, garage.pk) for id in ("c1", "c2")] == [False, True]


def test_a_command_that_has_ended_at_the_same_time_is_not_announced_again(garage: ChargePoint) -> None:
    for id in ("c1", "c2"):
        create(garage, id)
        commands.end_all(Command.objects.filter(pk=id), state="disconnected", finished_at=NOON)

    assert [data["requestId"] for data in finished()] == ["c1", "c2"]


def test_the_end_of_a_command_is_counted_once(garage: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[Any, ...]] = []
    monkeypatch.setattr(measures, "finished", lambda *values: counted.append(values))
    create(garage)

    commands.end_overdue("c1")
    commands.end_overdue("c1")
    commands.end_disconnected("unknown")

    assert counted == [("ClearCache", "timeout", None)]
