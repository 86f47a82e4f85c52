"""Compute the rows of reports from the stored parts, and connect follow-ups with their commands.

It runs after the answer to a part was sent, and again by a job for parts whose process died before that. So
handling a part reads no database.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from chargepoints.models import Command, FollowUp, ReportAssembly
from chargepoints.services.follow_ups.assembly import DEADLINE, Asked, Assembly, Part, assemble
from chargepoints.services.follow_ups.recording import number_of
from chargepoints.services.follow_ups.table import FOLLOWS, REPORT_OF, REPORTS
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal

# Commands that are older are not searched: an update may be scheduled for weeks later.
SEARCHED: Final = timedelta(days=30)
# The most parts of one request ID that are read, and the most reports that a run of a job computes.
MOST_PARTS: Final = 5000
AT_ONCE: Final = 200
# How far the job that finds missed parts looks back each minute, and each hour.
MISSED_WITHIN: Final = timedelta(hours=1)
MISSED_IN_A_DAY: Final = timedelta(days=1)

# A status without a request ID that answers a TriggerMessage: nothing is running.
_IDLE: Final = "Idle"
# Commands that no report follows.
_REFUSED = (Command.State.REJECTED, Command.State.EMPTY, Command.State.ERROR, Command.State.INVALID)


class Request(NamedTuple):
    """The messages with one request ID: `number` is None for messages that have none."""

    charge_point_pk: int
    action: str
    number: int | None


async def gather(*, station: Station, request: dict[str, Any]) -> None:
    """Connect the message with its command, and compute its report; after its answer was sent."""
    follows = FOLLOWS[station.action]
    number = number_of(follows, request)
    if follows.commands and (number is not None or request.get("status") != _IDLE):
        wanted = Request(station.pk, station.action, number)
        await journal.run(compute, wanted, since=station.received_at, now=station.received_at)


def expect(*, station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str) -> None:
    """Begin the report that follows the answered command when the station has accepted it: the report is
    incomplete if no part ever comes.
    """
    number = request.get("requestId")
    if response.get("status") == "Accepted" and isinstance(number, int):
        now = station.received_at
        wanted = Request(station.pk, REPORT_OF[station.action], number)
        station.unit.run(compute, wanted, since=now - DEADLINE, now=now, accepted=command_id)


def compute(wanted: Request, *, since: datetime, now: datetime, accepted: str = "") -> None:
    """Write the rows of the reports with this request ID that have changed since a time.

    `accepted` is a command that the station has just accepted, whose row is not written yet.
    """
    commands = _commands(wanted)
    _connect(wanted, commands)
    if wanted.action not in REPORTS or wanted.number is None:
        return
    parts = [
        Part(*values)
        for values in _rows(wanted)
        .order_by("-pk")
        .values_list("seq_no", "is_last", "received_at")[:MOST_PARTS]
    ]
    asked = [
        Asked(
            command.pk, command.created_at, command.pk == accepted or command.state == Command.State.ACCEPTED
        )
        for command in commands
        if command.state not in _REFUSED
    ]
    found = [report for report in assemble(reversed(parts), asked) if report.last_at >= since]
    ReportAssembly.objects.bulk_create(
        [_row(wanted, report, now) for report in found],
        update_conflicts=True,
        unique_fields=["charge_point", "action", "request_id", "started_at"],
        update_fields=[
            "command", "state", "parts", "doubles", "missing", "highest_seq_no", "has_last", "last_at"
        ],
    )  # fmt: skip


def _row(wanted: Request, report: Assembly, now: datetime) -> ReportAssembly:
    assert wanted.number is not None
    return ReportAssembly(
        charge_point_id=wanted.charge_point_pk,
        action=wanted.action,
        request_id=wanted.number,
        command_id=report.command,
        state=report.state(now),
        parts=report.parts,
        doubles=report.doubles,
        missing=report.missing,
        highest_seq_no=report.highest_seq_no,
        has_last=report.has_last,
        started_at=report.started_at,
        last_at=report.last_at,
    )


def _rows(wanted: Request) -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(
        charge_point_id=wanted.charge_point_pk, action=wanted.action, request_id=wanted.number
    )


def _commands(wanted: Request) -> list[Command]:
    """The commands that the messages may follow, oldest first. Without a number: the last accepted one."""
    follows = FOLLOWS[wanted.action]
    sent = Command.objects.filter(
        charge_point_id=wanted.charge_point_pk,
        action__in=follows.commands,
        created_at__gte=datetime.now(UTC) - SEARCHED,
    ).order_by("-created_at")
    if wanted.number is None:
        return list(sent.filter(state=Command.State.ACCEPTED)[:1])
    return list(sent.filter(**{f"payload__{follows.asked_as}": wanted.number})[:AT_ONCE])[::-1]


def _connect(wanted: Request, commands: list[Command]) -> None:
    """Give each message without a command the last one that was sent before it."""
    alone = _rows(wanted).filter(command=None)
    if wanted.number is None:
        alone = alone.exclude(status=_IDLE)
    for pk, received_at in (
        alone.order_by("-pk").values_list("pk", "received_at")[:AT_ONCE] if commands else ()
    ):
        before = [command for command in commands if command.created_at <= received_at]
        if before:
            FollowUp.objects.filter(pk=pk).update(command=before[-1])


def complete(wanted: Request) -> tuple[Command, list[dict[str, Any]]] | None:
    """The command and the parts of the newest report with this request ID, if a command asked for it and it
    is complete. Uses the database.
    """
    if wanted.number is None:
        return None
    rows = ReportAssembly.objects.filter(
        charge_point=wanted.charge_point_pk, action=wanted.action, request_id=wanted.number
    )
    row = rows.select_related("command").order_by("-started_at").first()
    if row is None or row.command is None or row.state != ReportAssembly.State.COMPLETE:
        return None
    parts = _rows(wanted).filter(received_at__gte=row.started_at, received_at__lte=row.last_at)
    newest = parts.order_by("-pk").only(*FollowUp.TEXT)[:MOST_PARTS]
    return row.command, [json.loads(part.payload) for part in newest]


# -- jobs ------------------------------------------------------------------------------------------------


def end_overdue() -> None:
    """Mark reports as incomplete when DEADLINE has passed since their last part."""
    now = datetime.now(UTC)
    overdue = ReportAssembly.objects.filter(
        state=ReportAssembly.State.COLLECTING, last_at__lt=now - DEADLINE
    ).order_by("last_at")[:AT_ONCE]
    for row in overdue:
        # Parts may have been stored whose process died before it computed the report.
        compute(Request(row.charge_point_id, row.action, row.request_id), since=row.last_at, now=now)
        ReportAssembly.objects.filter(
            pk=row.pk, state=ReportAssembly.State.COLLECTING, last_at__lt=now - DEADLINE
        ).update(state=ReportAssembly.State.INCOMPLETE)


def find_missed(within: timedelta = MISSED_WITHIN) -> None:
    """Compute the reports of parts whose process died between their answer and `gather`."""
    now = datetime.now(UTC)
    computed = ReportAssembly.objects.filter(
        charge_point=OuterRef("charge_point"),
        action=OuterRef("action"),
        request_id=OuterRef("request_id"),
        last_at__gte=OuterRef("received_at"),
    )
    missed = (
        FollowUp.objects.filter(
            ~Exists(computed), action__in=REPORTS, request_id__isnull=False, received_at__gte=now - within
        )
        .order_by()
        .values_list("charge_point", "action", "request_id")
        .distinct()[:AT_ONCE]
    )
    for charge_point_pk, action, number in list(missed):
        compute(Request(charge_point_pk, action, number), since=now - within, now=now)
