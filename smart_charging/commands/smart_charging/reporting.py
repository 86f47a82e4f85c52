"""Ask a station for the charging profiles that it has (2.x K09)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Invalid
from ocpp_server.protocol.translate.charging_profiles import EXTERNAL
from ocpp_server.request_numbers import new_number
from ocpp_server.transport.command_store import Addressee
from smart_charging.commands.smart_charging.common import NEEDS, purpose_field

_MOST_SOURCES, _MOST_CHARACTERS = 4, 20


async def _check_criteria(charge_point: Addressee, **arguments: Any) -> dict[str, Any]:
    """Raises Invalid without a criterion, or with an id beside others (K09.FR.03)."""
    criteria = arguments.keys() - {"evse_number"}
    if not criteria:
        raise Invalid(
            "Name the profile, or one of chargingProfilePurpose, stackLevel and chargingLimitSource.",
            field="chargingProfileId",
        )
    if "profile_id" in criteria and len(criteria) > 1:
        raise Invalid("An ID names the profile: leave out the other criteria.", field="chargingProfileId")
    return arguments


def _spell(
    *,
    profile_id: int | None = None,
    evse_number: int | None = None,
    purpose: str | None = None,
    stack_level: int | None = None,
    sources: list[str] | None = None,
) -> dict[str, Any]:
    optional = {
        "chargingProfileId": None if profile_id is None else [profile_id],
        "chargingProfilePurpose": purpose,
        "stackLevel": stack_level,
        "chargingLimitSource": sources or None,
    }
    criteria = {name: value for name, value in optional.items() if value is not None}
    asked: dict[str, Any] = {"requestId": new_number(), "chargingProfile": criteria}
    return asked if evse_number is None else {**asked, "evseId": evse_number}


GET_CHARGING_PROFILES = command(
    "get-charging-profiles",
    _("Get charging profiles"),
    _("Ask the station which charging profiles it has, and compare them with the known ones."),
    action="GetChargingProfiles",
    icon="fact_check",
    position=125,
    fields=(
        purpose_field(required=False, more=((EXTERNAL, _("Set by others")),)),
        fields.Evse(
            "evse_number",
            _("EVSE"),
            name="connectorId",
            least=0,
            nothing=_("Any"),
            help=_("Only profiles of this EVSE; 0: only those of the whole station."),
        ),
        fields.Whole("stack_level", _("Stack level")),
        fields.Texts(
            "sources",
            _("Sources"),
            name="chargingLimitSource",
            most=_MOST_SOURCES,
            most_characters=_MOST_CHARACTERS,
            example=["CSO"],
            help=_("CSO is this server, EMS an energy management system, SO the grid operator."),
        ),
        fields.Whole(
            "profile_id", _("Profile ID"), name="chargingProfileId", example=2001000, help=_("Alone.")
        ),
    ),
    prepare=_check_criteria,
    spell_2x=_spell,
    needs=NEEDS,
    rest=Rest(
        description="The report follows in parts: `GET .../reports` has its state. When it is complete, "
        "`GET .../charging-profiles` has `confirmedAt` for each profile in it, those of others with their "
        "`source`, and the state `missing` for a profile that the station did not report."
    ),
)
