"""Limits of dynamic profiles, sent at their interval to stations that do not ask for them (2.1 K28)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from chargepoints.models import ChargePoint
from ocpp_server.domain import DomainError
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from smart_charging.live import SERVER
from smart_charging.models import InstalledProfile

log = structlog.get_logger(__name__)

# A station asks for its limits when its interval is over: it has this many seconds for its message, and a
# quarter of a short interval.
_GRACE_S: Final = 2.0
# The most profiles whose limits are sent in one run.
MOST_AT_ONCE: Final = 200


class Due(NamedTuple):
    """Limits and setpoints to send to a station."""

    charge_point: ChargePoint
    profile_id: int
    values: dict[str, Any]


def first_at(since: datetime, interval_s: int) -> datetime:
    """When to send the limits to a station that got them at this time and does not ask for them."""
    return since + timedelta(seconds=interval_s + min(_GRACE_S, interval_s / 4))


def next_at(due_at: datetime, interval_s: int, now: datetime) -> datetime:
    """When to send the limits after a time that was due: at the interval, and in the future."""
    late_s = max(0.0, (now - due_at).total_seconds())
    return due_at + timedelta(seconds=interval_s * (late_s // interval_s + 1))


def claim(now: datetime) -> list[Due]:
    """The limits that are due at connected stations, each for one caller. Uses the database.

    A profile that is sent again after a restart has them already.
    """
    rows = InstalledProfile.objects.current().filter(
        push_at__lte=now,
        resumed_at=None,
        charge_point__is_online=True,
        charge_point__registration_status=ChargePoint.Registration.ACCEPTED,
    )
    found = []
    for row in rows.select_related("charge_point").order_by("push_at")[:MOST_AT_ONCE]:
        assert row.push_at is not None
        after = next_at(row.push_at, row.update_interval_s or 1, now)
        # Another process may have claimed it, or the station has just asked for it.
        is_claimed = InstalledProfile.objects.filter(pk=row.pk, push_at=row.push_at).update(push_at=after)
        if is_claimed and row.dynamic:
            found.append(Due(row.charge_point, row.profile_id, row.dynamic))
    return found


async def push(now: datetime | None = None) -> None:
    """Send the limits that are due. The answers show whether the stations take them."""
    for due in await journal.run(claim, now or datetime.now(UTC)):
        payload = {"chargingProfileId": due.profile_id, "scheduleUpdate": due.values}
        try:
            await calls.call(due.charge_point, "UpdateDynamicSchedule", payload, actor=SERVER, wait=False)
        except DomainError as error:
            log.info("dynamic_profile.not_sent", station=due.charge_point.identity, reason=str(error))
