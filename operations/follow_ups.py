"""The section of the station page with reports and with other messages that follow commands."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import ngettext

from chargepoints.admin.follow_ups import parts_url
from chargepoints.models import ChargePoint, FollowUp, ReportAssembly
from chargepoints.services.follow_ups.table import REPORTS
from ocpp_server.admin import cells, tones

MOST = 10


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The newest reports and messages together, the newest first."""
    reports = charge_point.reports.select_related("command").order_by("-started_at", "-pk")[:MOST]
    others = (
        charge_point.follow_ups.exclude(action__in=REPORTS)
        .select_related("command")
        .defer("payload", "personal_data")
        .order_by("-pk")[:MOST]
    )
    timed: list[tuple[datetime, cells.Row]] = [(report.last_at, _report(report)) for report in reports]
    timed += [(other.received_at, _other(other)) for other in others]
    timed.sort(key=lambda entry: entry[0], reverse=True)
    return [row for _, row in timed[:MOST]]


def _report(report: ReportAssembly) -> cells.Row:
    words = report.get_state_display()
    gap = report.gap
    return [
        cells.text(report.action, href=parts_url(report)),
        _command(report),
        cells.label(f"{words} ({gap})" if gap else words, tones.REPORT[report.state]),
        cells.text(report.parts, note=_doubles(report.doubles)),
        cells.moment(report.last_at),
    ]


def _doubles(count: int) -> str:
    return ngettext("%(count)d double", "%(count)d doubles", count) % {"count": count} if count else ""


def _other(follow_up: FollowUp) -> cells.Row:
    return [
        cells.text(follow_up.action, href=reverse("admin:chargepoints_followup_change", args=[follow_up.pk])),
        _command(follow_up),
        cells.text(follow_up.status or follow_up.reference or "–"),
        cells.text("–"),
        cells.moment(follow_up.received_at),
    ]


def _command(row: FollowUp | ReportAssembly) -> cells.Cell:
    number = "" if row.request_id is None else str(row.request_id)
    if row.command is None:
        return cells.text(number or "–")
    words = f"{row.command.action} {number}".strip()
    return cells.text(words, href=reverse("admin:chargepoints_command_change", args=[row.command.pk]))
