"""Complete reports of charging profiles, compared with the profiles that are known (2.x K09)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from chargepoints.services.follow_ups import gathering
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal
from smart_charging.services.smart_charging import installed
from smart_charging.services.smart_charging.installed import Criteria

_ACTION: Final = "ReportChargingProfiles"


class Complete(NamedTuple):
    """A complete report: what was asked for and when, and the (id, EVSE) of each profile in it."""

    criteria: Criteria
    asked_at: datetime
    reported: frozenset[tuple[int, int]]


def criteria_of(request: Mapping[str, Any]) -> Criteria:
    """The profiles that a GetChargingProfiles asks for; of any source unless it names some."""
    where = request.get("chargingProfile") or {}
    ids, sources = where.get("chargingProfileId"), where.get("chargingLimitSource")
    return Criteria(
        ids=None if ids is None else tuple(ids),
        evse=request.get("evseId"),
        purpose=where.get("chargingProfilePurpose"),
        stack_level=where.get("stackLevel"),
        sources=None if sources is None else tuple(sources),
    )


def complete(charge_point_pk: int, request_id: int) -> Complete | None:
    """The newest report with this requestId, if it is complete and was asked for. Uses the database."""
    found = gathering.complete(gathering.Request(charge_point_pk, _ACTION, request_id))
    if found is None:
        return None
    command, parts = found
    reported = {(one["id"], part["evseId"]) for part in parts for one in part["chargingProfile"]}
    return Complete(criteria_of(command.payload), command.created_at, frozenset(reported))


async def compare(*, station: Station, request: Mapping[str, Any]) -> None:
    """End the profiles that a complete report lacks; after its last part was stored."""
    if request.get("tbc", False):
        return
    found = await journal.run(complete, station.pk, request["requestId"])
    if found is not None:
        installed.miss(
            station=station, criteria=found.criteria, reported=found.reported, before=found.asked_at
        )
