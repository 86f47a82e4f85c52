"""The job that settles overdue triggers from the message log: which messages count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, Message
from events.models import Event
from transactions.services.remote_control import triggers

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
UNTIL = NOON + 60 * SECOND


def a_trigger(charger: ChargePoint) -> Command:
    """A trigger for a heartbeat that was sent at noon."""
    return Command.objects.create(
        id="c-1",
        charge_point=charger,
        action="TriggerMessage",
        payload={"requestedMessage": "Heartbeat"},
        state="accepted",
        created_at=NOON - 9 * SECOND,
        sent_at=NOON,
        deadline_at=UNTIL,
        effect="waiting",
        effect_until=UNTIL,
    )


def a_message(charger: ChargePoint, **more: Any) -> Message:
    """A heartbeat in the log, half a minute after noon."""
    row = {"direction": "in", "message_id": "m", "action": "Heartbeat", "size": 1, "request": "{}"}
    return Message(charge_point=charger, **(row | {"at": NOON + 30 * SECOND} | more))


@pytest.mark.parametrize(
    ("action", "seconds", "effect"),
    [
        ("Heartbeat", -1, "missed"),
        ("Heartbeat", 0, "seen"),
        ("Heartbeat", 60, "seen"),
        ("Heartbeat", 61, "missed"),
        ("BootNotification", 30, "missed"),
    ],
)
def test_a_message_counts_from_the_command_to_the_end_of_its_time(
    action: str, seconds: int, effect: str
) -> None:
    charger = ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6")
    command = a_trigger(charger)
    a_message(charger, action=action, at=NOON + seconds * SECOND).save()

    triggers.settle_overdue(UNTIL + triggers.GRACE)
    command.refresh_from_db()
    early = command.effect
    triggers.settle_overdue(UNTIL + triggers.GRACE + SECOND)

    command.refresh_from_db()
    event = Event.objects.get()
    more = {"transactionId": None} if effect == "seen" else {}
    assert (early, command.effect, command.effect_until) == ("waiting", effect, None)
    assert (event.type, event.station) == (f"effect.{effect}", "CP-1")
    assert event.content == {"requestId": "c-1", "effect": "message-received", **more}


@pytest.mark.parametrize(("more", "is_logged"), [({}, True), ({"direction": "out"}, False)])
def test_only_a_message_of_the_station_itself_counts(more: dict[str, Any], is_logged: bool) -> None:
    charger, other = (ChargePoint.objects.create(identity=name) for name in ("CP-1", "CP-2"))
    a_message(other).save()
    assert not triggers._is_logged(a_trigger(charger))

    a_message(charger, **more).save()

    assert triggers._is_logged(Command.objects.get()) is is_logged


def test_a_command_without_the_time_of_its_frame_counts_from_its_creation() -> None:
    charger = ChargePoint.objects.create(identity="CP-1")
    command = a_trigger(charger)
    command.sent_at = None

    a_message(charger, at=NOON - 10 * SECOND).save()
    assert not triggers._is_logged(command)
    a_message(charger, at=NOON - 9 * SECOND).save()

    assert triggers._is_logged(command)


@pytest.mark.parametrize(("later", "is_logged"), [(999, True), (1000, False)])
def test_the_newest_thousand_messages_are_read(later: int, is_logged: bool) -> None:
    charger = ChargePoint.objects.create(identity="CP-1")
    command = a_trigger(charger)
    a_message(charger).save()

    Message.objects.bulk_create(a_message(charger, at=UNTIL + SECOND) for _ in range(later))

    assert triggers._is_logged(command) is is_logged
