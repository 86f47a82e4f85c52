"""The state of each desired value: how the station's reports and answers compare with it.

The state is stored with the value, so that the differences of a whole fleet are one indexed query. Everything
that reports values, and every answer to a change, computes it again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, NamedTuple

from django.db.models.functions import Lower

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationState, DesiredValue, ReportedKey
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import MASK
from ocpp_server.protocol.secrets import is_secret_name

State = DesiredValue.State

# The states of values that the station does not have, and may take.
OPEN: Final = (State.DIFFERS, State.NOT_REPORTED)
# The states of values that need no attention.
SETTLED: Final = (State.SAME, State.PENDING_REBOOT)
# At most this many changes are in one event.
MOST_CHANGES: Final = 40

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


class Verdict(Enum):
    """The answer of a station to a change."""

    ACCEPTED = "accepted"
    AFTER_REBOOT = "after-reboot"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Seen(NamedTuple):
    """The last report of a key."""

    value: str | None
    is_readonly: bool
    at: datetime


# -- the rule ------------------------------------------------------------------------------------------------


def is_same(desired: str, reported: str | None) -> bool:
    """Whether two texts are one value: blanks in lists, the case of booleans and zeros in front count not."""
    return reported is not None and _normal(desired) == _normal(reported)


def _normal(text: str) -> list[str]:
    return [_normal_part(part.strip()) for part in text.split(",")]


def _normal_part(text: str) -> str:
    if text.casefold() in ("true", "false"):
        return text.casefold()
    return str(int(text)) if _WHOLE.fullmatch(text) else text


def judged(
    desired: DesiredValue, seen: Seen | None, *, booted_at: datetime | None, whole_at: datetime | None
) -> State:
    """The state of a desired value after a report.

    A value that waits for a reboot stays so until the station has reported the key after a boot. A key that
    the station left out when it named everything (`whole_at`) is gone.
    """
    before = State(desired.state)
    if before == State.PENDING_REBOOT and desired.answered_at is not None:
        has_booted = booted_at is not None and booted_at > desired.answered_at
        since = booted_at if has_booted else None
        if since is None or seen is None or seen.at < since:
            return before
    if seen is None or (whole_at is not None and seen.at < whole_at):
        is_unknown = whole_at is not None or before == State.UNKNOWN_KEY
        return State.UNKNOWN_KEY if is_unknown else State.NOT_REPORTED
    if is_same(desired.value, seen.value):
        return State.SAME
    if seen.is_readonly:
        return State.READ_ONLY
    return State.REFUSED if before == State.REFUSED else State.DIFFERS


# -- the rows ------------------------------------------------------------------------------------------------


def refresh(charge_point_pk: int, names: Collection[str] | None = None) -> None:
    """Compute the states of a station's desired values, or of those that a report names. Emits
    configuration.drifted for values that differ now and did not before.
    """
    rows = list(DesiredValue.objects.filter(charge_point=charge_point_pk))
    if names is not None and rows:
        folded = {name.casefold() for name in names}
        rows = [row for row in rows if row.key.casefold() in folded]
    if not rows:
        return
    state = ConfigurationState.objects.filter(pk=charge_point_pk).first() or ConfigurationState()
    seen = reported(rows)
    drifted = []
    for row in rows:
        last = seen.get(row.key.lower())
        now = judged(row, last, booted_at=state.booted_at, whole_at=state.whole_at)
        if now == row.state:
            continue
        if now == State.DIFFERS:
            drifted.append({"key": row.key, "desired": row.value, "reported": last and last.value})
        _set(row, now, "")
    if drifted:
        _announce(charge_point_pk, drifted)


def reported(rows: Iterable[DesiredValue]) -> dict[str, Seen]:
    """The last reports of these keys of one station, by the key in lower case."""
    return {lower: seen for (_, lower), seen in reported_of(rows).items()}


def reported_of(rows: Iterable[DesiredValue]) -> dict[tuple[int, str], Seen]:
    """The last reports of the keys of several stations, by station and key in lower case."""
    rows = list(rows)
    found = ReportedKey.objects.annotate(lower=Lower("key")).filter(
        charge_point__in={row.charge_point_id for row in rows},
        lower__in={row.key.lower() for row in rows},
        gone_at=None,
    )
    values = found.values_list("charge_point", "lower", "value", "readonly", "reported_at")
    return {(pk, lower): Seen(value, readonly, at) for pk, lower, value, readonly, at in values}


def _set(row: DesiredValue, state: State, reason: str, **columns: Any) -> None:
    """Store a state, unless the value was changed meanwhile."""
    same = DesiredValue.objects.filter(pk=row.pk, value=row.value)
    same.update(state=state, reason=reason[:500], updated_at=datetime.now(UTC), **columns)


def _announce(charge_point_pk: int, drifted: list[dict[str, Any]]) -> None:
    charge_point = ChargePoint.objects.only("identity", "site_id").get(pk=charge_point_pk)
    outbox.emit(
        stations.CONFIGURATION_DRIFTED,
        station=charge_point.identity,
        site=charge_point.site_id,
        changes=drifted[:MOST_CHANGES],
        count=len(drifted),
    )


# -- answers of stations -------------------------------------------------------------------------------------


def answered(*, station: Station, key: str, value: str, verdict: Verdict, reason: str = "") -> None:
    """A station answered a change. Another value than the desired one says nothing about that."""
    station.unit.run(
        record_answer, station.pk, key, value, verdict=verdict, reason=reason, at=station.received_at
    )


def record_answer(
    charge_point_pk: int, key: str, value: str, *, verdict: Verdict, reason: str, at: datetime
) -> None:
    """`answered` by the station's primary key, in the journal."""
    row = DesiredValue.objects.filter(charge_point=charge_point_pk, key__iexact=key).first()
    if row is None or not is_same(row.value, value):
        return
    state = {
        Verdict.ACCEPTED: State.SAME,
        Verdict.AFTER_REBOOT: State.PENDING_REBOOT,
        Verdict.REFUSED: State.REFUSED,
        Verdict.UNKNOWN: State.UNKNOWN_KEY,
    }[verdict]
    if state == State.REFUSED:
        seen = reported([row]).get(key.lower())
        state = State.READ_ONLY if seen is not None and seen.is_readonly else state
    _set(row, state, reason, answered_at=at)


