"""Release a plug (1.6 5.18, 2.x F05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.command_fields import Label
from ocpp_server.commanding import command
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import V16, in_dialect
from ocpp_server.transport.command_store import Addressee


def _danger(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    """At a 1.6 station, which ends the session there first. A 2.x station refuses while one is running."""
    return _("A running session at this EVSE will end.") if charge_point.ocpp_version == V16 else ""


def _only_in_2x(field: fields.Connector, charge_point: Addressee) -> fields.Connector | None:
    return in_dialect(charge_point.ocpp_version, None, field)


def _spell_16(*, evse_number: int, connector_number: int = 0) -> dict[str, Any]:
    if connector_number:
        raise Invalid("A connector of 1.6 is named by connectorId.", field="evseConnectorId")
    return {"connectorId": evse_number}


def _spell_2x(*, evse_number: int, connector_number: int = 1) -> dict[str, Any]:
    return {"evseId": evse_number, "connectorId": connector_number}


UNLOCK = command(
    "unlock",
    _("Unlock"),
    _("Unlock the connector of an EVSE."),
    action="UnlockConnector",
    icon="lock_open",
    position=40,
    fields=(
        fields.Evse("evse_number", _("EVSE"), name="connectorId", required=True),
        fields.Connector(
            "connector_number",
            _("Connector of the EVSE"),
            name="evseConnectorId",
            help=_("2.x; the first one unless given."),
            adapt=_only_in_2x,
        ),
    ),
    danger=_danger,
    spell_16=_spell_16,
    spell_2x=_spell_2x,
)
