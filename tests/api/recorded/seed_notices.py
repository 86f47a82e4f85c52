"""The rows of notices that a scenario finds: a recipient that gets nothing, and a test that it was sent."""

from __future__ import annotations

from alerts.models import AlertRecipient, Notification
from tests.api.conftest import NOON


def plant(alias: str) -> None:
    """Store the rows in the database of this alias."""
    recipients, notices = AlertRecipient.objects.using(alias), Notification.objects.using(alias)
    ann = recipients.create(id=1, name="Ann", address="ann@example.com", is_enabled=False)
    notices.create(
        id=1,
        recipient=ann,
        channel=ann.channel,
        kind=Notification.Kind.TEST,
        state=Notification.State.SENT,
        attempts=1,
        sent_at=NOON,
    )
