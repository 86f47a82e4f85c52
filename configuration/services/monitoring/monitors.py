"""The monitors of each station, kept from its reports and answers (2.x N02-N06). All functions use the
database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from chargepoints.models import ReportAssembly
from configuration.models import VariableMonitor
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import monitors as words
from ocpp_server.protocol.translate.monitors import Monitor, Stream

# A station can invent monitors: beyond this many, only those with a row are stored (S11).
MOST_PER_STATION: Final = 2_000
REPORT: Final = "NotifyMonitoringReport"
# Conditions of one query, and reports that one run of the job settles.
_CONDITIONS_AT_ONCE: Final = 50
_REPORTS_AT_ONCE: Final = 200
_MISSED_WITHIN: Final = timedelta(hours=1)

# The kinds that remain after SetMonitoringBase. The others are gone, or may be: a 2.0.1 station does not
# report the kind, and its next report adds again what it still has (N03.FR.04, FR.05).
_REMAINING: Final[dict[str, tuple[str, ...]]] = {
    "FactoryDefault": (words.HARD_WIRED, words.HARD_WIRED_NOTIFICATION, words.PRECONFIGURED),
    "HardWiredOnly": (words.HARD_WIRED, words.HARD_WIRED_NOTIFICATION),
}
_COLUMNS: Final = (
    "component", "component_instance", "evse_number", "connector_number", "variable", "variable_instance",
    "type", "value", "severity", "is_for_transactions", "kind", "stream_interval", "stream_values",
    "reported_at",
)  # fmt: skip


def store(charge_point_pk: int, found: Iterable[Monitor], at: datetime, *, is_report: bool) -> None:
    """Store monitors that the station has reported, or that it has accepted.

    A report does not name the parameters of a stream, nor the kind in 2.0.1: the row of the same monitor
    keeps its own.
    """
    by_id = {one.id: one for one in found}
    if not by_id:
        return
    rows = VariableMonitor.objects.filter(charge_point=charge_point_pk)
    known = {row.monitor_id: row for row in rows.filter(monitor_id__in=by_id)}
    added = [id for id in by_id if id not in known]
    free = MOST_PER_STATION - rows.count() if added else 0
    kept = {*known, *added[: max(free, 0)]}
    VariableMonitor.objects.bulk_create(
        # Sorted: two writers of the same rows in different orders would deadlock.
        [_row(charge_point_pk, by_id[id], known.get(id) if is_report else None, at) for id in sorted(kept)],
        update_conflicts=True,
        unique_fields=["charge_point", "monitor_id"],
        update_fields=_COLUMNS,
    )


def _row(charge_point_pk: int, one: Monitor, known: VariableMonitor | None, at: datetime) -> VariableMonitor:
    kind, stream = one.kind, one.stream
    # A station may give the id of a monitor to another one when it restarts.
    if known is not None and (known.monitored, known.type) == (one.of, one.type):
        kind, stream = kind or known.kind, Stream(known.stream_interval, known.stream_values)
    return VariableMonitor(
        charge_point_id=charge_point_pk,
        monitor_id=one.id,
        component=one.of.component,
        component_instance=one.of.component_instance,
        evse_number=one.of.evse,
        connector_number=one.of.connector,
        variable=one.of.variable,
        variable_instance=one.of.variable_instance,
        type=one.type,
        value=one.value,
        severity=one.severity,
        is_for_transactions=one.is_for_transactions,
        kind=kind,
        stream_interval=stream.interval,
        stream_values=stream.values,
        reported_at=at,
    )


def remove(charge_point_pk: int, ids: Collection[int]) -> None:
    """Delete the monitors that the station has cleared, or that it says it does not have."""
    VariableMonitor.objects.filter(charge_point=charge_point_pk, monitor_id__in=ids).delete()


def reset(charge_point_pk: int, base: str) -> None:
    """Delete the monitors that an accepted SetMonitoringBase ends; `All` ends none (N03)."""
    remaining = _REMAINING.get(base)
    if remaining is not None:
        VariableMonitor.objects.filter(charge_point=charge_point_pk).exclude(kind__in=remaining).delete()


# -- reports -------------------------------------------------------------------------------------------------


def missing(charge_point_pk: int, asked: Mapping[str, Any], *, before: datetime) -> None:
    """Delete the monitors that a complete report has not named.

    `asked` is the payload of its GetMonitoringReport. A part of the report renews the time of each monitor
    that it names, so those with a time before the request are the ones that no part names: whatever the order
    of the parts, and however often this runs.
    """
    rows = VariableMonitor.objects.filter(charge_point=charge_point_pk, reported_at__lt=before)
    criteria = asked.get("monitoringCriteria")
    if criteria is not None:
        types = [name for word in criteria for name in words.CRITERIA.get(word, ())]
        rows = rows.filter(type__in=types)
    wanted = asked.get("componentVariable")
    if wanted is None:
        rows.delete()
        return
    for start in range(0, len(wanted), _CONDITIONS_AT_ONCE):
        _among(rows, wanted[start : start + _CONDITIONS_AT_ONCE]).delete()


def _among(rows: QuerySet[VariableMonitor], wanted: Sequence[Mapping[str, Any]]) -> QuerySet[VariableMonitor]:
    """The monitors of these components and variables; what one does not name may be anything (N02.FR.16 to
    FR.21).
    """
    either = Q(pk__in=[])
    for one in wanted:
        component, variable = one["component"], one.get("variable") or {}
        place = translate.evse(component.get("evse"))
        asked = {
            "component__iexact": component["name"],
            "component_instance__iexact": component.get("instance"),
            "evse_number": place.evse,
            "connector_number": place.connector,
            "variable__iexact": variable.get("name"),
            "variable_instance__iexact": variable.get("instance"),
        }
        either |= Q(**{name: value for name, value in asked.items() if value is not None})
    return rows.filter(either)


def settle(charge_point_pk: int, request_id: int | None) -> None:
    """Delete what the last report with this request ID has not named, if it is complete.

    A report that this server did not ask for says nothing about the others: its criteria are not known.
    """
    if request_id is None:
        return
    reports = _complete().filter(charge_point=charge_point_pk, request_id=request_id)
    report = reports.order_by("-started_at").first()
    if report is not None:
        _settle(report)


def settle_missed() -> None:
    """Settle the reports whose last part was stored by a process that died before `settle`."""
    now = datetime.now(UTC)
    older = VariableMonitor.objects.filter(
        charge_point=OuterRef("charge_point"), reported_at__lt=OuterRef("started_at")
    )
    reports = _complete().filter(Exists(older), last_at__gte=now - _MISSED_WITHIN)
    for report in reports.order_by("-last_at")[:_REPORTS_AT_ONCE]:
        _settle(report)


def _complete() -> QuerySet[ReportAssembly]:
    return ReportAssembly.objects.filter(
        action=REPORT, state=ReportAssembly.State.COMPLETE, command__isnull=False
    ).select_related("command")


def _settle(report: ReportAssembly) -> None:
    assert report.command is not None
    missing(report.charge_point_id, report.command.payload, before=report.started_at)
