"""ChangeAvailability: put a station or one of its EVSEs in or out of service (1.6 5.2, 2.x G03, G04)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.commanding import command


def _spell_16(*, type: str, evse_number: int = 0) -> dict[str, Any]:
    return {"connectorId": evse_number, "type": type}


def _spell_2x(*, type: str, evse_number: int = 0) -> dict[str, Any]:
    return {"operationalStatus": type} | ({"evse": {"id": evse_number}} if evse_number else {})


CHANGE_AVAILABILITY = command(
    "availability",
    _("Availability"),
    _("Put the station or one EVSE in or out of service."),
    action="ChangeAvailability",
    icon="power_settings_new",
    position=50,
    fields=(
        fields.Choice(
            "type",
            _("Availability"),
            required=True,
            choices=(("Operative", _("In service")), ("Inoperative", _("Out of service"))),
        ),
        fields.Evse(
            "evse_number",
            _("EVSE"),
            name="connectorId",
            least=0,
            nothing=_("Whole station"),
            help=_("The whole station when 0 or missing."),
        ),
    ),
    spell_16=_spell_16,
    spell_2x=_spell_2x,
)
