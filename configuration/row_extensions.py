"""Fields that configuration adds to the list of stations: see `ocpp_server.api.extensions`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db.models import prefetch_related_objects
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.models import ChargePoint
from configuration.services.variables import catalogue
from ocpp_server.api.extensions import RowExtension, extend


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class ValuesField(serializers.DictField):
    """{Key: value}."""


def stored_values(charge_points: Sequence[ChargePoint]) -> list[dict[str, str | None]]:
    """The stored keys of each station with their values, in two queries."""
    prefetch_related_objects(charge_points, "stored_keys", "evses")
    return [catalogue.values(charge_point) for charge_point in charge_points]


extend(
    "chargePoints",
    RowExtension(
        "configuration",
        partial(ValuesField, read_only=True, help_text="The stored keys and their values."),
        stored_values,
    ),
)
