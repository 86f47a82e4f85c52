"""The matrix of answers for campaigns: one campaign of each command, at a station for each ending."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chargepoints.models import Campaign, Command
from chargepoints.serializers.campaigns import CampaignStationSerializer
from chargepoints.services.campaigns import driving, kinds, operating, planning
from chargepoints.services.diagnostics import log_uploads
from ocpp_server.commanding import OperatorCommand
from ocpp_server.storage.journal import journal
from tests.conformance.every.answers import about_installed, asked
from tests.conformance.every.answers.bench import AnsweringStation, connected
from tests.conformance.every.answers.cases import ACTOR, Case, State
from tests.conformance.every.answers.conftest import Measured, cases
from tests.conformance.every.answers.endings import USUAL, endings
from tests.conformance.every.answers.subjects import shown, subject
from transactions.jobs import settle_reservations

pytestmark = pytest.mark.django_db(transaction=True)

# A kind of its own sends the others: the tests of the kind have their endings.
_FOR_MANY = [
    (command, version)
    for command, version in asked.declared()
    if command.fits_many and not kinds.only_kind_of(command.name)
]
# A station has one reservation on an EVSE, and any number of any EVSE.
_FIELDS: dict[str, dict[str, Any]] = {
    "reserve": {"connectorId": 0},
    "install-certificate": about_installed.ROOT_FIELDS,
}
_REASONS = {
    State.PARTIAL: "rejected",
    State.REJECTED: "rejected",
    State.ERROR: "error",
    State.TIMEOUT: "no-answer",
    State.DISCONNECTED: "connection-lost",
    State.INVALID: "invalid-answer",
}
_MISSING = ("NotImplemented", "NotSupported")


@pytest.mark.nightly
@pytest.mark.parametrize(("command", "version"), cases(_FOR_MANY))
async def test_a_campaign_names_each_ending_and_tries_again(
    process: None, measured: Measured, command: OperatorCommand, version: str
) -> None:
    fields = asked.ways(command, version)[0] | _FIELDS.get(command.name, {})
    action = await _action(command, version, fields)
    possible = endings(version, action)
    async with connected(version, [f"CP-{number}" for number in range(len(possible))]) as stations:
        await _prepare(command, fields, stations)
        campaign = await _create(command, fields, stations)
        for station, ending in zip(stations, possible, strict=True):
            station.endings = {action: ending}
        await _drive(stations)
        wanted = await journal.run(_wanted, [station.row.pk for station in stations])
        first = await _results(campaign)
        for station in stations:
            station.endings = {}

        if any(state == "failed" for state, _ in first.values()):
            await journal.run(operating.retry_failed, campaign)
            await _drive(stations)
        second = await _results(campaign)
        await journal.run(campaign.refresh_from_db)

    names = {one.row.pk: ending.name for one, ending in zip(stations, possible, strict=True)}
    wrong = [
        f"{names[pk]}: {first[pk]} instead of {wanted[pk]}" for pk in names if first[pk] != wanted[pk]
    ] + [
        f"{names[pk]}, the second time: {second[pk]}" for pk in names if not _is_right(second[pk], wanted[pk])
    ]
    measured("endings of campaigns", len(possible))
    assert not wrong, "\n".join([f"{len(wrong)} of {len(possible)} stations:", *wrong])
    assert campaign.state == Campaign.State.FINISHED


async def _action(command: OperatorCommand, version: str, fields: dict[str, Any]) -> str:
    """The action of the first CALL that a campaign sends."""
    async with connected(version, ["TRIED"]) as stations:
        await _prepare(command, fields, stations)
        before = len(stations[0].calls)
        campaign = await _create(command, fields, stations)
        await _drive(stations)
        ((state, reason),) = (await _results(campaign)).values()
        if state != "done":
            pytest.fail(asked.missing(command, version, f"A campaign ends as {state} {reason}."))
        return stations[0].calls[before].action


async def _prepare(
    command: OperatorCommand, fields: dict[str, Any], stations: list[AnsweringStation]
) -> None:
    """A campaign has the same fields for all stations: those that follow from a row are not used."""
    for station in stations:
        await subject(command.name).prepare(Case(station, command, "", USUAL, fields))


async def _create(
    command: OperatorCommand, fields: dict[str, Any], stations: list[AnsweringStation]
) -> Campaign:
    options: dict[str, Any] = {
        "name": "c",
        "kind": "command",
        "arguments": {"command": command.name, "fields": fields},
        "stations": {"client_ids": [station.row.identity for station in stations]},
        "actor": ACTOR,
        "has_canary": False,
        "failure_limit_percent": 100,
        "at_once": 200,
    }
    return await journal.run(lambda: planning.create(**options))


async def _drive(stations: list[AnsweringStation]) -> None:
    """Send to the stations, let the commands end and their effects come, and store the results."""
    await driving.drive()
    keys = [station.row.pk for station in stations]
    unfinished = Command.objects.unfinished().filter(charge_point__in=keys)
    while await journal.run(unfinished.exists):
        await asyncio.gather(*(station.settled() for station in stations))
        await asyncio.sleep(0)
    for station in stations:
        if not station.is_connected:
            await station.arrive()
        # The effects of resets and triggers.
        await station.boot()
        await station.device.call("Heartbeat", {})
        await station.device.call("SignCertificate", {"csr": "CSR"})
    await journal.run(settle_reservations)
    await journal.run(log_uploads.settle)
    await driving.drive()


async def _results(campaign: Campaign) -> dict[int, tuple[str, str]]:
    """The state and reason of each station as the REST API shows them; each failure has words."""
    rows = campaign.stations.select_related("charge_point").order_by("pk")
    keys = await journal.run(lambda: list(rows.values_list("charge_point", flat=True)))
    found = await shown(CampaignStationSerializer, rows)
    return {pk: (row["state"], row["reason"]) for pk, row in zip(keys, found, strict=True)}


def _wanted(keys: list[int]) -> dict[int, tuple[str, str]]:
    """The result of each station by the last command that it got."""
    found = {}
    for row in Command.objects.filter(charge_point__in=keys, actor__startswith="campaign").order_by(
        "created_at"
    ):
        if row.effect == Command.Effect.SEEN or row.outcome.is_success:
            found[row.charge_point_id] = "done", ""
        elif row.error_code in _MISSING and row.state == State.ERROR:
            found[row.charge_point_id] = "failed", "not-supported"
        else:
            found[row.charge_point_id] = "failed", _REASONS[State(row.state)]
    return found


def _is_right(second: tuple[str, str], first: tuple[str, str]) -> bool:
    """A message that the station has not implemented is not asked for again."""
    return second == ("done", "") or (second == ("skipped", "not-supported") and first[0] == "failed")
