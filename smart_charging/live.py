"""The charging profiles of a live station, as far as its answers show."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ocpp_server.live.extensions import ByKey, Slot
from smart_charging.models import InstalledProfile


class Installed(msgspec.Struct):
    """A profile that the station has, or that waits for the session of a remote start (`until`).

    `evse` is 0 for the whole station. `transaction` is the server's number of the session of a TxProfile.
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
    )


def load_installed(by_pk: ByKey) -> None:
    """Load the profiles that the stations have."""
    rows = InstalledProfile.objects.current().filter(charge_point__in=by_pk).order_by("installed_at", "pk")
    for row in rows.defer("payload"):
        for station in by_pk[row.charge_point_id]:
            INSTALLED.of(station).append(installed(row))


INSTALLED = Slot(name="charging_profiles", empty=list[Installed], load=load_installed)
