"""The whole inventory of a 2.x station (2.0.1 B07): a report in parts, which the station sends on request."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from chargepoints.models import Command, FollowUp, ReportAssembly
from chargepoints.services.follow_ups.assembly import DEADLINE
from configuration.services.variables.reported import of_report
from ocpp_server.storage.journal import journal

# The requested report. It has read-only variables too, as a 1.6 station reports its read-only keys.
FULL: Final = "FullInventory"
# The report of a station that does not support FullInventory.
CONFIGURATION: Final = "ConfigurationInventory"
REPORT: Final = "NotifyReport"

# The parts may arrive at another process, so the waiting one polls the database.
_POLL_S: Final = 0.25
# The same where no caller waits for the answer.
_UNHURRIED_S: Final = 1.0
_PARTS_AT_ONCE: Final = 20

Keys = dict[str, dict[str, Any]]


def running(charge_point_pk: int) -> Command | None:
    """The command whose full report the station is sending now: it is not asked again meanwhile."""
    since = datetime.now(UTC) - DEADLINE
    report = (
        ReportAssembly.objects.filter(
            charge_point=charge_point_pk,
            action=REPORT,
            state=ReportAssembly.State.COLLECTING,
            last_at__gte=since,
            command__payload__reportBase=FULL,
        )
        .select_related("command")
        .order_by("-started_at")
        .first()
    )
    return report.command if report is not None else None


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
            data = orjson.loads(payload).get("reportData") or ()
            for name, (value, readonly) in of_report(data).items():
                found[name] = {"value": value, "readonly": readonly}
    return found


def _parts(command: Command, after: int) -> list[tuple[int, str]]:
    rows = FollowUp.objects.filter(
        charge_point=command.charge_point_id,
        action=REPORT,
        request_id=command.payload["requestId"],
        received_at__gte=command.created_at,
        pk__gt=after,
    )
    return list(rows.order_by("pk").values_list("pk", "payload")[:_PARTS_AT_ONCE])
