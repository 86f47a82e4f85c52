"""Controls of distributed energy resources at stations (2.1 R04, R05)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext

from chargepoints.services.follow_ups import gathering
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal
from smart_charging.models import DerAlarm, DerControl
from smart_charging.models.der import CURRENT
from smart_charging.models.keys import row_key
from smart_charging.tables import DER_ALARMS, DER_CONTROLS, put

State = DerControl.State

# The field of SetDERControl for each type that has one of its own; the others have a curve.
FIELD_OF: Final = {
    "EnterService": "enterService",
    "FreqDroop": "freqDroop",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
_CURVE: Final = "curve"
CURVES: Final = (
    "FreqWatt", "HFMustTrip", "HFMayTrip", "HVMustTrip", "HVMomCess", "HVMayTrip", "LFMustTrip", "LVMustTrip",
    "LVMomCess", "LVMayTrip", "PowerMonitoringMustTrip", "VoltVar", "VoltWatt", "WattPF", "WattVar",
)  # fmt: skip
# Types that the specification knows only as defaults (R04.FR.14).
ONLY_DEFAULTS: Final = ("EnterService", "Gradients")
_TIMED: Final = ("startTime", "duration")
# The lists of a report: the type of the controls in it, and the field of their settings where it has another
# name than the list.
_LISTS: Final = {field: kind for kind, field in FIELD_OF.items()}
_SETTINGS: Final = {"fixedPFAbsorb": "fixedPF", "fixedPFInject": "fixedPF"}
_ACTION: Final = "ReportDERControl"
_INT64: Final = 2**63 - 1
_ID, _TYPE, _INFO = 64, 64, 255  # characters of the columns
_MOST_CLEARED: Final = 1000


def field_of(control_type: str) -> str:
    """The one field of SetDERControl that fits the type (R04.FR.16)."""
    return FIELD_OF.get(control_type, _CURVE)


def problem(settings: Mapping[str, Any], *, is_default: bool) -> str:
    """Why these settings can't be sent; empty if they can."""
    timed = [name for name in _TIMED if name in settings]
    if is_default and timed:  # R04.FR.12
        return gettext("A default control has no %(names)s.") % {"names": ", ".join(timed)}
    return ""


# -- answers and notifications -----------------------------------------------------------------------------


def accept(
    *,
    station: Station,
    command_id: str,
    control_id: str,
    control_type: str,
    is_default: bool,
    settings: Mapping[str, Any],
    superseded: Iterable[str],
) -> None:
    """The station has accepted a control, which supersedes others."""
    _put(
        station,
        control_id,
        command_id=command_id,
        control_type=control_type,
        is_default=is_default,
        priority=_priority(settings),
        settings=dict(settings),
        state=State.ACCEPTED.value,
        accepted_at=station.received_at,
    )
    supersede(station=station, control_ids=superseded)


def supersede(*, station: Station, control_ids: Iterable[str]) -> None:
    """Mark the controls that others have superseded."""
    for control_id in control_ids:
        key = row_key(station.pk, control_id[:_ID])
        station.unit.update(DER_CONTROLS, key, state=State.SUPERSEDED.value, updated_at=station.received_at)


def run(
    *, station: Station, control_id: str, is_started: bool, timestamp: Any, superseded: Iterable[str]
) -> None:
    """A control has started or ended (R05)."""
    _put(
        station,
        control_id,
        added={"state": State.REPORTED.value},
        is_running=is_started,
        run_changed_at=station.moment(timestamp),
    )
    supersede(station=station, control_ids=superseded)


def report(*, station: Station, request: Mapping[str, Any]) -> None:
    """Store the controls in one part of a report."""
    for control_id, control_type, settings, entry in _entries(request):
        state = State.SUPERSEDED if entry.get("isSuperseded") else State.REPORTED
        _put(
            station,
            control_id,
            control_type=control_type[:_TYPE],
            is_default=bool(entry.get("isDefault", control_type in ONLY_DEFAULTS)),
            priority=_priority(settings),
            settings=dict(settings),
            state=state.value,
            reported_at=station.received_at,
        )


