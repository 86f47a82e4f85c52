"""Stored readings of one sample or of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.protocol.translate.metering import ENERGY, base_unit
from tests.direct.samples import KIND, SAMPLE
from transactions.models import Reading
from transactions.services.metering.measured import Measured
from transactions.services.metering.samples import kind_of

_UNSET: Any = object()


def a_sample(
    raw: str = "1", *, measurand: str = ENERGY, value: Any = _UNSET, unit: Any = _UNSET, **more: Any
) -> dict[str, Any]:
    """The fields of a sample; its value and unit follow from its text unless they are given."""
    usual_unit, exponent = base_unit(measurand, more.get("raw_unit", ""))
    if value is _UNSET:
        try:
            value = float(f"{raw}e{exponent}")
        except ValueError:
            value = None
    fields = {"phase": "", "location": "", "context": "", "raw_unit": "", "signed_data": None} | more
    return fields | {
        "measurand": measurand,
        "raw": raw,
        "value": value,
        "unit": usual_unit if unit is _UNSET else unit,
    }


def a_reading(*samples: Mapping[str, Any], **fields: Any) -> Reading:
    """A reading that is not saved yet. Without samples, the fields of one sample are among `fields`."""
    if not samples:
        samples = (a_sample(**{name: fields.pop(name) for name in SAMPLE if name in fields}),)
    measured = Measured(fields.pop("measured_at"))
    for sample in samples:
        kind = kind_of(*(sample[name] for name in KIND))
        measured.take(kind, sample["value"], sample["raw"], sample["signed_data"])
    place = fields.get("evse_number"), fields.get("connector_number")
    return Reading(**measured.columns(*place), **fields)


def stored(*samples: Mapping[str, Any], **fields: Any) -> Reading:
    """A saved reading."""
    reading = a_reading(*samples, **fields)
    reading.save(force_insert=True)
    return reading