def unknown(*, station: Station, names: Collection[str]) -> None:
    """A station does not know these names: delete what it reported before, and mark the desired values."""
    if names:
        station.unit.run(_unknown, station.pk, names)


def _unknown(charge_point_pk: int, names: Collection[str]) -> None:
    of_station = _named(charge_point_pk, names)
    ReportedKey.objects.annotate(lower=Lower("key")).filter(**of_station).delete()
    mark_unknown(charge_point_pk, names)


def mark_unknown(charge_point_pk: int, names: Collection[str]) -> None:
    """Mark the desired values of names that the station does not know, or does not have any more."""
    rows = DesiredValue.objects.annotate(lower=Lower("key")).filter(**_named(charge_point_pk, names))
    rows.update(state=State.UNKNOWN_KEY, reason="")


def _named(charge_point_pk: int, names: Collection[str]) -> dict[str, Any]:
    return {"charge_point": charge_point_pk, "lower__in": {name.lower() for name in names}}


# -- comparing -----------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """A key whose values differ at two stations; `only` names the one that has reported it alone."""

    key: str
    here: str | None
    there: str | None
    only: str


_NO_KEY: Final[tuple[str, str | None]] = ("", None)


def compare(here: ChargePoint, there: ChargePoint) -> tuple[list[Difference], int]:
    """The reported keys that differ, and the number of the others. A key without a value has an empty one.

    The value of a secret is masked: rows of earlier versions may have it.
    """
    mine, other = _all_reported(here), _all_reported(there)
    found, same = [], 0
    for lower in sorted(mine.keys() | other.keys()):
        (key, value), (other_key, other_value) = mine.get(lower, _NO_KEY), other.get(lower, _NO_KEY)
        if key and other_key and is_same(value or "", other_value or ""):
            same += 1
            continue
        only = "" if key and other_key else "here" if key else "there"
        name = key or other_key
        if is_secret_name(name):
            value, other_value = value and MASK, other_value and MASK
        found.append(Difference(name, value, other_value, only))
    return found, same


def _all_reported(charge_point: ChargePoint) -> dict[str, tuple[str, str | None]]:
    rows = ReportedKey.objects.filter(charge_point=charge_point, gone_at=None).values_list("key", "value")
    return {key.lower(): (key, value) for key, value in rows}
