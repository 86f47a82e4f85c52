"""Keys and variables as a station last reported them. Secrets are not stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from configuration.services.variables import drift
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_words
from ocpp_server.protocol.secrets import is_secret_name
from ocpp_server.storage.journal import journal

# A value, and whether it is read-only; None where the answer does not contain that.
Entry = tuple[str | None, bool | None]

# A station can invent names: beyond this many rows, only variables that have a row are stored (S11).
MOST_PER_STATION: Final = 10_000
# At most this many changes are in one event.
MOST_CHANGES = 40


async def store(*, station: Station, keys: Mapping[str, Entry]) -> None:
    """Store values and read-only flags by name. A leaked secret is not stored (J errata 3.10), and an earlier
    row of a name that is now a secret is deleted.
    """
    secret = [name[:255] for name in keys if is_secret_name(name)]
    kept = {name[:255]: entry for name, entry in keys.items() if not is_secret_name(name)}
    if kept or secret:
        await journal.run(_store, station.pk, kept, secret, station.received_at)


def _announce(charge_point_pk: int, shown: Mapping[str, Entry]) -> None:
    """configuration.changed for values that differ from the last report. A first report makes none."""
    known = ReportedKey.objects.filter(charge_point_id=charge_point_pk, key__in=shown)
    before = dict(known.values_list("key", "value"))
    changes = [
        {"key": key, "reported": value, "previous": before[key]}
        for key, (value, _) in sorted(shown.items())
        if key in before and before[key] != value
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
) -> None:
    if secret:
        ReportedKey.objects.filter(charge_point_id=charge_point_pk, key__in=secret).delete()
    shown = _shown(_within_limit(charge_point_pk, keys))
    _announce(charge_point_pk, shown)
    flags = _flags(charge_point_pk, shown)
    ReportedKey.objects.bulk_create(
        [
            ReportedKey(
                charge_point_id=charge_point_pk, key=key, value=value, readonly=flags[key], reported_at=at
            )
            # Sorted: two writers with the same keys in different orders would deadlock.
            for key, (value, _) in sorted(shown.items())
        ],
        update_conflicts=True,
        unique_fields=["charge_point", "key"],
        update_fields=["value", "readonly", "reported_at"],
    )
    drift.refresh(charge_point_pk, shown)


def _flags(charge_point_pk: int, shown: Mapping[str, Entry]) -> dict[str, bool]:
    """Whether each key is read-only: as reported now, or as reported before."""
    flags = {key: bool(readonly) for key, (_, readonly) in shown.items()}
    asked = [key for key, (_, readonly) in shown.items() if readonly is None]
    if asked:
        known = ReportedKey.objects.filter(charge_point=charge_point_pk, key__in=asked, readonly=True)
        flags |= dict.fromkeys(known.values_list("key", flat=True), True)
    return flags


def _within_limit(charge_point_pk: int, keys: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """The keys that may be stored: all of them while the station has fewer than MOST_PER_STATION rows."""
    rows = ReportedKey.objects.filter(charge_point_id=charge_point_pk)
    free = MOST_PER_STATION - rows.count()
    if len(keys) <= free:
        return keys
    known = set(rows.values_list("key", flat=True))
    added = [key for key in keys if key not in known][: max(free, 0)]
    return {key: entry for key, entry in keys.items() if key in known or key in added}


def _shown(keys: Mapping[str, Entry]) -> dict[str, Entry]:
    """Mask parts of values: addresses and vendors' JSON are no secrets as a whole, but may contain some."""
    return {key: (value and masked_words(value), readonly) for key, (value, readonly) in keys.items()}


def variable_name(described: Mapping[str, Any]) -> str:
    """The name of a 2.x variable: `Component.Variable`, instances in brackets."""
    return f"{_named(described['component'])}.{_named(described['variable'])}"


def _named(part: Mapping[str, Any]) -> str:
    instance = part.get("instance")
    return f"{part['name']}[{instance}]" if instance else str(part["name"])


def of_report(data: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
    """The actual values of the variables of a NotifyReport, and whether they are read-only."""
    found: dict[str, Entry] = {}
    for described in data:
        for attribute in described["variableAttribute"]:
            if attribute.get("type", "Actual") == "Actual":
                readonly = attribute.get("mutability", "ReadWrite") == "ReadOnly"
                found[placed_name(described)] = (attribute.get("value"), readonly)
    return found


def placed_name(described: Mapping[str, Any]) -> str:
    """`Component.Variable`; of an EVSE or connector `Component(1.2).Variable`, as each has its own value."""
    evse = described["component"].get("evse")
    if evse is None:
        return variable_name(described)
    connector = f".{evse['connectorId']}" if "connectorId" in evse else ""
    return f"{_named(described['component'])}({evse['id']}{connector}).{_named(described['variable'])}"


def values(charge_point_pk: int, names: Collection[str]) -> dict[str, str]:
    """The reported values of these keys or variables, under the given names; unknown ones are missing."""
    among = Q()
    for name in names:
        among |= Q(key__iexact=name)
    rows = ReportedKey.objects.filter(among, charge_point_id=charge_point_pk).values_list("key", "value")
    found = {key.casefold(): value for key, value in rows if value is not None}
    return {name: found[name.casefold()] for name in names if name.casefold() in found}
