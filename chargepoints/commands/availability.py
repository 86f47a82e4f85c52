"""ChangeAvailability: put a station or one of its EVSEs in or out of service (1.6 5.2, 2.x G03, G04)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.commanding import command
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.transport.command_store import Addressee


def _only_in_2x(field: fields.Connector, charge_point: Addressee) -> fields.Connector | None:
    return in_dialect(charge_point.ocpp_version, None, field)


def _spell_16(*, type: str, evse_number: int = 0, connector_number: int = 0) -> dict[str, Any]:
    if connector_number:
        raise Invalid("A connector of 1.6 is named by connectorId.", field="evseConnectorId")
    return {"connectorId": evse_number, "type": type}


def _spell_2x(*, type: str, evse_number: int = 0, connector_number: int = 0) -> dict[str, Any]:
    if connector_number and not evse_number:
        raise Invalid("Required with evseConnectorId.", field="connectorId")
    evse = {"id": evse_number} | ({"connectorId": connector_number} if connector_number else {})
    return {"operationalStatus": type} | ({"evse": evse} if evse_number else {})


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
        fields.Connector(
            "connector_number",
            _("Connector of the EVSE"),
            name="evseConnectorId",
            help=_("2.x: one connector of the EVSE; all of them when missing."),
            adapt=_only_in_2x,
        ),
    ),
    spell_16=_spell_16,
    spell_2x=_spell_2x,
)
