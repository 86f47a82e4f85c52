"""The kind "command": its arguments, its words, and the command that it sends to a station."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from chargepoints.services.campaigns import driving, kinds
from chargepoints.services.campaigns.command import COMMAND
from ocpp_server import commanding, live
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.transport.switchboard import switchboard
from tests.direct.station import DirectStation
from tests.unit.chargepoints.campaigns.yard import make, rows

Run = Callable[..., Awaitable[Any]]
SOFT = {"command": "reset", "fields": {"type": "Soft"}}


def test_it_is_registered() -> None:
    assert kinds.find("command") is COMMAND
    assert str(COMMAND.title) == "Command"


@pytest.mark.parametrize(
    ("arguments", "errors"),
    [
        (
            {**SOFT, "z": 1, "a": 1},
            [{"field": "arguments.a", "reason": "Unknown; known are command, fields."}],
        ),
        (
            {"command": "change-configuration", "fields": {"key": "A"}},
            [{"field": "arguments.fields.value", "reason": "This field is required."}],
        ),
    ],
)
def test_a_refusal_names_the_field(arguments: dict[str, Any], errors: list[dict[str, str]]) -> None:
    with pytest.raises(Invalid) as error:
        COMMAND.check(arguments)

    assert error.value.errors == errors


def test_a_refusal_of_the_fields_names_the_command() -> None:
    with pytest.raises(Invalid, match="The fields are not valid for reset.") as error:
        COMMAND.check({"command": "reset", "fields": [1]})

    assert [one["field"] for one in error.value.errors] == ["arguments.fields"]


def test_a_command_with_a_kind_of_its_own_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        COMMAND.check({"command": "update-firmware", "fields": {"firmware": 1}})

    reason = "Use the kind firmware, which waits for the result."
    assert error.value.errors == [{"field": "arguments.command", "reason": reason}]


def test_an_unknown_command_is_told_those_that_fit_many_stations() -> None:
    with pytest.raises(Invalid) as error:
        COMMAND.check({"command": "unlock"})

    own = {"update-firmware", "upgrade-security-profile"}
    names = [one.name for one in commanding.commands() if one.fits_many and one.name not in own]
    assert "unlock" not in names
    assert "reset" in names
    assert error.value.errors == [
        {"field": "arguments.command", "reason": f"Must be one of {', '.join(names)}."}
    ]


def test_fields_may_be_left_out() -> None:
    assert COMMAND.check({"command": "clear-cache"}) == {"command": "clear-cache", "fields": {}}


def test_the_role_is_that_of_the_command() -> None:
    for command in commanding.commands():
        assert COMMAND.role({"command": command.name}) is command.role


def test_a_command_that_a_release_no_longer_has_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        COMMAND.role({"command": "gone"})

    assert error.value.errors == [{"field": "arguments.command", "reason": "There is no command gone."}]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"command": "gone", "fields": {"a": 1, "b": "x"}}, "gone (a: 1, b: x)"),
        ({"command": "clear-cache"}, "Clear cache"),
        ({"command": "gone"}, "gone"),
        ({}, ""),
    ],
)
def test_a_sentence_fits_any_arguments(arguments: dict[str, Any], sentence: str) -> None:
    assert COMMAND.sentence(arguments) == sentence


def test_only_the_secrets_are_masked() -> None:
    key = {"key": "WifiPassword", "value": "hunter2"}

    assert COMMAND.masked(SOFT) == SOFT
    assert COMMAND.masked(
        {"command": "send", "fields": {"action": "ChangeConfiguration", "payload": key}}
    ) == {
        "command": "send",
        "fields": {"action": "ChangeConfiguration", "payload": {"key": "WifiPassword", "value": "***"}},
    }
    harmless = {"command": "send", "fields": {"action": "ClearCache", "payload": {}}}
    assert COMMAND.masked(harmless) == harmless
    broken = {"command": "send", "fields": {"payload": "text"}}
    assert COMMAND.masked(broken) == broken


@pytest.mark.django_db(transaction=True)
async def test_an_offline_station_is_refused_before_anything_is_stored(run_orm: Run) -> None:
    row = await run_orm(ChargePoint.objects.create, identity="CP-1", ocpp_version="ocpp1.6")

    with pytest.raises(StationOffline):
        await COMMAND.begin(row, SOFT, actor="campaign 1")

    assert not await run_orm(Command.objects.exists)


@pytest.mark.django_db(transaction=True)
async def test_a_release_without_the_command_or_its_fields_sends_nothing(run_orm: Run) -> None:
    campaign = await run_orm(make, 1, kind="command", arguments=SOFT)
    campaign.arguments = {"command": "reset", "fields": {"type": "Gone"}}
    await run_orm(campaign.save)

    await driving.drive()

    assert await run_orm(rows, campaign) == {"CP-1": "failed refused"}
    detail = (await run_orm(campaign.stations.get)).detail
    assert detail.startswith("The fields are not valid for reset. arguments.fields.type: ")


@pytest.mark.django_db(transaction=True)
async def test_a_command_is_sent_with_the_claim_as_its_id_and_its_answer_is_not_awaited(
    run_orm: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switchboard, "channel", "process.here")
    campaign = await run_orm(make, 1, kind="command", arguments=SOFT)
    station = await DirectStation.load((await run_orm(ChargePoint.objects.get)).pk, "ocpp1.6")
    here = Connection("c", "CP-1", "ocpp1.6", switchboard.channel, "192.0.2.7", datetime.now(UTC))
    await live.state().connect(here)
    switchboard.connections["c"] = station.wire.connection

    try:
        async with asyncio.timeout(10):
            await driving.drive()
    finally:
        del switchboard.connections["c"]
        await station.close()

    row = await run_orm(campaign.stations.get)
    sent = await run_orm(Command.objects.get)
    assert (row.state, row.claim, row.command_id) == ("sent", sent.pk, sent.pk)
    assert (sent.action, sent.payload, sent.actor) == ("Reset", {"type": "Soft"}, campaign.sender)
