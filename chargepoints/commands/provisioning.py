"""Reset: restart a station (1.6 5.14, 2.x B11, B12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V21
from ocpp_server.transport.command_store import Addressee

# The 1.6 types, each with the 2.x type of the same meaning. Every station takes both.
_IN_2X = {"Soft": "OnIdle", "Hard": "Immediate"}
# 2.1 B11: the transactions continue after the restart.
_RESUMING = "ImmediateAndResume"
_IN_16 = {two: one for one, two in _IN_2X.items()}


def _soft_ends_sessions(charge_point: Addressee) -> bool:
    """Whether a Soft reset ends running sessions before it restarts (1.6), or waits for them (2.x)."""
    return charge_point.ocpp_version == V16


def _types(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    if _soft_ends_sessions(charge_point):
        return field
    idle, immediate = _("When idle: wait until sessions end"), _("Immediately: sessions are stopped")
    choices: tuple[tuple[str, Label], ...] = (("Soft", idle), ("Hard", immediate))
    if charge_point.ocpp_version == V21:
        choices += ((_RESUMING, _("Immediately: sessions continue after the restart")),)
    return replace(field, choices=choices)


def _evse(field: fields.Evse, charge_point: Addressee) -> fields.Evse | None:
    return None if charge_point.ocpp_version == V16 else field


def _danger(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    """Unless it is a Soft reset of a 2.x station, which waits until its sessions have ended."""
    if arguments["type"] in ("Soft", "OnIdle") and not _soft_ends_sessions(charge_point):
        return ""
    if arguments["type"] == _RESUMING:
        return _("Running sessions are interrupted. They continue if the station can resume them.")
    if "evse_number" in arguments:
        return _("Running sessions at this EVSE will end.")
    return _("Running sessions at this station will end.")


def _spell_16(*, type: str, evse_number: int | None = None) -> dict[str, Any]:
    if evse_number is not None:
        raise Invalid("OCPP 1.6 can only reset the whole station.", field="evseId", code=Code.NOT_SUPPORTED)
    if type == _RESUMING:
        raise Invalid("OCPP 1.6 has no ImmediateAndResume.", field="type", code=Code.NOT_SUPPORTED)
    return {"type": _IN_16.get(type, type)}


def _spell_2x(*, type: str, evse_number: int | None = None) -> dict[str, Any]:
    return {"type": _IN_2X.get(type, type)} | ({} if evse_number is None else {"evseId": evse_number})


RESET = command(
    "reset",
    _("Reset"),
    _("Restart the station."),
    action="Reset",
    icon="restart_alt",
    position=30,
    fields=(
        fields.Choice(
            "type",
            _("Type"),
            choices=(("Soft", _("Soft: stop sessions first")), ("Hard", _("Hard: interrupt sessions"))),
            also=("OnIdle", "Immediate", _RESUMING),
            default="Soft",
            adapt=_types,
        ),
        fields.Evse("evse_number", _("EVSE"), name="evseId", nothing=_("Whole station"), adapt=_evse),
    ),
    danger=_danger,
    spell_16=_spell_16,
    spell_2x=_spell_2x,
    rest=Rest(
        description="The command follows the boot: `effect` of GET .../commands/{requestId}. If the station "
        "drops the connection before it answers, as resets do, the answer is 202; the command ends with the "
        "BootNotification, or fails after 10 minutes without one. The reset of one EVSE (2.x) has no boot.",
    ),
)
