"""Release a plug (1.6 5.18, 2.x F05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.command_fields import Label
from ocpp_server.commanding import command
from ocpp_server.protocol.versions import V16
from ocpp_server.transport.command_store import Addressee


def _danger(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    """At a 1.6 station, which ends the session there first. A 2.x station refuses while one is running."""
    return _("A running session at this EVSE will end.") if charge_point.ocpp_version == V16 else ""


UNLOCK = command(
    "unlock",
    _("Unlock"),
    _("Unlock the connector of an EVSE."),
    action="UnlockConnector",
    icon="lock_open",
    position=40,
    fields=(fields.Evse("evse_number", _("EVSE"), name="connectorId", required=True),),
    danger=_danger,
    spell_16=lambda evse_number: {"connectorId": evse_number},
    spell_2x=lambda evse_number: {"evseId": evse_number, "connectorId": 1},
)
