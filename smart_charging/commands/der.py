"""Controls of distributed energy resources (2.1 R04)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Invalid
from ocpp_server.request_numbers import new_number
from ocpp_server.transport.command_store import Addressee
from smart_charging.services import der

_ID_CHARACTERS = 36
_DROOP = {
    "priority": 6, "overFreq": 50.2, "underFreq": 49.8, "overDroop": 40, "underDroop": 40, "responseTime": 5,
}  # fmt: skip
_TYPES: tuple[tuple[str, Label], ...] = tuple(
    (name, name) for name in sorted((*der.FIELD_OF, *der.CURVES), key=lambda name: name != "FreqDroop")
)
_KINDS = (("default", _("Default")), ("scheduled", _("Scheduled")))


def _id(*, help: Label) -> fields.Text:
    return fields.Text(
        "control_id", _("Control ID"), most=_ID_CHARACTERS, help=help, example="frequency-droop"
    )


def _type(*, required: bool) -> fields.Choice:
    return fields.Choice("control_type", _("Type"), required=required, choices=_TYPES)


# -- set -----------------------------------------------------------------------------------------------------


async def _check(
    charge_point: Addressee, *, settings: dict[str, Any], is_default: bool = False, **rest: Any
) -> dict[str, Any]:
    """Name the control. Raises Invalid for settings that don't fit (R04.FR.12)."""
    wrong = der.problem(settings, is_default=is_default)
    if wrong:
        raise Invalid(wrong, field="settings")
    named = {"control_id": rest.pop("control_id", None) or str(uuid.uuid4())}
    return {**rest, **named, "settings": settings, "is_default": is_default}


def _spell(
    *, control_type: str, settings: dict[str, Any], control_id: str = "", is_default: bool = False
) -> dict[str, Any]:
    return {
        "isDefault": is_default,
        "controlId": control_id,
        "controlType": control_type,
        der.field_of(control_type): settings,
    }


def _warn(charge_point: Addressee, *, control_type: str, is_default: bool = False, **rest: Any) -> Label:
    if control_type in der.ONLY_DEFAULTS and not is_default:
        return _("OCPP knows this type only as a default: the station may refuse it.")
    return ""


SET_DER_CONTROL = command(
    "set-der-control",
    _("Set DER control"),
    _("Set a curve or a limit by which the station supports the grid."),
    action="SetDERControl",
    icon="tune",
    position=145,
    fields=(
        _type(required=True),
        fields.Object(
            "settings",
            _("Settings"),
            required=True,
            example=_DROOP,
            help=_("The fields of the type; priority is one of all: the lower value counts."),
        ),
        fields.Flag(
            "is_default",
            _("Default"),
            example=True,
            help=_("It holds while no scheduled one does; without startTime and duration."),
        ),
        _id(help=_("That of the control it replaces, or a new one unless given.")),
    ),
    prepare=_check,
    warn=_warn,
    spell_2x=_spell,
    rest=Rest(
        description="`settings` is the one object that OCPP allows for the type: freqDroop for FreqDroop, "
        "enterService, fixedPFAbsorb, fixedPFInject, fixedVar, gradient, limitMaxDischarge, and curve for "
        "all others. `GET .../der-controls` has the controls of the station."
    ),
)


# -- get and clear -------------------------------------------------------------------------------------------


def _criteria(
    kind: str | None = None, control_type: str | None = None, control_id: str | None = None
) -> dict[str, Any]:
    optional = {
        "isDefault": None if kind is None else kind == "default",
        "controlType": control_type,
        "controlId": control_id,
    }
    return {name: value for name, value in optional.items() if value is not None}


def _spell_get(**arguments: Any) -> dict[str, Any]:
    return {"requestId": new_number(), **_criteria(**arguments)}


GET_DER_CONTROL = command(
    "get-der-control",
    _("Get DER controls"),
    _("Ask the station which DER controls it has, and compare them with the known ones."),
    action="GetDERControl",
    icon="rule",
    position=146,
    fields=(
        fields.Choice("kind", _("Kind"), choices=_KINDS, help=_("All unless given.")),
        _type(required=False),
        _id(help=_("Only this control.")),
    ),
    spell_2x=_spell_get,
    rest=Rest(
        description="The report follows in parts: `GET .../reports` has its state, `GET .../der-controls` "
        "the controls. One that a complete report lacks gets the state `missing`."
    ),
)


def _danger(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    if arguments.keys() & {"control_type", "control_id"}:
        return ""
    return _("All DER controls of this kind will be deleted.")


CLEAR_DER_CONTROL = command(
    "clear-der-control",
    _("Clear DER controls"),
    _("Delete DER controls of the station: one, those of a type, or all default or scheduled ones."),
    action="ClearDERControl",
    icon="delete_sweep",
    position=147,
    fields=(
        fields.Choice("kind", _("Kind"), required=True, choices=_KINDS),
        _type(required=False),
        _id(help=_("Only this control.")),
    ),
    danger=_danger,
    spell_2x=_criteria,
    rest=Rest(description="NotFound: the station has none that fits."),
)
