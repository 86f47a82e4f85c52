"""Deletes events older than EVENT_RETENTION and deletions older than DELETION_RETENTION, a few at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from django.conf import settings

from events.models import Event
from events.services import deletions
from ocpp_server.storage.journal import journal
from ocpp_server.storage.retention import DELETE_AT_ONCE


async def delete_old() -> None:
    for step in (delete_some, deletions.delete_some):
        while await journal.run(step):
            await asyncio.sleep(0.05)


def delete_some() -> bool:
    """Delete the oldest expired events, DELETE_AT_ONCE at most. Returns whether there may be more.

    By position: they rise with time, and an event without one has not been read yet.
    """
    before = datetime.now(UTC) - timedelta(seconds=settings.EVENT_RETENTION)
    oldest = list(Event.objects.numbered().values_list("id", "at")[:DELETE_AT_ONCE])
    expired = [id for id, at in oldest if at < before]
    if expired:
        Event.objects.filter(pk__in=expired).delete()
    return len(expired) == DELETE_AT_ONCE
