"""The condition of remote starts that fail again and again."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Count

from alerts.services import words
from alerts.services.codes import attempts
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import ChargePoint
from transactions.models import RemoteStart

_MOST: Final = 2000
_MOST_STARTS: Final = 50_000
_Outcome: Final = RemoteStart.Outcome
_FAILED: Final = (_Outcome.REFUSED, _Outcome.NOTHING)


class _Start(NamedTuple):
    outcome: str
    at: datetime


def failed(look: Look) -> Found:
    """Connectors whose last remote starts have all failed."""
    code = attempts.START_FAILED.name
    since = look.now - timedelta(seconds=look.rules.highest(code, "within_s"))
    least = look.rules.lowest(code, "times")
    # The time at which the outcome is certain: it has the index.
    recent = RemoteStart.objects.order_by().filter(expires_at__gte=since)
    counted = recent.filter(outcome__in=_FAILED).values("charge_point", "evse_number").annotate(Count("pk"))
    suspects = list(counted.filter(pk__count__gte=least).values_list("charge_point", "evse_number")[:_MOST])
    if not suspects:
        return Found([])
    stations = {station for station, _ in suspects}
    starts, has_all = _starts(stations, since)
    known = ChargePoint.objects.filter(pk__in=stations).order_by()
    places = {pk: (identity, site) for pk, identity, site in known.values_list("pk", "identity", "site_id")}
    found = []
    for station, evse in suspects:
        if station not in places:  # deleted meanwhile
            continue
        identity, site = places[station]
        limits = look.rules.of(code, station=station, site=site).parameters
        after = look.now - timedelta(seconds=limits["within_s"])
        row = [one for one in _last_failures(starts[station, evse]) if one.at >= after]
        if len(row) < limits["times"]:
            continue
        refused = sum(one.outcome == _Outcome.REFUSED for one in row)
        place = identity if evse is None else f"connector {evse} of {identity}"
        found.append(
            Finding(
                code=code,
                key=key_of(code, identity) if evse is None else key_of(code, identity, evse),
                title=f"{words.counted(len(row), 'remote start')} in a row failed at {place}",
                detail=f"{refused:,} rejected by the station, {len(row) - refused:,} without a session.",
                station=identity,
                charge_point=station,
                site=site,
                evse=evse,
                value=len(row),
            )
        )
    return Found(found, is_complete=has_all and len(suspects) < _MOST)


def _starts(stations: set[int], since: datetime) -> tuple[dict[tuple[int, int | None], list[_Start]], bool]:
    """The last remote starts with an outcome, by station and EVSE, the oldest first, and whether these are
    all since then.
    """
    rows = RemoteStart.objects.filter(charge_point__in=stations, expires_at__gte=since)
    rows = rows.filter(outcome__in=(*_FAILED, _Outcome.STARTED)).order_by("-id")
    found: dict[tuple[int, int | None], list[_Start]] = defaultdict(list)
    columns = ("charge_point", "evse_number", "outcome", "expires_at")
    selected = list(rows.values_list(*columns)[:_MOST_STARTS])
    for station, evse, outcome, at in reversed(selected):
        found[station, evse].append(_Start(outcome, at))
    return found, len(selected) < _MOST_STARTS


def _last_failures(starts: list[_Start]) -> list[_Start]:
    """The failures after the last success."""
    failures: list[_Start] = []
    for one in starts:
        if one.outcome == _Outcome.STARTED:
            failures.clear()
        else:
            failures.append(one)
    return failures
