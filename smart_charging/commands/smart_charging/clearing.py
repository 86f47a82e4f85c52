"""Clear charging profiles (1.6 5.5; 2.x K10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Invalid
from ocpp_server.protocol.translate import charging_profiles
from ocpp_server.protocol.versions import VERSIONS, in_dialect
from ocpp_server.transport.command_store import Addressee
from smart_charging.commands.smart_charging.common import NEEDS, purpose_field


async def _check_criteria(charge_point: Addressee, **arguments: Any) -> dict[str, Any]:
    """Raises Invalid where nothing is named and the dialect has no word for all profiles (2.x K10.FR.02)."""
    version = charge_point.ocpp_version
    if version in VERSIONS and in_dialect(version, False, not arguments):
        raise Invalid(
            "Name the profile, or at least one of connectorId, chargingProfilePurpose and stackLevel.",
            field="chargingProfileId",
        )
    return arguments


def _danger_clear(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    return "" if arguments else _("All charging profiles of the station will be deleted.")


def _spell_clear_16(
    *,
    profile_id: int | None = None,
    evse_number: int | None = None,
    purpose: str | None = None,
    stack_level: int | None = None,
) -> dict[str, Any]:
    optional = {
        "id": profile_id,
        "connectorId": evse_number,
        "chargingProfilePurpose": purpose and charging_profiles.purpose_16(purpose),
        "stackLevel": stack_level,
    }
    return {name: value for name, value in optional.items() if value is not None}


def _spell_clear_2x(
    *,
    profile_id: int | None = None,
    evse_number: int | None = None,
    purpose: str | None = None,
    stack_level: int | None = None,
) -> dict[str, Any]:
    optional = {
        "evseId": evse_number,
        "chargingProfilePurpose": purpose and charging_profiles.purpose(purpose),
        "stackLevel": stack_level,
    }
    criteria = {name: value for name, value in optional.items() if value is not None}
    named = {} if profile_id is None else {"chargingProfileId": profile_id}
    return named | ({"chargingProfileCriteria": criteria} if criteria else {})


CLEAR_CHARGING_PROFILE = command(
    "clear-charging-profile",
    _("Clear charging profile"),
    _("Delete charging profiles of the station, by ID or by what they have in common."),
    action="ClearChargingProfile",
    icon="speed_camera",
    position=120,
    fields=(
        fields.Whole("profile_id", _("Profile ID"), name="chargingProfileId", example=2001000),
        fields.Evse(
            "evse_number",
            _("EVSE"),
            name="connectorId",
            least=0,
            nothing=_("Any"),
            help=_("Only profiles of this EVSE; 0: only those of the whole station."),
        ),
        purpose_field(required=False),
        fields.Whole("stack_level", _("Stack level")),
    ),
    danger=_danger_clear,
    prepare=_check_criteria,
    spell_16=_spell_clear_16,
    spell_2x=_spell_clear_2x,
    needs=NEEDS,
    rest=Rest(
        description="Profiles that fit everything given are deleted; of a 1.6 station all, where nothing is "
        "given. Unknown: the station has none that fits. Running sessions go on without the limit.",
    ),
)
