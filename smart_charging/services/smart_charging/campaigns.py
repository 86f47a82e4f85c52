"""The kind "charging-profile": one profile for many stations (1.6 5.16; 2.x K01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import CampaignStation, ChargePoint
from chargepoints.services.campaigns.command import (
    at_present,
    declared,
    result_of,
    sent_for,
    skipped_if_lacking,
    validated,
)
from chargepoints.services.campaigns.kinds import Arguments, Result
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.translate.charging_profiles import ABSOLUTE, TX
from ocpp_server.storage.journal import journal
from smart_charging.models import InstalledProfile
from smart_charging.services.smart_charging import abilities, checking, reading

State, Reason = CampaignStation.State, CampaignStation.Reason

_COMMAND: Final = "set-charging-profile"
_BELOW: Final = "arguments"
_EVSE, _START, _PURPOSE, _SESSION = (
    "connectorId", "startSchedule", "chargingProfilePurpose", "transactionId"
)  # fmt: skip


class ChargingProfileKind:
    """Its arguments are the body of the endpoint `set-charging-profile`, without a session.

    The profile is checked when the campaign is created, as far as no station is needed for that. An absolute
    schedule without a begin begins then, so that all stations get the same one. A station that has the
    profile already is skipped, and so is one without smart charging.
    """

    name = "charging-profile"
    title = _("Charging profile")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        validated(declared(_COMMAND), dict(arguments), below=_BELOW)
        profile = _profile(arguments)
        if profile.purpose == TX or profile.transaction_id:
            field = _SESSION if profile.transaction_id else _PURPOSE
            raise Invalid("A TxProfile belongs to one session.", field=f"{_BELOW}.{field}")
        checking.check_rules(profile, abilities.of_any(), evse=arguments.get(_EVSE) or 0, below=f"{_BELOW}.")
        if profile.kind == ABSOLUTE and profile.schedule.start is not None:
            return {**arguments, _START: translate.time(profile.schedule.start)}
        return dict(arguments)

    def role(self, arguments: Arguments) -> Role:
        return declared(_COMMAND).role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return dict(arguments)

    def sentence(self, arguments: Arguments) -> str:
        try:
            profile = _profile(arguments)
        except Invalid:  # of a release with other fields
            return ", ".join(f"{name}: {value}" for name, value in arguments.items())
        shown = InstalledProfile(payload=translate.charging_profile_2x(profile))
        where = gettext("EVSE %(evse)s") % {"evse": arguments[_EVSE]} if arguments.get(_EVSE) else ""
        return ", ".join(filter(None, (profile.purpose, where, shown.limits)))

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        await at_present(charge_point)
        profile, evse = _profile(arguments), arguments.get(_EVSE) or 0
        if await journal.run(checking.is_installed, charge_point, profile, evse=evse):
            sentence = gettext("The station has this profile.")
            return Result(State.SKIPPED, Reason.UNCHANGED, sentence)
        asked = validated(declared(_COMMAND), dict(arguments), below=_BELOW)
        await declared(_COMMAND).perform(charge_point, actor=actor, wait=False, **asked)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        found = {}
        for row, commands in sent_for(rows).items():
            result = result_of(commands)
            if result is not None:
                is_failed = bool(commands) and result.state == State.FAILED
                found[row] = skipped_if_lacking(result, commands[0]) if is_failed else result
        return found


def _profile(arguments: Arguments) -> ChargingProfile:
    """The profile from the arguments. Raises Invalid."""
    given = {name: value for name, value in arguments.items() if name in reading.FIELDS}
    return reading.read(given, at=datetime.now(UTC), below=f"{_BELOW}.")


CHARGING_PROFILE: Final = ChargingProfileKind()
