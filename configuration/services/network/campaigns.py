"""Campaigns of the kind "security-profile": the result of a station is its connection at the new profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import CampaignStation, ChargePoint, Command, SecurityProfileChange
from chargepoints.services.campaigns.command import declared, failure_of, results_of, validated
from chargepoints.services.campaigns.kinds import Arguments, Result
from chargepoints.services.provisioning.security_profiles import State as Change
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid

State, Reason = CampaignStation.State, CampaignStation.Reason

COMMAND: Final = "upgrade-security-profile"
_AT: Final = "arguments"
_FAILURES: Final = {
    Change.FELL_BACK: Reason.NO_EFFECT,
    Change.CANCELLED: Reason.REFUSED,
    Change.FAILED: Reason.ERROR,
    Change.REFUSED: Reason.REJECTED,
}


class SecurityProfileKind:
    """Its arguments are the fields of the command upgrade-security-profile, without a slot.

    A station that stays away until the deadline of the campaign fails; its change stays open, and both
    profiles are admitted.
    """

    name = "security-profile"
    title = _("Security profile")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        fields = dict(arguments)
        if "timeout" in fields:
            raise Invalid("A campaign has a deadline instead.", field=f"{_AT}.timeout")
        asked = validated(declared(COMMAND), fields, below=_AT)
        if asked.get("slot") is not None:
            raise Invalid("Each station gets a free slot.", field=f"{_AT}.slot")
        if asked.get("force") and not str(asked.get("reason") or "").strip():
            raise Invalid("Needed with `force`.", field=f"{_AT}.reason")
        return fields

    def role(self, arguments: Arguments) -> Role:
        return declared(COMMAND).role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return dict(arguments)

    def sentence(self, arguments: Arguments) -> str:
        words = gettext("Change the security profile to %(target)s")
        return words % {"target": arguments.get("targetProfile", "")}

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        command = declared(COMMAND)
        asked = validated(command, dict(arguments), below=_AT)
        if charge_point.security_profile == asked["target"]:
            sentence = gettext("The station has security profile %(profile)s already.")
            return Result(State.SKIPPED, detail=sentence % {"profile": charge_point.security_profile})
        await command.perform(charge_point, actor=actor, wait=False, **asked)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        claims = {row.claim: row for row in rows}
        made = SecurityProfileChange.objects.filter(first_command__in=claims).select_related("charge_point")
        known = list(made)
        commands = Command.objects.in_bulk([change.command_id for change in known])
        now = datetime.now(UTC)
        found = {
            claims[change.first_command].pk: result
            for change in known
            if (result := _result(change, commands.get(change.command_id), now)) is not None
        }
        with_change = {change.first_command for change in known}
        found |= _without_change([row for row in rows if row.claim not in with_change])
        return found


def _result(change: SecurityProfileChange, command: Command | None, now: datetime) -> Result | None:
    """The result of a change; None while it goes on.

    A connected station that has not dropped its connection in its time has failed, although its next restart
    may prove the change. A 2.x station may wait for the end of its sessions: until the deadline.
    """
    if change.is_open:
        station, is_stuck = change.charge_point, change.slot is None or change.reason
        until = station.next_security_profile_until
        if not (is_stuck and change.state == Change.AWAITED and station.is_online and until and until < now):
            return None
        sentence = gettext("The station has not connected again: both profiles are admitted.")
        return Result(State.FAILED, Reason.NO_EFFECT, " ".join(filter(None, (change.reason, sentence))))
    if change.state == Change.PROVED:
        words = gettext("Connected at profile %(target)s") % {"target": change.target}
        return Result(State.DONE, detail=words)
    failure = failure_of(command) if command is not None and change.state != Change.FELL_BACK else None
    reason = failure.reason if failure is not None else _FAILURES[Change(change.state)]
    return Result(State.FAILED, reason, change.reason)


def _without_change(rows: Sequence[CampaignStation]) -> dict[int, Result]:
    """The results of rows whose change is missing: it could not be sent, or was deleted."""
    if not rows:
        return {}
    sentence = gettext("The change was deleted before its result was read.")
    deleted = Result(State.FAILED, Reason.SERVER_ERROR, sentence)
    ended = results_of(rows)
    return {pk: deleted if result.state == State.DONE else result for pk, result in ended.items()}


SECURITY_PROFILE: Final = SecurityProfileKind()
