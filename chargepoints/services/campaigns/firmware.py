"""The kind "firmware": a campaign that updates the firmware of stations, and ends with their boots.

Its arguments are the fields of the command update-firmware. Its result at a station is that of the update
(`services.firmware`), not the station's answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import CampaignStation, ChargePoint, Command, FirmwareUpdate
from chargepoints.models.firmware_update import OPEN
from chargepoints.services.campaigns.command import declared, results_of, validated
from chargepoints.services.campaigns.kinds import Arguments, Result
from chargepoints.services.firmware import requests, updates
from chargepoints.services.firmware.progress import UNSUPPORTED, same_version
from chargepoints.services.firmware.requests import Wish
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
from ocpp_server.observability.masking import masked
from ocpp_server.storage.journal import journal

State, Reason = CampaignStation.State, CampaignStation.Reason

COMMAND: Final = "update-firmware"
_AT: Final = "arguments"


class FirmwareKind:
    name = "firmware"
    title = _("Firmware update")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        fields = dict(arguments)
        if "timeout" in fields:
            raise Invalid("A campaign has a deadline instead.", field=f"{_AT}.timeout")
        asked = validated(declared(COMMAND), fields, below=_AT)
        try:
            requests.wish(**asked)
        except Invalid as error:
            errors = [{**one, "field": f"{_AT}.{one['field']}"} for one in error.errors]
            raise Invalid(error.sentence, errors=errors) from None
        return fields

    def role(self, arguments: Arguments) -> Role:
        return declared(COMMAND).role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return dict(masked(dict(arguments)))

    def sentence(self, arguments: Arguments) -> str:
        if number := arguments.get("firmware"):
            return gettext("Install the firmware %(number)s") % {"number": number}
        version, location = arguments.get("version"), arguments.get("location")
        return gettext("Install %(version)s from %(location)s") % {
            "version": version or gettext("the firmware"),
            "location": location,
        }

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        command = declared(COMMAND)
        asked = validated(command, dict(arguments), below=_AT)
        wanted = await journal.run(lambda: requests.wish(**asked))
        if skipped := _skipped(charge_point, wanted):
            return skipped
        await command.perform(charge_point, actor=actor, wait=False, **asked)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        claims = {row.claim: row for row in rows}
        found: dict[int, Result] = {}
        known = list(FirmwareUpdate.objects.filter(command__in=claims).order_by("pk"))
        commands = Command.objects.in_bulk(claims)
        for update in known:
            command = commands.get(str(update.command_id))
            if update.state == FirmwareUpdate.State.REQUESTED and command and command.is_finished:
                updates.refresh(update.pk)
                update.refresh_from_db()
            if update.state not in OPEN:
                found[claims[str(update.command_id)].pk] = _result(update, command)
        with_update = {update.command_id for update in known}
        found |= _without_update([row for row in rows if row.claim not in with_update])
        return found


def _skipped(charge_point: ChargePoint, wanted: Wish) -> Result | None:
    """The result of a station that gets nothing; None if it gets the update."""
    if sentence := requests.mismatch(charge_point, wanted.firmware):
        return Result(State.SKIPPED, Reason.NOT_SUPPORTED, sentence)
    if wanted.version and same_version(wanted.version, charge_point.firmware_version):
        sentence = gettext("Already installed: %(version)s.") % {"version": charge_point.firmware_version}
        return Result(State.SKIPPED, detail=sentence)
    return None


def _result(update: FirmwareUpdate, command: Command | None) -> Result:
    """The result of an update that has ended."""
    if update.state == FirmwareUpdate.State.INSTALLED:
        return Result(State.DONE, detail=update.booted_version or update.status)
    if update.state == FirmwareUpdate.State.SUPERSEDED:
        return Result(State.FAILED, Reason.REFUSED, update.fault)
    if update.status or command is None:
        return Result(State.FAILED, Reason.NO_EFFECT, update.fault)
    if command.error_code in UNSUPPORTED and update.action == updates.SIGNED:
        # The answer is remembered: the next request is UpdateFirmware.
        sentence = gettext("The station does not know SignedUpdateFirmware; it gets UpdateFirmware.")
        return Result(State.WAITING, Reason.NOT_SUPPORTED, sentence)
    if command.error_code in UNSUPPORTED:
        return Result(State.FAILED, Reason.NOT_SUPPORTED, update.fault)
    if command.outcome.is_success:
        return Result(State.FAILED, Reason.NO_EFFECT, update.fault)
    reason = {
        Command.State.REJECTED: Reason.REJECTED,
        Command.State.ERROR: Reason.ERROR,
        Command.State.DISCONNECTED: Reason.CONNECTION_LOST,
        Command.State.INVALID: Reason.INVALID_ANSWER,
    }.get(Command.State(command.state), Reason.NO_ANSWER)
    return Result(State.FAILED, reason, update.fault)


def _without_update(rows: Sequence[CampaignStation]) -> dict[int, Result]:
    """The results of rows whose update is missing: it could not be sent, or was deleted."""
    if not rows:
        return {}
    deleted = Result(
        State.FAILED,
        Reason.SERVER_ERROR,
        gettext("The update was deleted before its result was read."),
    )
    ended = results_of(rows)
    return {pk: deleted if result.state == State.DONE else result for pk, result in ended.items()}


FIRMWARE: Final = FirmwareKind()
