"""An update of a station's list: what is asked, what is sent, and what is stored afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Token
from chargepoints.models import Command
from configuration.models import LocalList
from configuration.services.local_list import knowledge, syncing
from configuration.services.local_list.selection import Pool
from ocpp_server import live
from ocpp_server.domain import Conflict, StationOffline
from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct.accounts import a_token
from tests.unit.configuration.local_list.conftest import Connect
from tests.unit.configuration.local_list.records import a_record
from tests.unit.configuration.local_list.stations import ListStation, at_once
from transactions.models import Transaction

State = LocalList.State
ASK, SEND = "GetLocalListVersion", "SendLocalList"
DAY = timedelta(days=1)


async def sync(station: ListStation, **how: Any) -> LocalList:
    """The row after an update."""
    synced = await syncing.sync(station.row, actor="user:1", **how)
    assert synced.row == LocalList.objects.get()
    return LocalList.objects.get()


def cards(*uids: str) -> None:
    for uid in uids:
        a_token(uid, type=Token.Type.RFID)


def is_in(at: datetime | None, wait: timedelta) -> bool:
    """Whether a time is this long after now; a test takes less than a minute."""
    return at is not None and abs(datetime.now(UTC) + wait - at) < timedelta(minutes=1)


@pytest.mark.parametrize("version", [V16, V201, V21])
@at_once
async def test_a_station_without_entries_gets_the_whole_list(connect: Connect, version: str) -> None:
    cards("ALICE", "BOB")
    a_token("L" * 40)
    station = await connect(version)

    synced = await syncing.sync(station.row, actor="user:1")

    assert station.actions == [ASK, SEND]
    assert station.commands[0][1] == {}
    assert station.updates == [("Full", 1, ["BOB", "ALICE"])]
    assert station.actors == {"user:1"}
    row = LocalList.objects.get()
    assert (row.state, row.reason, row.is_automatic) == (State.IN_SYNC, "", True)
    assert (row.version, row.wanted_version, row.last_command) == (1, 1, "2")
    assert row.digest == row.wanted_digest != ""
    assert (row.listed_count, row.eligible_count, row.unfit_count, row.capacity) == (2, 2, 1, 1000)
    assert (row.part_entries, row.attempts) == (None, 0)
    assert is_in(row.due_at, DAY)
    assert is_in(row.synced_at, timedelta())
    assert (synced.row, synced.command.id, synced.command.action) == (row, "2", SEND)


@at_once
async def test_a_station_that_was_asked_just_now_is_not_asked_again(connect: Connect) -> None:
    cards("ALICE")
    station = await connect(V16)
    asked = Command(id="c", action=ASK, state=Command.State.ACCEPTED, response={"listVersion": 4})

    row = await sync(station, asked=asked)

    assert (station.actions, station.updates) == ([SEND], [("Full", 5, ["ALICE"])])
    assert (row.state, row.version) == (State.IN_SYNC, 5)
    # A refused update asks for the version itself.
    station.number, station.replies = 5, {SEND: ["VersionMismatch"]}
    cards("BOB")
    asked.response = {"listVersion": 5}
    await sync(station, asked=asked)
    assert station.actions == [SEND, SEND, ASK, SEND]


@pytest.mark.parametrize("state", [Command.State.TIMEOUT, Command.State.INVALID])
@at_once
async def test_a_station_that_did_not_answer_just_now_has_failed(connect: Connect, state: str) -> None:
    station = await connect(V16)

    row = await sync(station, asked=Command(id="c", action=ASK, state=state))

    assert (station.actions, row.state) == ([], State.FAILED)


@at_once
async def test_a_station_that_has_the_list_is_asked_for_its_version_alone(connect: Connect) -> None:
    cards("ALICE")
    station = await connect(V16)
    station.number = 6
    await sync(station)
    station.commands.clear()

    synced = await syncing.sync(station.row, actor="user:1")

    assert (station.actions, synced.command.action) == ([ASK], ASK)
    assert (synced.row.state, synced.row.version, synced.row.wanted_version) == (State.IN_SYNC, 7, 7)


@at_once
async def test_a_station_without_entries_needs_no_empty_list(connect: Connect) -> None:
    station = await connect(V16)

    row = await sync(station)

    assert station.actions == [ASK]
    assert (row.state, row.wanted_version, row.listed_count) == (State.IN_SYNC, 0, 0)


@pytest.mark.parametrize("version", [V16, V201])
@at_once
async def test_later_changes_alone_are_sent_removals_first(connect: Connect, version: str) -> None:
    cards("ALICE", "BOB", "CAROL", "DAVE")
    station = await connect(version)
    await sync(station)
    Token.objects.filter(uid="BOB").update(status=Token.Status.BLOCKED)
    cards("EVE")

    row = await sync(station)

    assert station.updates[1:] == [("Differential", 2, ["BOB-", "EVE"])]
    assert (row.version, row.listed_count, row.digest == row.wanted_digest) == (2, 4, True)


@at_once
async def test_a_token_with_another_uid_leads_to_a_whole_list(connect: Connect) -> None:
    cards("ALICE", "BOB", "CAROL", "DAVE")
    station = await connect(V16)
    await sync(station)
    Token.objects.filter(uid="BOB").update(uid="NEW", uid_key="new", status=Token.Status.BLOCKED)

    await sync(station)

    assert station.updates[1:] == [("Full", 2, ["DAVE", "CAROL", "ALICE"])]


@at_once
async def test_a_whole_list_is_sent_when_it_is_asked_for(connect: Connect) -> None:
    cards("ALICE")
    station = await connect(V16)
    await sync(station)

    await sync(station, is_full=True)

    assert station.updates[1:] == [("Full", 2, ["ALICE"])]


@at_once
async def test_the_version_of_the_connection_decides(connect: Connect) -> None:
    cards("ALICE")
    station = await connect(V201)
    station.row.ocpp_version = V16

    await sync(station)

    assert "versionNumber" in station.commands[-1][1]
    assert station.row.ocpp_version == V201


# -- refusals before the first message -----------------------------------------------------------------------


@at_once
async def test_an_offline_station_is_not_claimed(connect: Connect) -> None:
    station = await connect(V16)
    live.reset()

    with pytest.raises(StationOffline, match="CP-1 is known but offline"):
        await sync(station)

    assert not LocalList.objects.exists()


@at_once
async def test_a_second_update_is_refused_while_one_runs(connect: Connect) -> None:
    station = await connect(V16)
    knowledge.claim(station.row.pk, datetime.now(UTC))

    with pytest.raises(Conflict, match="The local list of CP-1 is being updated already"):
        await sync(station)

    assert (station.actions, LocalList.objects.get().state) == ([], State.SENDING)


# -- parts and limits ----------------------------------------------------------------------------------------


@at_once
async def test_a_list_is_sent_in_parts_of_the_reported_number(connect: Connect) -> None:
    cards("A", "B", "C", "D", "E")
    station = await connect(V16, SendLocalListMaxLength="2")

    row = await sync(station)

    assert station.updates == [
        ("Full", 1, ["E", "D"]),
        ("Differential", 2, ["C", "B"]),
        ("Differential", 3, ["A"]),
    ]
    assert (row.version, row.wanted_version, row.listed_count) == (3, 3, 5)


@at_once
async def test_without_a_reported_number_a_part_has_a_hundred(connect: Connect) -> None:
    cards(*(f"T{number}" for number in range(101)))
    station = await connect(V16)

    await sync(station)

    assert [len(one[2]) for one in station.updates] == [100, 1]


@at_once
async def test_a_part_is_within_the_bytes_of_a_message(connect: Connect) -> None:
    cards("A" * 30, "B" * 30, "C" * 30)
    station = await connect(V201)
    # The frame of two entries with the longest version number; a Full list has a shorter type.
    station.reported["LocalAuthListCtrlr.BytesPerMessage"] = "371"

    await sync(station)
    two = [len(one[2]) for one in station.updates]
    station.reported["LocalAuthListCtrlr.BytesPerMessage"] = "200"
    await sync(station, is_full=True)

    assert two == [2, 1]
    assert [len(one[2]) for one in station.updates[2:]] == [1, 1, 1]


@at_once
async def test_a_station_gets_as_many_entries_as_it_takes(connect: Connect) -> None:
    cards("A", "B", "C")
    station = await connect(V16, capacity="2")
    now = datetime.now(UTC)
    for at, uid in ((now - timedelta(days=1), "A"), (now - timedelta(days=91), "B")):
        token = Token.objects.get(uid=uid)
        Transaction.objects.create(
            id=1000 + token.pk,
            charge_point=station.row,
            ocpp_id=uid,
            token=token,
            started_at=at,
            start_received_at=at,
            last_message_at=at,
        )

    row = await sync(station)

    assert station.updates == [("Full", 1, ["A", "C"])]
    assert (row.listed_count, row.eligible_count, row.capacity) == (2, 3, 2)


@at_once
async def test_unknown_limits_are_asked_for_once(connect: Connect) -> None:
    cards("A", "B", "C")
    station = await connect(V16, capacity=None)
    station.tells = {"LocalAuthListMaxLength": "2", "SendLocalListMaxLength": "1"}

    row = await sync(station, timeout=7)
    await sync(station)

    assert station.actions == ["GetConfiguration", ASK, SEND, SEND, ASK]
    assert station.commands[0][1]["key"][2] == "LocalAuthListMaxLength"
    assert station.timeouts[0] == 7
    assert row.capacity == 2


@at_once
async def test_a_station_that_reports_no_limits_has_the_usual_ones(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "USUAL_CAPACITY", 1)
    cards("A", "B")
    station = await connect(V201, capacity=None)
    station.replies = {"GetVariables": ["InternalError"]}

    row = await sync(station)

    assert station.actions == ["GetVariables", ASK, SEND]
    assert (row.capacity, row.listed_count, row.eligible_count) == (None, 1, 2)


@at_once
async def test_a_list_that_was_switched_off_is_asked_for_again(connect: Connect) -> None:
    cards("A")
    station = await connect(V16, LocalAuthListEnabled="false")
    station.tells = {"LocalAuthListEnabled": "true"}

    assert (await sync(station)).state == State.IN_SYNC


# -- tokens --------------------------------------------------------------------------------------------------


@at_once
async def test_all_tokens_are_read_in_steps(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "_TOKENS_AT_ONCE", 2)
    cards(*"ABCDEFGHIJK")
    station = await connect(V16)
    await sync(station)
    Token.objects.filter(uid__in="BCDEF").update(status=Token.Status.LOST)

    await sync(station)

    assert station.updates == [
        ("Full", 1, list("KJIHGFEDCBA")),
        ("Differential", 2, ["B-", "C-", "D-", "E-", "F-"]),
    ]


@at_once
async def test_a_pool_of_the_same_version_is_used_and_another_one_is_not(connect: Connect) -> None:
    cards("STORED")
    station = await connect(V16)

    def pool(version: str) -> Pool:
        made = Pool(version, datetime.now(UTC))
        made.add([a_record(1, "GIVEN")])
        return made

    await sync(station, pool=pool(V16))
    await sync(station, pool=pool(V201), is_full=True)

    assert [one[2] for one in station.updates] == [["GIVEN"], ["STORED"]]


@at_once
async def test_the_list_is_looked_at_again_when_a_token_begins_to_be_valid(connect: Connect) -> None:
    a_token("A", valid_from=datetime.now(UTC) + timedelta(hours=2))
    station = await connect(V16)

    assert is_in((await sync(station)).due_at, timedelta(hours=2))


# -- time limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usual", "given", "sent"), [(10, None, 30), (45, None, 45), (45, 5, 30), (45, 60, 60)]
)
@at_once
async def test_a_station_has_at_least_half_a_minute_to_store_a_list(
    connect: Connect, settings: Any, usual: float, given: float | None, sent: float
) -> None:
    settings.OCPP_CALL_TIMEOUT = usual
    cards("A")
    station = await connect(V16)

    await sync(station, timeout=given)

    assert station.timeouts == [given, sent]
