"""The form of one command for several stations, which may have different OCPP versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chargepoints.models import ChargePoint, Evse
from ocpp_server import command_fields as fields
from ocpp_server.commanding import OperatorCommand
from ocpp_server.protocol.versions import VERSIONS
from operations.command_forms import CommandForm, Offered


def form_of_many(command: OperatorCommand, chosen: Sequence[ChargePoint], data: Any = None) -> CommandForm:
    """The form of the command for these stations, with the posted data if there are any."""
    evses = Evse.objects.filter(charge_point__in=chosen).order_by("number").distinct()
    offered = Offered(list(evses.values_list("number", flat=True)))
    return CommandForm(command, common_fields(command, chosen), offered, data)


def common_fields(command: OperatorCommand, chosen: Sequence[ChargePoint]) -> list[fields.Field]:
    """The fields that all stations understand: as their version needs them if they have the same, otherwise
    as declared, with the choices that every version has.
    """
    versions = dict.fromkeys(one.ocpp_version for one in chosen if one.ocpp_version in VERSIONS)
    # A row without a past: what one of the stations can't do says nothing about the others.
    by_version = {version: ChargePoint(ocpp_version=version) for version in versions}
    found = []
    for field in command.fields:
        adapted = [field.at(one) for one in by_version.values()] or [field]
        if isinstance(field, fields.Transaction) or not all(adapted):
            continue
        first = adapted[0]
        if len(adapted) == 1 and first is not None:
            found.append(first)
        elif isinstance(field, fields.Choice):
            found.append(replace(field, choices=_common_choices(adapted)))
        else:
            found.append(replace(field, required=any(one is not None and one.required for one in adapted)))
    return found


def _common_choices(adapted: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """The values that every version has, each with the labels of all of them."""
    labels: dict[str, list[str]] = {}
    for field in adapted:
        for value, label in field.choices:
            labels.setdefault(value, []).append(str(label))
    shared = {value: dict.fromkeys(found) for value, found in labels.items() if len(found) == len(adapted)}
    return tuple((value, " / ".join(found)) for value, found in shared.items())
