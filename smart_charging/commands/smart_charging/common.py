"""Fields and needs that the commands about charging profiles share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.command_fields import Label
from ocpp_server.protocol.translate.charging_profiles import STATION_MAX, STATION_MAX_16, TX, TX_DEFAULT
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.transport.command_store import Addressee
from smart_charging.services.smart_charging import abilities

NEEDS = Needs(profile="SmartCharging", variable="SmartChargingCtrlr.Enabled")
_LABELS: dict[str, Label] = {
    TX_DEFAULT: _("Every session"),
    TX: _("The running session"),
    STATION_MAX: _("The whole station"),
    "PriorityCharging": _("Priority charging"),
    "LocalGeneration": _("Local generation"),
}
_ALWAYS = (TX_DEFAULT, TX, STATION_MAX)
_IN_21 = ("PriorityCharging", "LocalGeneration")


def _purposes(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    version = charge_point.ocpp_version
    known = abilities.purposes(version) if version in VERSIONS else _ALWAYS
    return replace(field, choices=tuple((word, label) for word, label in _LABELS.items() if word in known))


def purpose_field(*, required: bool, more: tuple[tuple[str, Label], ...] = (), **how: Any) -> fields.Choice:
    """The field of a purpose; `more` are choices besides those that the server may send."""

    def adapt(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
        adapted = _purposes(field, charge_point)
        return replace(adapted, choices=(*adapted.choices, *more))

    return fields.Choice(
        "purpose",
        _("Limits"),
        name="chargingProfilePurpose",
        required=required,
        choices=(*((word, _LABELS[word]) for word in _ALWAYS), *more),
        also=(STATION_MAX_16, *_IN_21),
        adapt=adapt,
        **how,
    )


def evse_field() -> fields.Evse:
    return fields.Evse(
        "evse_number",
        _("EVSE"),
        name="connectorId",
        least=0,
        nothing=_("Whole station"),
        help=_("The whole station when 0 or missing."),
    )
