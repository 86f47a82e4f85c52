"""Reads what is published about stations: five queries, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, Q, Subquery

from chargepoints.models import ChargePoint, Connector
from events.services.mqtt import commands
from events.services.mqtt.topics import CURRENTS, VOLTAGES, Outlet, Session, StationState
from ocpp_server.events.outbox import masked_token
from smart_charging.models import InstalledProfile
from transactions.models import Reading, Transaction
from transactions.services.metering import samples

_NAMES: Final = {samples.CURRENT: CURRENTS, samples.VOLTAGE: VOLTAGES}
_LAST_READ: Final = 5
_OF_PHASES: Final = samples.Wanted(measurands=frozenset(_NAMES), locations=samples.OUTLET)


class Reader:
    """Reads the state of all stations, again and again. `reads_limits`: with those that messages have set.

    The samples of a reading are parsed once: most sessions have no new one when another session has.
    """

    def __init__(self, *, reads_limits: bool) -> None:
        self._reads_limits = reads_limits
        self._phases: dict[int, dict[str, float]] = {}  # by the key of the reading

    def stations(self) -> list[StationState]:
        """The state of every station, as its rows have it. Uses the database."""
        limits = _limits() if self._reads_limits else {}
        return _stations(_outlets(_sessions(self._latest()), limits))

    def _latest(self) -> dict[int, dict[str, float]]:
        """The values of the phases of each running session, by its number.

        Some stations send energy and currents in different messages, so this reads the last few, and not
        all, because a session may have thousands without a current.
        """
        last = Reading.objects.filter(transaction=OuterRef(OuterRef("pk"))).order_by("-measured_at")
        newest = Reading.objects.filter(
            Q(current_a__isnull=False) | Q(voltage_v__isnull=False), pk__in=last.values("pk")[:_LAST_READ]
        ).order_by("-measured_at", "-pk")
        running = Transaction.objects.filter(status=Transaction.Status.ACTIVE).annotate(
            reading=Subquery(newest.values("pk")[:1])
        )
        readings = dict(running.exclude(reading=None).values_list("reading", "pk"))
        known = {pk: self._phases[pk] for pk in readings if pk in self._phases}
        unread = Reading.objects.filter(pk__in=readings.keys() - known.keys())
        self._phases = known | {pk: _phases_of(text) for pk, text in unread.values_list("pk", "samples")}
        return {number: self._phases[pk] for pk, number in readings.items() if pk in self._phases}


def _phases_of(text: str) -> dict[str, float]:
    """The topics of phases with the values of a reading."""
    found = {}
    for _, kind, value, _, _ in samples.read(text, _OF_PHASES):
        phase, names = kind.phase.removesuffix("-N"), _NAMES[kind.measurand]
        if value is not None and phase in names:
            found[names[phase]] = round(value, 2)
    return found


def _limits() -> dict[tuple[int, int], float]:
    """The limits in A that messages have set, and stations have accepted."""
    rows = InstalledProfile.objects.current().filter(
        purpose=commands.LIMIT_PURPOSE, command__actor=commands.ACTOR
    )
    found = {}
    for station, evse, payload in rows.order_by("installed_at").values_list(
        "charge_point_id", "evse_number", "payload"
    ):
        if (limit := _limit_of(payload)) is not None:
            found[station, evse] = limit
    return found


def _limit_of(payload: dict[str, Any]) -> float | None:
    """The first limit of a profile; 2.x has a list of schedules."""
    schedules = payload.get("chargingSchedule") or ()
    schedule = schedules if isinstance(schedules, dict) else next(iter(schedules), {})
    periods = schedule.get("chargingSchedulePeriod") or [{}]
    return None if schedule.get("chargingRateUnit") != "A" else periods[0].get("limit")


def _stations(outlets: dict[int, list[Outlet]]) -> list[StationState]:
    rows = ChargePoint.objects.order_by("pk").only(
        "identity",
        "name",
        "is_online",
        "vendor",
        "model",
        "firmware_version",
        "ocpp_version",
        "error_code",
        "last_seen_at",
    )
    return [
        StationState(
            identity=row.identity,
            name=row.name,
            is_online=row.is_online,
            vendor=row.vendor,
            model=row.model,
            firmware=row.firmware_version,
            ocpp_version=row.ocpp_version,
            error_code=row.error_code,
            last_seen=_to_the_minute(row.last_seen_at),
            outlets=tuple(outlets.get(row.pk, ())),
        )
        for row in rows.iterator()
    ]


def _sessions(phases: dict[int, dict[str, float]]) -> dict[tuple[int, int | None], Session]:
    rows = Transaction.objects.filter(status=Transaction.Status.ACTIVE).values_list(
        "charge_point_id",
        "evse_number",
        "pk",
        "started_at",
        "id_token",
        "charging_state",
        "energy_wh",
        "meter_last_wh",
        "power_w",
        "soc_percent",
    )
    return {
        (station, evse): Session(
            number=pk,
            started_at=started,
            id_tag=masked_token(token),
            is_charging=state == "Charging",
            energy=energy,
            meter=meter,
            power=power,
            soc=soc,
            phases=phases.get(pk, {}),
        )
        for station, evse, pk, started, token, state, energy, meter, power, soc in rows.order_by("pk")
    }


def _outlets(
    sessions: dict[tuple[int, int | None], Session], limits: dict[tuple[int, int], float]
) -> dict[int, list[Outlet]]:
    words: dict[tuple[int, int], list[str]] = defaultdict(list)
    enabled: dict[tuple[int, int], bool] = {}
    rows = Connector.objects.order_by("charge_point_id", "evse__number", "number")
    for station, evse, status, availability in rows.values_list(
        "charge_point_id", "evse__number", "status", "availability"
    ):
        words[station, evse].append(status)
        is_wanted = availability == Connector.Availability.OPERATIVE
        enabled[station, evse] = enabled.get((station, evse), False) or is_wanted
    found: dict[int, list[Outlet]] = defaultdict(list)
    for (station, evse), statuses in words.items():
        session = sessions.get((station, evse))
        limit = limits.get((station, evse))
        found[station].append(Outlet(evse, tuple(statuses), enabled[station, evse], session, limit))
    return found


def _to_the_minute(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(second=0, microsecond=0)
