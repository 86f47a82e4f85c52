"""Limits of a session (2.1), by their names in OCPP."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from ocpp_server.api.fields import EnergyField, StrictSerializer, WholeField
from transactions.services.transactions import settling

_UNITS = {
    "maxCost": "In the tariff's currency.",
    "maxEnergy": "In Wh.",
    "maxTime": "In s.",
    "maxSoC": "In %.",
}
_LIMIT = {
    "type": "object",
    "properties": {name: {"type": "number", "description": unit} for name, unit in _UNITS.items()},
}
# The field `limits` of a transaction, for the API document.
LIMITS: Final = {
    "type": "object",
    "nullable": True,
    "properties": dict.fromkeys(("wanted", "asked", "sent", "set"), _LIMIT),
}


class LimitBody(StrictSerializer):
    """Limits of a running session (2.1); at least one."""

    maxCost = EnergyField(required=False, min_value=0, max_value=1e9, help_text="In the tariff's currency.")
    maxEnergy = EnergyField(
        required=False, min_value=0, max_value=settling.MOST_ENERGY_WH, help_text="In Wh."
    )
    maxTime = WholeField(required=False, min_value=0, max_value=2**31 - 1, help_text="In seconds.")
    maxSoC = WholeField(required=False, min_value=0, max_value=100, help_text="In percent.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError({"maxEnergy": ["Required, or another limit."]})
        return attrs
