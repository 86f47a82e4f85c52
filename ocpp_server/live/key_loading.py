"""The ORM as the source of the stored configuration: keys whose value differs from the default."""

from __future__ import annotations

from ocpp_server.storage.journal import journal


async def load_stored_keys(identity: str) -> dict[str, str]:
    return await journal.run(read_stored_keys, identity)


def read_stored_keys(identity: str) -> dict[str, str]:
    """Of one station. That a secret was set stays in the database."""
    from configuration.models import StoredKey
    from configuration.services.variables.catalogue import is_secret

    rows = StoredKey.objects.filter(charge_point__identity=identity).values_list("key", "value")
    return {key: value for key, value in rows if not is_secret(key)}


def read_all_stored_keys() -> dict[str, dict[str, str]]:
    """Of every station, by identity; also of those that have none."""
    from chargepoints.models import ChargePoint
    from configuration.services.variables.catalogue import is_secret

    found: dict[str, dict[str, str]] = {}
    rows = ChargePoint.objects.values_list("identity", "stored_keys__key", "stored_keys__value")
    for identity, key, value in rows.order_by("pk"):
        keys = found.setdefault(identity, {})
        if key is not None and not is_secret(key):
            keys[key] = value
    return found
