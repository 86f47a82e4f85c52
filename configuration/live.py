"""Loads the stored configuration into the live state: keys whose values differ from their defaults."""

from __future__ import annotations

from chargepoints.models import ChargePoint
from configuration.models import StoredKey
from configuration.services.variables.catalogue import is_secret


def read_stored_keys(identity: str) -> dict[str, str]:
    """The keys of one station. Secrets stay in the database, and so does whether they were set."""
    rows = StoredKey.objects.filter(charge_point__identity=identity).values_list("key", "value")
    return {key: value for key, value in rows if not is_secret(key)}


def read_all_stored_keys() -> dict[str, dict[str, str]]:
    """The keys of every station by identity, stations without keys included."""
    found: dict[str, dict[str, str]] = {}
    rows = ChargePoint.objects.values_list("identity", "stored_keys__key", "stored_keys__value")
    for identity, key, value in rows.order_by("pk"):
        keys = found.setdefault(identity, {})
        if key is not None and not is_secret(key):
            keys[key] = value
    return found
