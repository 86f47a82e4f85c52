"""Updates that a station refuses or does not answer: what is tried next, and the stored state and reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Command
from configuration.models import LocalList
from configuration.services.local_list import knowledge, syncing
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import Conflict, StationOffline
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import journal
from tests.direct.accounts import a_token
from tests.unit.configuration.local_list.conftest import Connect
from tests.unit.configuration.local_list.stations import Answer, ListStation, Reply, at_once

State = LocalList.State
ASK, SEND = "GetLocalListVersion", "SendLocalList"
MINUTE = timedelta(minutes=1)


async def sync(station: ListStation) -> LocalList:
    await syncing.sync(station.row, actor="user:1")
    return LocalList.objects.get()


def minutes_until(at: datetime | None) -> int:
    assert at is not None
    return round((at - datetime.now(UTC)) / MINUTE)


async def refused(station: ListStation) -> LocalList:
    with pytest.raises(NotSupported) as caught:
        await sync(station)
    row = LocalList.objects.get()
    assert str(caught.value.sentence) == f"CP-1 has no local list. {row.reason}"
    assert (row.state, row.due_at) == (State.UNSUPPORTED, None)
    return row


# -- a station without a list --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "reported", "reason"),
    [
        (
            V16,
            {"LocalAuthListEnabled": "False "},
            "The station reports LocalAuthListEnabled=false: its local list is switched off.",
        ),
        (
            V16,
            {"SupportedFeatureProfiles": "Core"},
            "This station does not support it, because it reports SupportedFeatureProfiles without "
            "LocalAuthListManagement.",
        ),
        (
            V201,
            {"LocalAuthListCtrlr.Available": "false"},
            "This station does not support it, because it reports LocalAuthListCtrlr.Available=false.",
        ),
    ],
)
@at_once
async def test_a_station_that_reports_no_list_gets_none(
    connect: Connect, version: str, reported: dict[str, str], reason: str
) -> None:
    station = await connect(version, **reported)

    assert (await refused(station)).reason == reason
    assert station.actions == ["GetConfiguration" if version == V16 else "GetVariables"]


@pytest.mark.parametrize("code", ["NotSupported", "NotImplemented"])
@at_once
async def test_a_station_that_does_not_know_the_messages_has_no_list(connect: Connect, code: str) -> None:
    a_token("A")
    station = await connect(V16)
    station.replies = {ASK: [code]}

    assert (await refused(station)).reason == f"The station answered {ASK} with {code}."
    station.replies = {SEND: [f"error {code}"]}
    assert (await refused(station)).reason == f"The station answered {SEND} with {code}."
    station.replies = {SEND: [code]}
    row = await refused(station)
    assert (row.reason, row.last_command) == (
        f"The station answered {SEND} with {code}.",
        str(len(station.commands)),
    )


@at_once
async def test_a_16_station_that_reports_a_version_below_0_has_no_list(connect: Connect) -> None:
    station = await connect(V16)
    station.number = -1

    assert (await refused(station)).reason == "The station reports the list version -1."


# -- no version ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Command.State.TIMEOUT, f"The station did not answer {ASK}."),
        (Command.State.INVALID, f"The station's answer to {ASK} is not valid."),
        ("InternalError", f"The station answered {ASK} with InternalError."),
    ],
)
@at_once
async def test_nothing_is_sent_to_a_station_that_does_not_report_its_version(
    connect: Connect, reply: Answer, reason: str
) -> None:
    a_token("A")
    station = await connect(V16)
    station.replies = {ASK: [reply]}

    row = await sync(station)

    assert station.actions == [ASK]
    assert (row.state, row.reason, row.attempts) == (State.FAILED, reason, 1)
    assert minutes_until(row.due_at) == 1


@at_once
async def test_a_station_without_reported_limits_must_answer_about_them(connect: Connect) -> None:
    station = await connect(V16, capacity=None)
    station.replies = {"GetConfiguration": [Command.State.TIMEOUT]}

    row = await sync(station)

    assert station.actions == ["GetConfiguration"]
    assert (row.state, row.reason) == (State.FAILED, "The station did not answer GetConfiguration.")


# -- refused updates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", ["Failed", "error InternalError"])
@at_once
async def test_a_refused_whole_list_is_not_sent_again(connect: Connect, reply: str) -> None:
    a_token("A")
    station = await connect(V16)
    station.replies = {SEND: [reply]}

    row = await sync(station)

    word = reply.removeprefix("error ")
    assert station.updates == [("Full", 1, ["A"])]
    assert (row.state, row.reason) == (State.FAILED, f"The station answered {SEND} with {word}.")
    assert (row.version, row.entries, row.last_command) == (None, None, "2")


async def a_station_with_a_list(connect: Connect, *replies: Reply) -> ListStation:
    """A station that has A, B and C and lacks D; these are its next answers to an update."""
    for uid in "ABC":
        a_token(uid)
    station = await connect(V16)
    await sync(station)
    a_token("D")
    station.commands.clear()
    station.replies = {SEND: list(replies)}
    return station


@pytest.mark.parametrize("reply", ["Failed", "VersionMismatch", "error InternalError"])
@at_once
async def test_after_a_refused_change_the_list_is_replaced(connect: Connect, reply: str) -> None:
    station = await a_station_with_a_list(connect, reply)

    row = await sync(station)

    assert station.actions == [ASK, SEND, ASK, SEND]
    assert station.updates == [("Differential", 2, ["D"]), ("Full", 2, ["D", "C", "B", "A"])]
    assert (row.state, row.version, row.digest == row.wanted_digest) == (State.IN_SYNC, 2, True)


@pytest.mark.parametrize("last", ["Failed", "VersionMismatch"])
@at_once
async def test_a_list_is_replaced_once(connect: Connect, last: str) -> None:
    station = await a_station_with_a_list(connect, "VersionMismatch", last)

    row = await sync(station)

    assert [one[0] for one in station.updates] == ["Differential", "Full"]
    assert (row.state, row.reason) == (State.FAILED, f"The station answered {SEND} with {last}.")


@at_once
async def test_a_version_that_the_station_has_already_is_followed_by_a_higher_one(connect: Connect) -> None:
    a_token("A")
    station = await connect(V16)

    def has_another(one: ListStation) -> Answer:
        one.number = 8
        return "VersionMismatch"

    station.replies = {SEND: [has_another]}

    row = await sync(station)

    assert station.updates == [("Full", 1, ["A"]), ("Full", 9, ["A"])]
    assert (row.state, row.version) == (State.IN_SYNC, 9)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Command.State.TIMEOUT, f"The station did not answer {SEND}."),
        (Command.State.INVALID, f"The station's answer to {SEND} is not valid."),
    ],
)
@at_once
async def test_after_an_update_without_an_answer_the_contents_are_unknown(
    connect: Connect, reply: Answer, reason: str
) -> None:
    station = await a_station_with_a_list(connect, reply)

    row = await sync(station)

    assert [one[0] for one in station.updates] == ["Differential"]
    assert (row.state, row.reason, row.entries, row.digest) == (State.FAILED, reason, None, "")
    assert row.part_entries is None
    assert (await sync(station)).state == State.IN_SYNC
    assert station.updates[1:] == [("Full", 2, ["D", "C", "B", "A"])]


@at_once
async def test_a_list_of_an_operator_between_two_parts_is_replaced(connect: Connect) -> None:
    for uid in "ABC":
        a_token(uid)
    station = await connect(V16, SendLocalListMaxLength="2")

    original = station.answer_update

    async def answer_update(payload: dict[str, object], status: str) -> None:
        await original(payload, status)
        if payload["updateType"] == "Full" and payload["listVersion"] == 1:
            await original({"listVersion": 5, "updateType": "Full"}, "Accepted")

    station.answer_update = answer_update  # type: ignore[method-assign]

    row = await sync(station)

    assert station.updates == [("Full", 1, ["C", "B"]), ("Full", 6, ["C", "B"]), ("Differential", 7, ["A"])]
    assert row.version == 7


# -- errors --------------------------------------------------------------------------------------------------


@at_once
async def test_a_list_of_a_station_that_goes_offline_is_due(connect: Connect) -> None:
    station = await connect(V16)
    station.replies = {ASK: [StationOffline("Gone.")]}

    with pytest.raises(StationOffline, match="Gone"):
        await sync(station)

    row = LocalList.objects.get()
    assert (row.state, row.reason, row.attempts) == (State.DUE, "The station went offline.", 0)
    assert minutes_until(row.due_at) == 0


@pytest.mark.parametrize("action", [ASK, SEND])
@at_once
async def test_an_update_whose_process_stops_is_due_for_the_next_process(
    connect: Connect, action: str
) -> None:
    a_token("ALICE")
    station = await connect(V16)
    station.replies = {action: [_stop]}

    with pytest.raises(asyncio.CancelledError):
        await sync(station)

    row = LocalList.objects.get()
    stopped = "The process that updated it was stopped."
    assert (row.state, row.reason, row.attempts) == (State.DUE, stopped, 0)
    assert minutes_until(row.due_at) == 0
    await sync(station)
    assert LocalList.objects.get().state == State.IN_SYNC


@pytest.mark.parametrize(("is_committed", "state"), [(True, State.DUE), (False, State.IN_SYNC)])
@at_once
async def test_a_claim_whose_process_stops_is_given_back(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, is_committed: bool, state: str
) -> None:
    station = await connect(V16)
    await sync(station)
    run = journal.run

    async def stopped(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        if function is knowledge.claim:
            if is_committed:
                function(*args, **more)
            raise asyncio.CancelledError
        return await run(function, *args, **more)

    monkeypatch.setattr(journal, "run", stopped)

    with pytest.raises(asyncio.CancelledError):
        await sync(station)

    assert LocalList.objects.get().state == state


def _stop(station: ListStation) -> Answer:
    raise asyncio.CancelledError


@at_once
async def test_a_command_that_is_refused_ends_the_update(connect: Connect) -> None:
    station = await connect(V16)
    station.replies = {ASK: [Conflict("Not now."), Conflict("Not now.")]}

    for wait in (1, 5):
        with pytest.raises(Conflict, match="Not now"):
            await sync(station)
        row = LocalList.objects.get()
        assert (row.state, row.reason) == (State.FAILED, "Not now.")
        assert minutes_until(row.due_at) == wait
