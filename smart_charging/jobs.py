"""Jobs of smart charging: send the limits of dynamic profiles and the profiles of resumed sessions, delete
profiles that ended long ago, and rows beyond the most of a station.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Count

from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal
from ocpp_server.storage.retention import DELETE_AT_ONCE
from ocpp_server.transport.switchboard import switchboard
from smart_charging.models import DerAlarm, DerControl, ExternalLimit, InstalledProfile
from smart_charging.services.smart_charging import pushing, resuming

# How long a profile is kept after its end. Load management ends several in an hour at each EVSE.
ENDED_KEPT: Final = timedelta(days=90)
# The most external limits, DER controls and faults of the grid of one station.
MOST_KEPT: Final = 500

# Metrics and logs know the jobs by these names.
PUSH_DYNAMIC_PROFILES: Final = Job("push_dynamic_profiles", every=1.0)
SEND_PROFILES_AGAIN: Final = Job("send_profiles_again", every=15.0, everywhere=True)


async def send_profiles_again() -> None:
    """Send the profiles of resumed sessions that were not sent, or got no answer."""
    now = datetime.now(UTC)
    for connection in switchboard.served():
        if resuming.due(connection.station, now):
            await connection.between_messages(resuming.send_between_messages)


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
    (PUSH_DYNAMIC_PROFILES, pushing.push),
    (SEND_PROFILES_AGAIN, send_profiles_again),
    (SWEEP, in_journal(delete_ended)),
    (SWEEP, in_journal(delete_crowded)),
)
