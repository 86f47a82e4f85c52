"""The kind "root-certificates": the roots of root sets for many stations (1.6 and 2.x M05).

A station has its result when its own list shows the roots: an accepted installation alone proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from certificates.models import CertificateInventory, RootSet
from certificates.services.certificates import root_sets
from certificates.services.certificates.root_sets import Wanted, WantedRoot
from chargepoints.models import CampaignStation, ChargePoint, Command
from chargepoints.services.campaigns.command import (
    at_present,
    declared,
    deleted,
    result_of,
    sent_for,
    skipped_if_lacking,
)
from chargepoints.services.campaigns.kinds import Arguments, Result
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
from ocpp_server.storage.journal import journal
from ocpp_server.storage.row_numbers import row_number

State, Reason = CampaignStation.State, CampaignStation.Reason

_COMMAND: Final = "install-certificate"
_INSTALL: Final = "InstallCertificate"
_OPEN: Final = frozenset({Wanted.MISSING, Wanted.UNKNOWN, Wanted.ACCEPTED})


class RootCertificatesKind:
    """Its argument is `rootSetId`; without it, each station gets the roots of all its sets.

    A station that has the roots is skipped, and gets only those that it lacks. `rootSetName` is for people.
    """

    name = "root-certificates"
    title = _("Root certificates")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        unknown = sorted(arguments.keys() - {"rootSetId", "rootSetName"})
        if unknown:
            raise Invalid("Unknown; known is rootSetId.", field=f"arguments.{unknown[0]}")
        if arguments.get("rootSetId") is None:
            return {}
        number = row_number(str(arguments["rootSetId"])) or 0
        found = RootSet.objects.filter(pk=number, is_enabled=True).first()
        if found is None:
            raise Invalid("Must be the number of an enabled root set.", field="arguments.rootSetId")
        return {"rootSetId": found.pk, "rootSetName": found.name}

    def role(self, arguments: Arguments) -> Role:
        return declared(_COMMAND).role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return dict(arguments)

    def sentence(self, arguments: Arguments) -> str:
        name = arguments.get("rootSetName")
        if not name:
            return gettext("Install the roots of all root sets")
        return gettext("Install the roots of the set %(name)s") % {"name": name}

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        await at_present(charge_point)
        only = arguments.get("rootSetId")
        wanted = await journal.run(root_sets.of_station, charge_point, only=only)
        lacking = [one.root.pk for one in wanted if one.state in _OPEN]
        if not lacking:
            return _nothing_to_do(wanted)
        for root in lacking:
            await declared(_COMMAND).perform(charge_point, actor=actor, wait=False, root=root)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        found = {}
        stations = ChargePoint.objects.in_bulk([row.charge_point_id for row in rows])
        sent = sent_for(rows)
        for row in rows:
            commands = [one for one in sent.get(row.pk, []) if one.action == _INSTALL]
            only = row.campaign.arguments.get("rootSetId")
            result = _result(stations[row.charge_point_id], commands, only)
            if result is not None:
                found[row.pk] = result
        return found


def _nothing_to_do(wanted: Sequence[WantedRoot]) -> Result:
    if not wanted:
        return Result(State.SKIPPED, Reason.UNCHANGED, gettext("No root set is for this station."))
    if all(one.state == Wanted.NOT_SUPPORTED for one in wanted):
        sentence = gettext("The OCPP version of the station has no such roots.")
        return Result(State.SKIPPED, Reason.NOT_SUPPORTED, sentence)
    return Result(State.SKIPPED, Reason.UNCHANGED, gettext("The station has these roots."))


def _result(charge_point: ChargePoint, commands: Sequence[Command], only: int | None) -> Result | None:
    """The result of a station: that of its answers, then that of its list. None while one is awaited."""
    if not commands:
        return deleted(gettext("The commands were deleted before their result was read."))
    answered = result_of(commands)
    if answered is None:
        return None
    if answered.state == State.FAILED:
        return skipped_if_lacking(answered, commands[0])
    wanted = root_sets.of_station(charge_point, only=only)
    if any(one.state == Wanted.ACCEPTED for one in wanted):
        inventory = CertificateInventory.objects.filter(pk=charge_point.pk).first()
        problem = inventory.problem if inventory is not None else ""
        return Result(State.FAILED, Reason.NO_EFFECT, problem) if problem else None
    lacking = [str(one.root) for one in wanted if one.state in _OPEN]
    if lacking:
        sentence = gettext("Accepted, but not in the station's list: %(roots)s")
        return Result(State.FAILED, Reason.NO_EFFECT, sentence % {"roots": ", ".join(lacking)})
    return Result(State.DONE, detail=", ".join(str(one.root) for one in wanted))


ROOT_CERTIFICATES: Final = RootCertificatesKind()
