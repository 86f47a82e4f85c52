"""Tables for the journal: the models that messages change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.storage.bulk import Table
from ocpp_server.storage.unit import Unit
from smart_charging.models import ChargingPlan, DerAlarm, DerControl, ExternalLimit, InstalledProfile

INSTALLED_PROFILES = Table(InstalledProfile, once=True)
# The rows of these are found by their keys: see `put`.
CHARGING_PLANS = Table(ChargingPlan, once=True)
DER_ALARMS = Table(DerAlarm, once=True)
DER_CONTROLS = Table(DerControl, once=True)
EXTERNAL_LIMITS = Table(ExternalLimit, once=True)


def put(unit: Unit, table: Table, key: Any, *, added: Mapping[str, Any], **values: Any) -> None:
    """Set columns of the row with this key, and add the row where there is none; `added` are columns that
    only a new row gets. A unit inserts before it updates, and the insert skips a row that exists.
    """
    pk = table.model._meta.pk
    assert pk is not None
    unit.insert(table, **{pk.attname: key}, **{**added, **values})
    unit.update(table, key, **values)
