"""Jobs of tariffs: delete default tariffs that ended long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal
from ocpp_server.storage.retention import DELETE_AT_ONCE
from tariffs.models import StationTariff

# How long a tariff of a station is kept after its end. The details of a session's cost name its id.
ENDED_KEPT: Final = timedelta(days=400)


def delete_ended() -> None:
    """Delete the tariffs that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = StationTariff.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    StationTariff.objects.filter(pk__in=oldest).delete()


JOBS: Final[tuple[tuple[Job, Step], ...]] = ((SWEEP, in_journal(delete_ended)),)
