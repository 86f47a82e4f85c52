"""Charging profiles with stack levels and validity, which limit the simulated power."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.clock import parse_time
from simulator.meter import NOMINAL_VOLTAGE

STATION_MAX = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints")
_REPEAT = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}


@dataclass(slots=True)
class Installed:
    """An installed profile; ``evse`` is the connector (1.6) or EVSE (2.x), 0 for the whole station."""

    evse: int
    profile: dict[str, Any]

    @property
    def id(self) -> int:
        return int(self.profile.get("chargingProfileId", self.profile.get("id", 0)))

    @property
    def purpose(self) -> str:
        return str(self.profile["chargingProfilePurpose"])

    @property
    def level(self) -> int:
        return int(self.profile["stackLevel"])

    @property
    def schedule(self) -> dict[str, Any]:
        """The schedule. 2.x allows three for the vehicle to choose from; the simulated vehicle takes the
        first.
        """
        schedules = self.profile["chargingSchedule"]
        first: dict[str, Any] = schedules[0] if isinstance(schedules, list) else schedules
        return first

    def limit_w(self, at: datetime, session_start: datetime | None, phases: int) -> float | None:
        """The limit in W at a time; None when the profile does not apply then."""
        start = self._start(at, session_start)
        if start is None or at < start:
            return None
        since = (at - start).total_seconds()
        duration = self.schedule.get("duration")
        if duration is not None and since >= duration:
            return None
        active = [
            period for period in self.schedule["chargingSchedulePeriod"] if period["startPeriod"] <= since
        ]
        if not active or active[-1].get("limit") is None:
            return None
        period = active[-1]
        if self.schedule["chargingRateUnit"] == "W":
            return float(period["limit"])
        used: int = min(period.get("numberPhases", 3), phases)
        return float(period["limit"]) * NOMINAL_VOLTAGE * used

    def _start(self, at: datetime, session_start: datetime | None) -> datetime | None:
        valid_from, valid_to = (
            parse_time(self.profile.get("validFrom")),
            parse_time(self.profile.get("validTo")),
        )
        if (valid_from and at < valid_from) or (valid_to and at >= valid_to):
            return None
        if self.profile["chargingProfileKind"] == "Relative":
            return session_start
        start = parse_time(self.schedule.get("startSchedule")) or session_start or valid_from or at
        repeat = _REPEAT.get(self.profile.get("recurrencyKind", ""))
        if self.profile["chargingProfileKind"] == "Recurring" and repeat and at > start:
            start += repeat * ((at - start) // repeat)
        return start


class Profiles:
    """All profiles of a station."""

    def __init__(self, *, max_profiles: int = 10, max_level: int = 10) -> None:
        self.installed: list[Installed] = []
        self.max_profiles = max_profiles
        self.max_level = max_level

    def install(self, new: Installed) -> bool:
        """Add a profile, replacing one with the same id, or the same purpose and level on the same EVSE (1.6
        3.13.2, 2.0.1 K01.FR.05).
        """
        kept = [
            old
            for old in self.installed
            if old.id != new.id and (old.purpose, old.level, old.evse) != (new.purpose, new.level, new.evse)
        ]
        if len(kept) >= self.max_profiles or new.level > self.max_level:
            return False
        self.installed = [*kept, new]
        return True

    def clear(self, matches: Callable[[Installed], bool]) -> bool:
        """Remove the matching profiles; returns False when none matched."""
        kept = [installed for installed in self.installed if not matches(installed)]
        found = len(kept) < len(self.installed)
        self.installed = kept
        return found

    def forget_session(self, evse: int) -> None:
        """Remove the TxProfile of a transaction that ended (1.6 3.13.1)."""
        self.clear(lambda installed: installed.purpose == "TxProfile" and installed.evse == evse)

    def limit_w(self, evse: int, at: datetime, session_start: datetime | None, phases: int) -> float | None:
        """The limit in W on an EVSE: the smaller of the station's and the transaction's; None without any."""
        station = self._top(STATION_MAX, (0,), at, session_start, phases)
        own = self._top(("TxProfile",), (evse,), at, session_start, phases)
        if own is None:
            own = self._top(("TxDefaultProfile",), (evse, 0), at, session_start, phases)
        limits = [limit for limit in (station, own) if limit is not None]
        return min(limits) if limits else None

    def _top(
        self,
        purposes: tuple[str, ...],
        evses: tuple[int, ...],
        at: datetime,
        start: datetime | None,
        phases: int,
    ) -> float | None:
        candidates = [one for one in self.installed if one.purpose in purposes and one.evse in evses]
        # The highest level that applies wins; on a tie the profile of the EVSE wins over the station-wide
        # one.
        for installed in sorted(candidates, key=lambda one: (one.level, one.evse), reverse=True):
            limit = installed.limit_w(at, start, phases)
            if limit is not None:
                return limit
        return None

    def composite(
        self,
        evse: int,
        start: datetime,
        duration_s: int,
        *,
        unit: str,
        session_start: datetime | None,
        phases: int,
        max_power_w: float,
    ) -> list[dict[str, Any]]:
        """Return the periods of a composite schedule: one for each change of the limit, computed at period
        boundaries.
        """
        periods: list[dict[str, Any]] = []
        for offset in sorted(self._boundaries(start, duration_s, session_start)):
            limit = self.limit_w(evse, start + timedelta(seconds=offset), session_start, phases)
            watts = max_power_w if limit is None else min(limit, max_power_w)
            shown = round(watts if unit == "W" else watts / NOMINAL_VOLTAGE / phases, 1)
            if not periods or periods[-1]["limit"] != shown:
                periods.append({"startPeriod": offset, "limit": shown, "numberPhases": phases})
        return periods

    def _boundaries(self, start: datetime, duration_s: int, session_start: datetime | None) -> set[int]:
        offsets = {0}
        for installed in self.installed:
            repeat = _REPEAT.get(installed.profile.get("recurrencyKind", ""))
            moments = [
                parse_time(installed.profile.get("validFrom")),
                parse_time(installed.profile.get("validTo")),
            ]
            begin = installed._start(start, session_start) or parse_time(
                installed.schedule.get("startSchedule")
            )
            marks = [period["startPeriod"] for period in installed.schedule["chargingSchedulePeriod"]]
            marks.append(installed.schedule.get("duration") or 0)
            rounds = int(timedelta(seconds=duration_s) / repeat) + 2 if repeat else 1
            if begin:
                moments += [
                    begin + timedelta(seconds=mark) + (repeat or timedelta(0)) * turn
                    for turn in range(rounds)
                    for mark in marks
                ]
            offsets |= {round((moment - start).total_seconds()) for moment in moments if moment}
        return {offset for offset in offsets if 0 <= offset < max(duration_s, 1)}
