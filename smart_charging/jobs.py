"""Jobs of smart charging: delete charging profiles that ended long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal
from ocpp_server.storage.retention import DELETE_AT_ONCE
from smart_charging.models import InstalledProfile

# How long a profile is kept after its end. Load management ends several in an hour at each EVSE.
ENDED_KEPT: Final = timedelta(days=90)


def delete_ended() -> None:
    """Delete the profiles that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = InstalledProfile.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    InstalledProfile.objects.filter(pk__in=oldest).delete()


JOBS: Final[tuple[tuple[Job, Step], ...]] = ((SWEEP, in_journal(delete_ended)),)
