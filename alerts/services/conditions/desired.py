"""Conditions about what stations should have or do: configuration, local lists, profiles, commands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, Max, Q

from alerts.services import words
from alerts.services.codes import desired
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import ChargePoint, Command
from configuration.models import DesiredValue, LocalList
from smart_charging.models import InstalledProfile
from smart_charging.models.installed_profile import OUR_SOURCE

# Rows of one query. A value that a template changes differs at all of its stations.
_MOST: Final = 20_000
# Rows with payloads that are in memory at a time.
_CHUNK: Final = 500
# A station that was away for longer was taken down.
_RECENT: Final = timedelta(days=30)
_DIFFERING: Final = (
    DesiredValue.State.DIFFERS,
    DesiredValue.State.REFUSED,
    DesiredValue.State.READ_ONLY,
    DesiredValue.State.UNKNOWN_KEY,
)
_BEHIND: Final = (LocalList.State.DUE, LocalList.State.SENDING, LocalList.State.FAILED)
_TIMED_OUT: Final = (Command.State.TIMEOUT, Command.State.LATE)
_UNANSWERED: Final = (*_TIMED_OUT, Command.State.DISCONNECTED, Command.State.INVALID)
_PLACE: Final = (
    "charge_point_id",
    "charge_point__identity",
    "charge_point__site_id",
    "charge_point__is_online",
)


class _Place(NamedTuple):
    """A station, as a row of another table shows it."""

    pk: int
    identity: str
    site: int | None
    is_online: bool

    def about(self, code: str) -> dict[str, Any]:
        """The fields of a finding about the station."""
        return {
            "code": code,
            "key": key_of(code, self.identity),
            "station": self.identity,
            "charge_point": self.pk,
            "site": self.site,
        }

    def counts(self, look: Look, code: str) -> bool:
        """Whether a finding about the station holds: it opens at stations online alone, and stays when one
        goes offline, or it would end and open again with each connection.
        """
        return self.is_online or key_of(code, self.identity) in look.unresolved


def _place(row: dict[str, Any]) -> _Place:
    return _Place(*(row[name] for name in _PLACE))


def _of_stations(look: Look) -> dict[str, Any]:
    """The stations in use."""
    return {
        "charge_point__registration_status": ChargePoint.Registration.ACCEPTED,
        "charge_point__last_seen_at__gte": look.now - _RECENT,
    }


def _places(look: Look, keys: Iterable[int]) -> dict[int, _Place]:
    """The stations in use with these keys. A join with all stations would cost more than a second query."""
    rows = ChargePoint.objects.order_by().filter(
        pk__in=set(keys),
        registration_status=ChargePoint.Registration.ACCEPTED,
        last_seen_at__gte=look.now - _RECENT,
    )
    found = rows.values_list("pk", "identity", "site_id", "is_online")
    return {row[0]: _Place(*row) for row in found}


def configuration(look: Look) -> Found:
    """Stations that have other values than the desired ones."""
    code = desired.CONFIGURATION.name
    rows = DesiredValue.objects.order_by("charge_point_id").filter(state__in=_DIFFERING, **_of_stations(look))
    selected = list(rows.values(*_PLACE, "key")[:_MOST])
    keys: dict[_Place, list[str]] = defaultdict(list)
    for row in selected:
        keys[_place(row)].append(row["key"])
    found = [
        Finding(
            **place.about(code),
            title=f"{words.counted(len(names), 'value')} of {place.identity} not as desired",
            detail=f"{words.listed(sorted(names))}.",
            value=len(names),
        )
        for place, names in keys.items()
        if place.counts(look, code)
    ]
    return Found(found, is_complete=len(selected) < _MOST)


def local_lists(look: Look) -> Found:
    """Stations whose local list is not up to date."""
    code = desired.LOCAL_LIST.name
    rows = LocalList.objects.order_by("charge_point_id").filter(state__in=_BEHIND, **_of_stations(look))
    selected = list(rows.values(*_PLACE, "reason", "synced_at")[:_MOST])
    found = []
    for row in selected:
        place = _place(row)
        if not place.counts(look, code):
            continue
        synced = row["synced_at"]
        last = f"Last up to date at {words.since(synced, look.now)}." if synced else "It never was."
        found.append(
            Finding(
                **place.about(code),
                title=f"The local list of {place.identity} is not up to date",
                detail="\n".join(filter(None, (row["reason"], last))),
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)


# -- charging profiles ---------------------------------------------------------------------------------------


class _Sent(NamedTuple):
    """A SetChargingProfile without an answer."""

    place: _Place
    profile: int | None
    at: datetime


def profiles(look: Look) -> Found:
    """Stations of which it is not known whether they have a charging profile."""
    code = desired.PROFILE.name
    rows = InstalledProfile.objects.current().order_by("charge_point_id")
    rows = rows.filter(state=InstalledProfile.State.UNVERIFIED, source=OUR_SOURCE, **_of_stations(look))
    selected = list(rows.values(*_PLACE, "purpose", "profile_id")[:_MOST])
    reasons: dict[_Place, list[str]] = defaultdict(list)
    for row in selected:
        reasons[_place(row)].append(f"{row['purpose']} {row['profile_id']}: unknown since the last boot.")
    unanswered, has_all = _unanswered(look)
    open_ones, knows_all = _still_unanswered(unanswered)
    for sent in open_ones:
        name = "A profile" if sent.profile is None else f"Profile {sent.profile}"
        said = f"{name}: no answer to SetChargingProfile at {words.since(sent.at, look.now)}."
        reasons[sent.place].append(said)
    found = [
        Finding(
            **place.about(code),
            title=f"{words.counted(len(lines), 'charging profile')} of {place.identity} not confirmed",
            detail="\n".join(sorted(lines)[:20]),
            value=len(lines),
        )
        for place, lines in reasons.items()
        if place.counts(look, code)
    ]
    return Found(found, is_complete=has_all and knows_all and len(selected) < _MOST)


def _unanswered(look: Look) -> tuple[list[_Sent], bool]:
    """The profiles that were sent without an answer, and whether these are all."""
    code = desired.PROFILE.name
    since = look.now - timedelta(seconds=look.rules.highest(code, "within_s"))
    rows = Command.objects.order_by("-deadline_at").filter(
        state__in=_UNANSWERED, deadline_at__gte=since, action="SetChargingProfile"
    )
    selected = list(rows.values("charge_point_id", "payload", "created_at")[:_MOST])
    places = _places(look, [row["charge_point_id"] for row in selected])
    sent = []
    for row in selected:
        place = places.get(row["charge_point_id"])
        if place is None:
            continue
        within = look.rules.of(code, station=place.pk, site=place.site).parameters["within_s"]
        if row["created_at"] >= look.now - timedelta(seconds=within):
            sent.append(_Sent(place, _profile_of(row["payload"]), row["created_at"]))
    return sent, len(selected) < _MOST


def _still_unanswered(sent: list[_Sent]) -> tuple[list[_Sent], bool]:
    """The last one of each profile, unless the station has answered or reported later, and whether all were
    judged. Answers are read from the newest back; what was sent before the oldest one read is not judged.
    """
    last = {(one.place.pk, one.profile): one for one in sorted(sent, key=lambda one: one.at)}
    if not last:
        return [], True
    stations, first = {pk for pk, _ in last}, min(one.at for one in last.values())
    known, cleared, oldest = _answered(stations, first)
    # One row for each profile: a station may have reported the same one many times.
    reported = InstalledProfile.objects.order_by().filter(charge_point__in=stations, confirmed_at__gt=first)
    latest = reported.values("charge_point_id", "profile_id").annotate(at=Max("confirmed_at"))
    for pk, profile, confirmed in latest.values_list("charge_point_id", "profile_id", "at").iterator(_CHUNK):
        if (pk, profile) in last:
            known[pk, profile] = max(confirmed, known.get((pk, profile), confirmed))
    judged = {key: one for key, one in last.items() if oldest is None or one.at >= oldest}
    still = [
        one
        for (pk, profile), one in judged.items()
        if not any(at is not None and at > one.at for at in (known.get((pk, profile)), cleared.get(pk)))
    ]
    return still, len(judged) == len(last)


def _answered(
    stations: set[int], since: datetime
) -> tuple[dict[tuple[int, int | None], datetime], dict[int, datetime], datetime | None]:
    """The last acceptance of each profile, the last time of each station at which profiles were cleared, and
    the time back to which they were read, or None for all of them.
    """
    known: dict[tuple[int, int | None], datetime] = {}
    cleared: dict[int, datetime] = {}
    rows = Command.objects.filter(
        charge_point__in=stations,
        created_at__gt=since,
        state=Command.State.ACCEPTED,
        action__in=("SetChargingProfile", "ClearChargingProfile"),
    ).order_by("-created_at")
    columns = ("charge_point_id", "action", "payload", "created_at")
    number, oldest = 0, None
    # A site may send a profile every few seconds: the payloads of a day would not fit into the memory.
    for pk, action, payload, at in rows.values_list(*columns)[:_MOST].iterator(_CHUNK):
        number, oldest = number + 1, at
        if action == "ClearChargingProfile":
            cleared.setdefault(pk, at)
        else:
            known.setdefault((pk, _profile_of(payload)), at)
    return known, cleared, oldest if number == _MOST else None


def _profile_of(payload: Any) -> int | None:
    """The id of the profile of a SetChargingProfile, of 1.6 or 2.x."""
    profile = payload.get("csChargingProfiles") or payload.get("chargingProfile") or {}
    return profile.get("chargingProfileId", profile.get("id"))


# -- commands ------------------------------------------------------------------------------------------------


def commands(look: Look) -> Found:
    """Stations that do not answer many of their commands."""
    code = desired.COMMANDS.name
    since = look.now - timedelta(seconds=look.rules.highest(code, "within_s"))
    # No deadline is before its command, so the index of deadlines finds all of them.
    rows = Command.objects.order_by().filter(
        state__in=_TIMED_OUT, deadline_at__gte=since, created_at__gte=since
    )
    failed = rows.values("charge_point_id").annotate(times=Count("pk"))
    failed = failed.filter(times__gte=look.rules.lowest(code, "times"))
    stations = list(failed.order_by("charge_point_id").values_list("charge_point_id", flat=True)[:_MOST])
    selected = list(_places(look, stations).values())
    limits = {
        place.pk: look.rules.of(code, station=place.pk, site=place.site).parameters for place in selected
    }
    counted: dict[int, tuple[int, int]] = {}
    # One query for each time of the rules, which have few.
    for within in {each["within_s"] for each in limits.values()}:
        own_time = [pk for pk, each in limits.items() if each["within_s"] == within]
        counted |= _counted(own_time, look.now - timedelta(seconds=within))
    found = []
    for place in selected:
        own, (number, total) = limits[place.pk], counted.get(place.pk, (0, 0))
        if number < own["times"] or number * 100 <= own["percent"] * total:
            continue
        found.append(
            Finding(
                **place.about(code),
                title=f"{place.identity} left {number:,} of {total:,} commands without an answer in "
                f"{words.duration(own['within_s'])}",
                value=number,
            )
        )
    return Found(found, is_complete=len(stations) < _MOST)


def _counted(stations: list[int], since: datetime) -> dict[int, tuple[int, int]]:
    """The commands without an answer in time, and all commands, of each station."""
    rows = Command.objects.order_by().filter(charge_point__in=stations, created_at__gte=since)
    timed_out = Count("pk", filter=Q(state__in=_TIMED_OUT))
    counted = rows.values("charge_point_id").annotate(number=timed_out, total=Count("pk"))
    return {row["charge_point_id"]: (row["number"], row["total"]) for row in counted}