def _entries(request: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """The id, type, settings and entry of each control of a report."""
    for name in (*_LISTS, _CURVE):
        for entry in request.get(name) or ():
            yield entry["id"], _LISTS.get(name) or entry["curveType"], entry[_SETTINGS.get(name, name)], entry


def _priority(settings: Mapping[str, Any]) -> int | None:
    value = settings.get("priority")
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return max(-_INT64, min(value, _INT64)) if is_whole and value is not None else None


def _put(station: Station, control_id: str, added: Mapping[str, Any] | None = None, **values: Any) -> None:
    put(
        station.unit,
        DER_CONTROLS,
        row_key(station.pk, control_id[:_ID]),
        added={"charge_point_id": station.pk, "control_id": control_id[:_ID], **(added or {})},
        updated_at=station.received_at,
        **values,
    )


# -- controls that the station no longer has -----------------------------------------------------------------


class Wanted(NamedTuple):
    """The controls that a request is about; None: any."""

    is_default: bool | None = None
    control_type: str | None = None
    control_id: str | None = None


def wanted(request: Mapping[str, Any]) -> Wanted:
    """The controls that a GetDERControl or ClearDERControl names."""
    return Wanted(request.get("isDefault"), request.get("controlType"), request.get("controlId"))


async def clear(*, station: Station, which: Wanted, state: DerControl.State) -> None:
    """The station has cleared these controls, or has answered that it has none."""
    for key in await journal.run(_current, station.pk, which):
        station.unit.update(DER_CONTROLS, key, state=state.value, updated_at=station.received_at)


def _current(charge_point_pk: int, which: Wanted) -> list[str]:
    return list(_fitting(charge_point_pk, which).values_list("pk", flat=True)[:_MOST_CLEARED])


def _fitting(charge_point_pk: int, which: Wanted) -> QuerySet[DerControl]:
    rows = DerControl.objects.filter(charge_point=charge_point_pk, state__in=CURRENT)
    named = which._asdict().items()
    return rows.filter(**{name: value for name, value in named if value is not None})


async def compare(*, station: Station, request: Mapping[str, Any]) -> None:
    """Mark the controls that a complete report lacks; after its last part was stored."""
    if request.get("tbc", False):
        return
    missing = await journal.run(_missing, station.pk, request["requestId"])
    for key in missing or ():
        station.unit.update(DER_CONTROLS, key, state=State.MISSING.value, updated_at=station.received_at)


def _missing(charge_point_pk: int, request_id: int) -> list[str] | None:
    """The keys of the controls that a complete report with this requestId lacks; None without one."""
    found = gathering.complete(gathering.Request(charge_point_pk, _ACTION, request_id))
    if found is None:
        return None
    command, parts = found
    reported = {
        row_key(charge_point_pk, entry[0][:_ID]) for part in parts for entry in _entries(part)
    }  # fmt: skip
    older = _fitting(charge_point_pk, wanted(command.payload)).filter(updated_at__lt=command.created_at)
    return [key for key in older.values_list("pk", flat=True)[:_MOST_CLEARED] if key not in reported]


# -- faults of the grid --------------------------------------------------------------------------------------


def alarm(*, station: Station, request: Mapping[str, Any]) -> None:
    """Open the fault that a control has seen, or end it (R05). Without a gridEventFault, see `end_all`."""
    kind, fault = request["controlType"][:_TYPE], (request.get("gridEventFault") or "")[:_TYPE]
    at = station.moment(request.get("timestamp"))
    seen = {"opened_at": at}
    is_ended = bool(request.get("alarmEnded"))
    info = request.get("extraInfo")
    put(
        station.unit,
        DER_ALARMS,
        row_key(station.pk, kind, fault),
        added={
            "charge_point_id": station.pk, "control_type": kind, "fault": fault, **(seen if is_ended else {})
        },
        ended_at=at if is_ended else None,
        updated_at=station.received_at,
        **({} if is_ended else seen),
        **({} if info is None else {"info": info[:_INFO]}),
    )  # fmt: skip


async def end_all(*, station: Station, request: Mapping[str, Any]) -> None:
    """End every open fault of a type: the end of an alarm need not name the fault."""
    if not request.get("alarmEnded") or request.get("gridEventFault"):
        return
    at = station.moment(request.get("timestamp"))
    for key in await journal.run(_open, station.pk, request["controlType"][:_TYPE]):
        station.unit.update(DER_ALARMS, key, ended_at=at, updated_at=station.received_at)


def _open(charge_point_pk: int, kind: str) -> list[str]:
    rows = DerAlarm.objects.filter(charge_point=charge_point_pk, control_type=kind, ended_at__isnull=True)
    return list(rows.values_list("pk", flat=True))
