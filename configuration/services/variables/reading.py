"""When the server reads the configuration of a station by itself, and what it remembers about it.

A boot of an accepted station makes its reading due, in the unit of work of the BootNotification. A job claims
a few due stations at a time: thousands of stations may boot at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationState, DesiredValue, ReportedKey
from configuration.services.variables import desired, drift
from configuration.tables import CONFIGURATION_STATES
from ocpp_server.live.station import Station

# A station sends the statuses of its connectors first.
SETTLE: Final = timedelta(seconds=2)
# The process that claimed a station has died when it has not finished after this time.
CLAIM: Final = timedelta(minutes=15)
# The pauses before further attempts; after the last one, the next boot makes the reading due.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120))
# Stations without a row that one run of the job finds.
FOUND_AT_ONCE: Final = 200
# Reported names that are asked for again by name.
MOST_NAMES: Final = 500


@dataclass(frozen=True, slots=True)
class Claimed:
    """A station whose configuration this process reads now."""

    charge_point: ChargePoint
    state: ConfigurationState
    at: datetime

    @property
    def is_whole(self) -> bool:
        """Whether everything is read: after the first boot, and after an update of the firmware."""
        return self.state.read_at is None or (
            self.state.firmware_version != self.charge_point.firmware_version
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a reading. `whole_at` is its beginning if the station named everything that it has;
    `problem` says why it is not complete.
    """

    manner: str
    whole_at: datetime | None = None
    problem: str = ""


def booted(*, station: Station, is_restart: bool) -> None:
    """Note the boot of an accepted station, and make the reading of its configuration due.

    `is_restart` is False for a BootNotification that was only asked for.
    """
    station.unit.insert(CONFIGURATION_STATES, charge_point_id=station.pk)  # unless it has one
    columns: dict[str, datetime] = {"booted_at": station.received_at} if is_restart else {}
    if settings.OCPP_CONFIGURATION_READS:
        columns["due_at"] = station.received_at + SETTLE
    if columns:
        # A reading that runs belongs to the time before the boot: it ends without a claim.
        station.unit.update(CONFIGURATION_STATES, station.pk, attempts=0, claimed_at=None, **columns)


def _due(now: datetime) -> QuerySet[ConfigurationState]:
    return ConfigurationState.objects.filter(
        Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM),
        due_at__lte=now,
        charge_point__is_online=True,
        charge_point__registration_status=ChargePoint.Registration.ACCEPTED,
    )


def claim(most: int, now: datetime | None = None) -> list[Claimed]:
    """Claim up to this many stations online whose reading is due, the longest due first."""
    now = now or datetime.now(UTC)
    # Nothing to read: the same firmware, and no desired values that the boot may have changed.
    _due(now).filter(
        ~Exists(DesiredValue.objects.filter(charge_point=OuterRef("pk"))),
        read_at__isnull=False,
        firmware_version=F("charge_point__firmware_version"),
        is_stale=False,
    ).update(due_at=None, claimed_at=None)
    claimed = []
    for state in _due(now).select_related("charge_point").order_by("due_at")[:most]:
        if _due(now).filter(pk=state.pk).update(claimed_at=now):
            claimed.append(Claimed(state.charge_point, state, now))
    return claimed


def finish(claimed: Claimed, done: Done) -> bool:
    """Store the result of a reading, and when it is repeated. False if the station has booted meanwhile."""
    now = datetime.now(UTC)
    mine = ConfigurationState.objects.filter(pk=claimed.state.pk, claimed_at=claimed.at)
    columns: dict[str, Any] = {"claimed_at": None, "manner": done.manner, "problem": done.problem[:500]}
    if done.problem:
        attempts = claimed.state.attempts + 1
        due_at = now + PAUSES[attempts - 1] if attempts <= len(PAUSES) else None
        return bool(mine.update(attempts=attempts, due_at=due_at, **columns))
    if done.whole_at is not None:
        columns["whole_at"] = done.whole_at
    firmware = claimed.charge_point.firmware_version
    is_mine = mine.update(attempts=0, due_at=None, read_at=now, firmware_version=firmware, **columns)
    if is_mine and done.whole_at is not None:
        drift.refresh(claimed.charge_point.pk)  # keys that the station has left out are gone
    return bool(is_mine)


def release(claimed: Claimed) -> None:
    """Give a claim back without a result: the reading is due as before."""
    mine = ConfigurationState.objects.filter(pk=claimed.state.pk, claimed_at=claimed.at)
    mine.update(claimed_at=None)


def prepared(claimed: Claimed) -> list[str]:
    """The keys with desired values, by the templates of now: the station may have another site or model."""
    desired.resolve(claimed.charge_point)
    return desired.names(claimed.charge_point.pk)


def find_unread() -> None:
    """Make the reading due of stations that booted before the server read configurations by itself."""
    unread = ChargePoint.objects.online().filter(
        configuration_state=None,
        last_boot_at__isnull=False,
        registration_status=ChargePoint.Registration.ACCEPTED,
    )
    now = datetime.now(UTC)
    ConfigurationState.objects.bulk_create(
        [ConfigurationState(charge_point_id=pk, due_at=now) for pk in _keys(unread)], ignore_conflicts=True
    )


def _keys(rows: QuerySet[ChargePoint]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:FOUND_AT_ONCE])


def known_names(charge_point_pk: int) -> list[str]:
    """The names that a station has reported, of which one that does not name everything is asked again."""
    rows = ReportedKey.objects.filter(charge_point=charge_point_pk, gone_at=None).order_by(
        "-reported_at", "key"
    )
    return list(rows.values_list("key", flat=True)[:MOST_NAMES])
