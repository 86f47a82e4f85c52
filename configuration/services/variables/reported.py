"""Keys and variables as a station last reported them. Secrets are not stored."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Min, Q

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationState, ReportedKey
from configuration.services.variables import described, drift
from configuration.services.variables.described import ACTUAL, READ_ONLY, WRITE_ONLY, Description
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_words
from ocpp_server.protocol.secrets import is_secret_name

# A value, and whether it is read-only; None where the answer does not contain that.
Entry = tuple[str | None, bool | None]

Descriptions = Mapping[str, Description]

# A station can invent names: beyond this many rows, only variables that have a row are stored (S11).
MOST_PER_STATION: Final = 5_000
# At most this many changes are in one event.
MOST_CHANGES = 40
# Variables that a full report does not have any more are deleted after this time.
GONE_KEPT: Final = timedelta(days=30)
# The stations whose gone keys one run of the job deletes.
_AT_ONCE: Final = 100

_PLACED: Final = re.compile(r"([^.()\[\]]+(?:\[[^\]]*\])?(?:\([0-9.]+\))?)\.(.+)", re.DOTALL)
_NOT_DESCRIBED: Final[Descriptions] = {}
_VALUE_COLUMNS: Final = ("value", "readonly", "reported_at", "gone_at")
_ALL_COLUMNS: Final = (*_VALUE_COLUMNS, "mutability", "characteristics", "attributes")


def store(
    *, station: Station, keys: Mapping[str, Entry], descriptions: Descriptions = _NOT_DESCRIBED
) -> None:
    """Store values and read-only flags by name, and descriptions where a report has them. A leaked secret is
    not stored (J errata 3.10), and an earlier row of a name that is now a secret is deleted.
    """
    secret = [name[:255] for name in keys if is_secret_name(name)]
    kept = {name[:255]: entry for name, entry in keys.items() if not is_secret_name(name)}
    if kept or secret:
        cut = {name[:255]: found for name, found in descriptions.items()}
        station.unit.run(_store, station.pk, kept, secret, station.received_at, cut)


def _announce(charge_point_pk: int, shown: Mapping[str, Entry], known: Mapping[str, ReportedKey]) -> None:
    """configuration.changed for values that differ from the last report. A first report makes none."""
    changes = [
        {"key": key, "reported": value, "previous": known[key].value}
        for key, (value, _) in sorted(shown.items())
        if key in known and known[key].value != value
    ]
    if changes:
        charge_point = ChargePoint.objects.only("identity", "site_id").get(pk=charge_point_pk)
        outbox.emit(
            stations.CONFIGURATION_CHANGED,
            station=charge_point.identity,
            site=charge_point.site_id,
            changes=changes[:MOST_CHANGES],
            count=len(changes),
        )


def _store(
    charge_point_pk: int,
    keys: Mapping[str, Entry],
    secret: Collection[str],
    at: datetime,
    descriptions: Descriptions = _NOT_DESCRIBED,
) -> None:
    if secret:
        ReportedKey.objects.filter(charge_point_id=charge_point_pk, key__in=secret).delete()
    shown = _shown(_within_limit(charge_point_pk, keys))
    rows = ReportedKey.objects.filter(charge_point_id=charge_point_pk, key__in=list(shown))
    known = {row.key: row for row in rows.only("key", "value", "readonly", "mutability")}
    for key, (_, readonly) in shown.items():
        if _is_write_only(key, descriptions, known):
            shown[key] = (None, readonly)
    _announce(charge_point_pk, shown, known)
    plain = shown.keys() - descriptions.keys()
    for names, columns in ((plain, _VALUE_COLUMNS), (shown.keys() - plain, _ALL_COLUMNS)):
        ReportedKey.objects.bulk_create(
            # Sorted: two writers with the same keys in different orders would deadlock.
            [
                ReportedKey(
                    charge_point_id=charge_point_pk,
                    key=key,
                    value=shown[key][0],
                    readonly=_is_readonly(shown[key], known.get(key)),
                    reported_at=at,
                    **descriptions.get(key, described.NONE)._asdict(),
                )
                for key in sorted(names)
            ],
            update_conflicts=True,
            unique_fields=["charge_point", "key"],
            update_fields=list(columns),
        )
    drift.refresh(charge_point_pk, shown)


def _is_readonly(entry: Entry, before: ReportedKey | None) -> bool:
    """Whether a key is read-only: as reported now, or as reported before."""
    readonly = entry[1]
    return before is not None and before.readonly if readonly is None else readonly


def _is_write_only(key: str, descriptions: Descriptions, known: Mapping[str, ReportedKey]) -> bool:
    """Whether the value must not be stored: by this report, or by an earlier one."""
    if key in descriptions:
        return descriptions[key].mutability == WRITE_ONLY
    return key in known and known[key].mutability == WRITE_ONLY


def _within_limit(charge_point_pk: int, keys: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """The keys that may be stored: all of them while the station has fewer than MOST_PER_STATION rows. Rows
    that are gone make room.
    """
    rows = ReportedKey.objects.filter(charge_point_id=charge_point_pk)
    free = MOST_PER_STATION - rows.count()
    if len(keys) <= free:
        return keys
    known = set(rows.values_list("key", flat=True))
    added = [key for key in keys if key not in known]
    if len(added) > free:
        free += rows.filter(gone_at__isnull=False).exclude(key__in=list(keys)).delete()[0]
    allowed = known.union(added[: max(free, 0)])
    return {key: entry for key, entry in keys.items() if key in allowed}


def _shown(keys: Mapping[str, Entry]) -> dict[str, Entry]:
    """Bound values, and mask parts of them: addresses and vendors' JSON are no secrets as a whole, but may
    contain some.
    """
    return {
        key: (value and described.bounded(masked_words(value)), readonly)
        for key, (value, readonly) in keys.items()
    }


# -- gone variables ------------------------------------------------------------------------------------------


def mark_gone(charge_point_pk: int, since: datetime, now: datetime) -> None:
    """Mark what the station has not reported since this time, when it began to name everything."""
    rows = ReportedKey.objects.filter(charge_point=charge_point_pk, reported_at__lt=since, gone_at=None)
    names = list(rows.values_list("key", flat=True))
    if not names:
        return
    rows.update(gone_at=now)
    ConfigurationState.objects.get_or_create(charge_point_id=charge_point_pk)
    ConfigurationState.objects.filter(pk=charge_point_pk, gone_since=None).update(gone_since=now)
    drift.mark_unknown(charge_point_pk, names)


def delete_gone() -> None:
    """Delete what has been gone for GONE_KEPT."""
    before = datetime.now(UTC) - GONE_KEPT
    states = ConfigurationState.objects.filter(gone_since__lt=before).order_by("gone_since")
    for pk in list(states.values_list("pk", flat=True)[:_AT_ONCE]):
        gone = ReportedKey.objects.filter(charge_point=pk, gone_at__isnull=False)
        gone.filter(gone_at__lt=before).delete()
        oldest = gone.aggregate(oldest=Min("gone_at"))["oldest"]
        ConfigurationState.objects.filter(pk=pk).update(gone_since=oldest)


# -- names ---------------------------------------------------------------------------------------------------


def variable_name(one: Mapping[str, Any]) -> str:
    """The name of a 2.x variable: `Component.Variable`, instances in brackets."""
    return f"{_named(one['component'])}.{_named(one['variable'])}"


def _named(part: Mapping[str, Any]) -> str:
    instance = part.get("instance")
    return f"{part['name']}[{instance}]" if instance else str(part["name"])


def of_report(data: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
    """The actual values of the variables of a NotifyReport, and whether they are read-only. A variable that
    has other attributes alone is there without a value.
    """
    found: dict[str, Entry] = {}
    for one in data:
        name = placed_name(one)
        for attribute in one["variableAttribute"]:
            if attribute.get("type", ACTUAL) == ACTUAL:
                is_readonly = described.mutability_of(attribute) == READ_ONLY
                found[name] = (described.value_of(attribute), is_readonly)
            else:
                found.setdefault(name, (None, False))
    return found


def placed_name(one: Mapping[str, Any]) -> str:
    """`Component.Variable`; of an EVSE or connector `Component(1.2).Variable`, as each has its own value."""
    evse = one["component"].get("evse")
    if evse is None:
        return variable_name(one)
    connector = f".{evse['connectorId']}" if "connectorId" in evse else ""
    return f"{_named(one['component'])}({evse['id']}{connector}).{_named(one['variable'])}"


def parts(key: str) -> tuple[str, str]:
    """The component and the variable of a placed name, each with its instance; a 1.6 key has no component."""
    match = _PLACED.fullmatch(key)
    return (match[1], match[2]) if match is not None else ("", key)


def values(charge_point_pk: int, names: Collection[str]) -> dict[str, str]:
    """The reported values of these keys or variables, under the given names; unknown ones are missing."""
    among = Q()
    for name in names:
        among |= Q(key__iexact=name)
    rows = ReportedKey.objects.filter(among, charge_point_id=charge_point_pk, gone_at=None).values_list(
        "key", "value"
    )
    found = {key.casefold(): value for key, value in rows if value is not None}
    return {name: found[name.casefold()] for name in names if name.casefold() in found}
