"""The job that settles overdue triggers from the message log: which messages count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint, Command, Message
from events.models import Event
from transactions.services.remote_control import triggers

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
UNTIL = NOON + 60 * SECOND


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
    command = Command.objects.create(
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
    row = {"direction": "in", "message_id": "m", "action": action, "size": 1, "request": "{}"}
    Message.objects.create(charge_point=charger, at=NOON + seconds * SECOND, **row)

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
