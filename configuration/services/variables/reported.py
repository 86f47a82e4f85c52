"""Keys and variables as a station last reported them. Secrets are not stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from configuration.models import ReportedKey
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import is_secret_name, masked_words
from ocpp_server.storage.journal import journal


async def store(*, station: Station, keys: Mapping[str, tuple[str | None, bool]]) -> None:
    """Store values and read-only flags by name. A leaked secret is not stored (J errata 3.10), and an earlier
    row of a name that is now a secret is deleted.
    """
    secret = [name[:255] for name in keys if is_secret_name(name)]
    kept = {name[:255]: entry for name, entry in keys.items() if not is_secret_name(name)}
    if kept or secret:
        await journal.run(_store, station.pk, kept, secret, station.received_at)


def _store(
    charge_point_pk: int,
    keys: Mapping[str, tuple[str | None, bool]],
    secret: Collection[str],
    at: datetime,
) -> None:
    if secret:
        ReportedKey.objects.filter(charge_point_id=charge_point_pk, key__in=secret).delete()
    ReportedKey.objects.bulk_create(
        [
            ReportedKey(
                charge_point_id=charge_point_pk, key=key, value=value, readonly=readonly, reported_at=at
            )
            # Sorted: two writers with the same keys in different orders would deadlock.
            for key, (value, readonly) in sorted(_shown(keys).items())
        ],
        update_conflicts=True,
        unique_fields=["charge_point", "key"],
        update_fields=["value", "readonly", "reported_at"],
    )


def _shown(keys: Mapping[str, tuple[str | None, bool]]) -> dict[str, tuple[str | None, bool]]:
    """Mask parts of values: addresses and vendors' JSON are no secrets as a whole, but may contain some."""
    return {key: (value and masked_words(value), readonly) for key, (value, readonly) in keys.items()}


def number_sync(charge_point_pk: int, names: Collection[str]) -> int | None:
    """The smallest positive number that the station reported under one of these names."""
    among = Q()
    for name in names:
        among |= Q(key__iexact=name)
    rows = ReportedKey.objects.filter(among, charge_point_id=charge_point_pk)
    values = rows.values_list("value", flat=True)
    numbers = [int(value) for value in values if value and value.isascii() and value.isdigit()]
    return min(filter(None, numbers), default=None)


def variable_name(described: Mapping[str, Any]) -> str:
    """The name of a 2.x variable: `Component.Variable`, instances in brackets."""
    parts = []
    for part in (described["component"], described["variable"]):
        instance = part.get("instance")
        parts.append(f"{part['name']}[{instance}]" if instance else part["name"])
    return ".".join(parts)
