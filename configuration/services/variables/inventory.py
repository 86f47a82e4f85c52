"""The whole inventory of a 2.x station (2.0.1 B07): a report in parts, which the station sends on request."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
from django.db.models import Exists, OuterRef, QuerySet

from chargepoints.models import Command, FollowUp, ReportAssembly
from chargepoints.services.follow_ups.assembly import DEADLINE
from configuration.models import ReportedKey
from configuration.services.variables import reported
from configuration.services.variables.reported import of_report
from ocpp_server.protocol.secrets import is_secret_name
from ocpp_server.storage.journal import journal

# The requested report. It has read-only variables too, as a 1.6 station reports its read-only keys.
FULL: Final = "FullInventory"
# The report of a station that does not support FullInventory.
CONFIGURATION: Final = "ConfigurationInventory"
SUMMARY: Final = "SummaryInventory"
REPORT: Final = "NotifyReport"

# The parts may arrive at another process, so the waiting one polls the database.
_POLL_S: Final = 0.25
# The same where no caller waits for the answer.
_UNHURRIED_S: Final = 1.0
_PARTS_AT_ONCE: Final = 20
# A collected report is shown up to this size: two thousand variables have less than a tenth of it.
_MOST_CHARACTERS: Final = 8 * 2**20
# The reports of one run of the job, and how far it looks back.
_REPORTS_AT_ONCE: Final = 100
_MISSED_WITHIN: Final = timedelta(hours=1)

Keys = dict[str, dict[str, Any]]


def running(charge_point_pk: int, base: str = FULL) -> Command | None:
    """The command whose full report the station is sending now: it is not asked again meanwhile. An empty
    `base` is any base report.
    """
    since = datetime.now(UTC) - DEADLINE
    wanted = {"command__payload__reportBase": base} if base else {}
    report = (
        ReportAssembly.objects.filter(
            charge_point=charge_point_pk,
            action=REPORT,
            state=ReportAssembly.State.COLLECTING,
            last_at__gte=since,
            command__action="GetBaseReport",
            **wanted,
        )
        .select_related("command")
        .order_by("-started_at")
        .first()
    )
    return report.command if report is not None else None


def requested(charge_point_pk: int) -> Command | None:
    """The command for a base report that the station is sending, or that waits for the station's answer."""
    sent = Command.objects.filter(
        charge_point=charge_point_pk,
        action="GetBaseReport",
        created_at__gte=datetime.now(UTC) - DEADLINE,
        state__in=(Command.State.QUEUED, Command.State.SENT),
    )
    return running(charge_point_pk, "") or sent.order_by("-created_at").first()


async def awaited(command: Command, *, until: float) -> Keys | None:
    """The variables of the report that this command asked for; None if it is not complete in time.

    `until` is in the seconds of `time.monotonic`.
    """
    while not await journal.run(_is_complete, command.pk):
        left = until - time.monotonic()
        if left <= 0:
            return None
        await asyncio.sleep(min(_POLL_S, left))
    return await _variables(command)


async def settled(command: Command) -> bool:
    """Wait until the report that this command asked for is complete, or will never be: False."""
    until = time.monotonic() + 3 * DEADLINE.total_seconds()
    while time.monotonic() < until:
        state = await journal.run(_state, command.pk)
        if state is not None and state != ReportAssembly.State.COLLECTING:
            return state == ReportAssembly.State.COMPLETE
        await asyncio.sleep(_UNHURRIED_S)
    return False


def _state(command_id: str) -> str | None:
    reports = ReportAssembly.objects.filter(command=command_id, action=REPORT).order_by("-started_at")
    return reports.values_list("state", flat=True).first()


def _is_complete(command_id: str) -> bool:
    complete = ReportAssembly.State.COMPLETE
    return ReportAssembly.objects.filter(command=command_id, action=REPORT, state=complete).exists()


async def _variables(command: Command) -> Keys:
    """The reported variables, read in steps: a report may have hundreds of parts."""
    found: Keys = {}
    last = 0
    while parts := await journal.run(_parts, command, last):
        last = parts[-1][0]
        for _, payload in parts:
            found |= _keys(payload)
    return found


def _keys(payload: str) -> Keys:
    data = orjson.loads(payload).get("reportData") or ()
    return {
        name: {"value": value, "readonly": readonly} for name, (value, readonly) in of_report(data).items()
    }


def _parts(command: Command, after: int) -> list[tuple[int, str]]:
    rows = FollowUp.objects.filter(
        charge_point=command.charge_point_id,
        action=REPORT,
        request_id=command.payload["requestId"],
        received_at__gte=command.created_at,
        pk__gt=after,
    )
    return [(row.pk, row.payload) for row in rows.order_by("pk").only(*FollowUp.TEXT)[:_PARTS_AT_ONCE]]


# -- the collected report ------------------------------------------------------------------------------------


class Collected(NamedTuple):
    """A report, the variables of its parts that have arrived, and whether some parts were left out."""

    report: ReportAssembly
    keys: Keys
    is_cut: bool


def collected(charge_point_pk: int, request_id: int) -> Collected | None:
    """The newest report with this request ID; None if there is none. The stored parts have no secrets."""
    of_station = {"charge_point": charge_point_pk, "action": REPORT, "request_id": request_id}
    reports = ReportAssembly.objects.filter(**of_station).select_related("command")
    report = reports.order_by("-started_at").first()
    if report is None:
        return None
    parts = FollowUp.objects.filter(**of_station, received_at__range=(report.started_at, report.last_at))
    found: Keys = {}
    characters = 0
    for part in parts.order_by("pk").only(*FollowUp.TEXT).iterator(_PARTS_AT_ONCE):
        characters += len(part.payload)
        if characters > _MOST_CHARACTERS:
            break
        found |= _keys(part.payload)
    shown = {name: entry for name, entry in found.items() if not is_secret_name(name)}
    return Collected(report, shown, characters > _MOST_CHARACTERS)


# -- variables that are gone ---------------------------------------------------------------------------------


def _full_reports() -> QuerySet[ReportAssembly]:
    return ReportAssembly.objects.filter(
        action=REPORT,
        state=ReportAssembly.State.COMPLETE,
        command__action="GetBaseReport",
        command__payload__reportBase=FULL,
    )


def mark_gone(charge_point_pk: int, request_id: int) -> None:
    """Mark the variables that a full report does not have, once it is complete (2.0.1 B07)."""
    report = _full_reports().filter(charge_point=charge_point_pk, request_id=request_id)
    for started_at in report.order_by("-started_at").values_list("started_at", flat=True)[:1]:
        reported.mark_gone(charge_point_pk, started_at, datetime.now(UTC))


def mark_missed() -> None:
    """`mark_gone` for complete reports whose last part was handled by a process that died."""
    older = ReportedKey.objects.filter(
        charge_point=OuterRef("charge_point"), reported_at__lt=OuterRef("started_at"), gone_at=None
    )
    missed = _full_reports().filter(Exists(older), last_at__gte=datetime.now(UTC) - _MISSED_WITHIN)
    for pk, request_id in list(missed.values_list("charge_point", "request_id")[:_REPORTS_AT_ONCE]):
        mark_gone(pk, request_id)
