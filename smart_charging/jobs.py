"""Jobs of smart charging: delete profiles that ended long ago, and rows beyond the most of a station."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Count

from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal
from ocpp_server.storage.retention import DELETE_AT_ONCE
from smart_charging.models import DerAlarm, DerControl, ExternalLimit, InstalledProfile

# How long a profile is kept after its end. Load management ends several in an hour at each EVSE.
ENDED_KEPT: Final = timedelta(days=90)
# The most external limits, DER controls and faults of the grid of one station.
MOST_KEPT: Final = 500


def delete_ended() -> None:
    """Delete the profiles that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = InstalledProfile.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    InstalledProfile.objects.filter(pk__in=oldest).delete()


def delete_crowded() -> None:
    """Keep the MOST_KEPT rows of each station that changed last: a station can name any number of sources and
    controls.
    """
    for model, changed in ((ExternalLimit, "set_at"), (DerControl, "updated_at"), (DerAlarm, "updated_at")):
        manager: Any = model._default_manager
        counts = manager.order_by().values_list("charge_point").annotate(rows=Count("pk"))
        for charge_point_pk, _rows in counts.filter(rows__gt=MOST_KEPT):
            rows = manager.filter(charge_point=charge_point_pk)
            oldest = rows.order_by(f"-{changed}", "-pk").values_list("pk", flat=True)
            rows.filter(pk__in=list(oldest[MOST_KEPT : MOST_KEPT + DELETE_AT_ONCE])).delete()


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (SWEEP, in_journal(delete_ended)),
    (SWEEP, in_journal(delete_crowded)),
)
