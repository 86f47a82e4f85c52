"""The charging profiles of a live station, as far as its answers show, and the plans of its sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import Case, JSONField, When

from ocpp_server.live.extensions import ByKey, Slot
from ocpp_server.protocol.translate.charging_profiles import TX, TX_DEFAULT
from smart_charging.models import ChargingPlan, InstalledProfile
from smart_charging.models.installed_profile import OUR_SOURCE

# The profiles whose content decides about the needs and schedules of vehicles. A station can report any
# number of profiles: the content of a long one is not kept.
_NEEDED = (TX, TX_DEFAULT)
_MOST_PERIODS = 64
# The actor of the profiles that the server sends on its own.
SERVER = "server"


class Installed(msgspec.Struct):
    """A profile that the station has, or that waits for the session of a remote start (`until`).

    `evse` is 0 for the whole station. `transaction` is the server's number of the session of a TxProfile.
    `source` is the chargingLimitSource. `payload` is the profile as the station got it, where it is kept;
    `dynamic` are the limits that hold now of a dynamic one. `is_planned`: the server has sent it for the
    needs of a vehicle. `interval_s`: the server sends the limits of this dynamic profile that often to a
    station that does not ask for them. `resumed_at`: its session has gone on after a restart, and the profile
    is to be sent again; `attempts`, `asked_at` and `asked_by`, the id of the command, are about that.
    """

    pk: str
    profile_id: int
    evse: int
    purpose: str
    stack_level: int
    state: str
    transaction: int | None = None
    command_id: str = ""
    until: datetime | None = None
    source: str = OUR_SOURCE
    since: datetime | None = None
    payload: dict[str, Any] | None = None
    dynamic: dict[str, Any] | None = None
    is_planned: bool = False
    interval_s: int | None = None
    resumed_at: datetime | None = None
    attempts: int = 0
    asked_at: datetime | None = None
    asked_by: str = ""

    @property
    def is_ours(self) -> bool:
        return self.source == OUR_SOURCE


def kept_payload(source: str, purpose: str, payload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The content of a profile, if the live state keeps it."""
    if payload is None or source != OUR_SOURCE or purpose not in _NEEDED:
        return None
    schedules = payload.get("chargingSchedule") or []
    found = [schedules] if isinstance(schedules, dict) else schedules
    periods = sum(len(schedule.get("chargingSchedulePeriod") or []) for schedule in found)
    return dict(payload) if periods <= _MOST_PERIODS else None


class Plan(msgspec.Struct):
    """The energy transfers that are allowed in a session, as the station has accepted them; empty without.
    `repeated` counts the profiles that were sent again because of a schedule beyond the limits.
    """

    allowed: tuple[str, ...] = ()
    repeated: int = 0


def installed(row: InstalledProfile) -> Installed:
    """The live form of a stored profile."""
    return Installed(
        pk=row.pk,
        profile_id=row.profile_id,
        evse=row.evse_number,
        purpose=row.purpose,
        stack_level=row.stack_level,
        state=row.state,
        transaction=row.transaction_id,
        command_id=row.command_id or "",
        until=row.waits_until,
        source=row.source,
        since=row.installed_at,
        payload=kept_payload(row.source, row.purpose, getattr(row, "needed_payload", None)),
        dynamic=row.dynamic,
        is_planned=row.is_planned,
        interval_s=row.update_interval_s,
        resumed_at=row.resumed_at,
    )


def load_installed(by_pk: ByKey) -> None:
    """Load the profiles that the stations have."""
    rows = InstalledProfile.objects.current().filter(charge_point__in=by_pk).order_by("installed_at", "pk")
    needed = When(purpose__in=_NEEDED, source=OUR_SOURCE, then="payload")
    content = Case(needed, output_field=JSONField())
    for row in rows.defer("payload").annotate(needed_payload=content):
        for station in by_pk[row.charge_point_id]:
            INSTALLED.of(station).append(installed(row))


def load_plans(by_pk: ByKey) -> None:
    """Load the plans of running sessions for which energy transfers were allowed."""
    rows = ChargingPlan.objects.filter(charge_point__in=by_pk, transaction__status="active")
    found = rows.filter(allowed_transfers__isnull=False).values_list(
        "charge_point", "transaction", "allowed_transfers"
    )
    for charge_point_pk, transaction, allowed in found:
        for station in by_pk[charge_point_pk]:
            PLANS.of(station)[transaction] = Plan(allowed=tuple(allowed or ()))


INSTALLED = Slot(name="charging_profiles", empty=list[Installed], load=load_installed)
PLANS = Slot(name="charging_plans", empty=dict[int, Plan], load=load_plans)
