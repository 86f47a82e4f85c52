"""Retention of campaigns that have ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from chargepoints.models import Campaign
from chargepoints.services.campaigns import automatic

# Of the server's own campaigns, the newest of each kind are kept: every change of a token may make one, with
# a row for each station.
AUTOMATIC_KEPT: Final = 50
# A run of the job deletes so many.
AT_ONCE: Final = 20


def expired(now: datetime) -> list[int]:
    """The keys of the ended campaigns that are no longer kept, the oldest first: after CAMPAIGN_RETENTION,
    and the server's own beyond AUTOMATIC_KEPT.
    """
    ended = Campaign.objects.filter(finished_at__isnull=False)
    found: set[int] = set()
    if settings.CAMPAIGN_RETENTION:
        before = now - timedelta(seconds=settings.CAMPAIGN_RETENTION)
        found.update(ended.filter(finished_at__lt=before).values_list("pk", flat=True))
    own = ended.filter(actor=automatic.ACTOR)
    for kind in own.order_by().values_list("kind", flat=True).distinct():
        newest_first = own.filter(kind=kind).order_by("-pk").values_list("pk", flat=True)
        found.update(newest_first[AUTOMATIC_KEPT:])
    return sorted(found)[:AT_ONCE]


def delete(pk: int) -> None:
    """Delete an ended campaign with its results; its commands stay. One that was set going again meanwhile
    stays too.
    """
    Campaign.objects.filter(pk=pk, finished_at__isnull=False).delete()
