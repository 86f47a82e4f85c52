"""The command that updates a list, at once or later, and the answers of stations about lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from configuration.commands.local_list import GET_LOCAL_LIST_VERSION, SYNC_LOCAL_LIST
from configuration.handlers import local_list as handlers
from configuration.models import LocalList, ReportedKey
from configuration.services.local_list import contents, knowledge
from ocpp_server import live
from ocpp_server.domain import StationOffline
from ocpp_server.protocol.versions import V16, V201
from tests.direct.accounts import a_token
from tests.unit.configuration.local_list.conftest import Connect
from tests.unit.configuration.local_list.stations import ListStation, at_once

State = LocalList.State


# -- the command ---------------------------------------------------------------------------------------------


@at_once
async def test_the_result_of_an_update_is_its_last_command_and_the_list(connect: Connect) -> None:
    a_token("A")
    a_token("L" * 21)
    station = await connect(V16)

    result = await SYNC_LOCAL_LIST.run(station.row, actor="user:1", timeout=40, wait=True)

    assert (result.command.action, station.actors, station.timeouts) == (
        "SendLocalList",
        {"user:1"},
        [40, 40],
    )
    assert result.data == {
        "state": "in_sync",
        "reason": "",
        "version": 1,
        "listed": 1,
        "eligible": 1,
        "tooLong": 1,
    }
    await SYNC_LOCAL_LIST.run(station.row, actor="user:1", timeout=None, wait=True)
    await SYNC_LOCAL_LIST.run(station.row, actor="user:1", timeout=None, wait=True, full=True)
    assert station.updates == [("Full", 1, ["A"]), ("Full", 2, ["A"])]


@pytest.mark.parametrize("is_full", [False, True])
@at_once
async def test_a_later_update_is_due_now_and_the_station_is_asked(connect: Connect, is_full: bool) -> None:
    station = await connect(V201)
    LocalList.objects.create(charge_point=station.row, state=State.FAILED, entries="{}", digest="d")

    result = await SYNC_LOCAL_LIST.run(station.row, actor="user:1", timeout=4, wait=False, full=is_full)

    assert (station.commands, station.actors) == ([("GetLocalListVersion", {})], {"user:1"})
    assert station.timeouts == [4]
    assert (result.command.action, result.command.state) == ("GetLocalListVersion", "queued")
    row = LocalList.objects.get()
    assert (row.state, row.entries) == (State.DUE, None if is_full else "{}")
    assert row.due_at is not None
    assert abs(row.due_at - datetime.now(UTC)) < timedelta(minutes=1)


@at_once
async def test_a_list_that_cannot_be_asked_for_is_not_due(connect: Connect) -> None:
    station = await connect(V201)
    live.reset()

    with pytest.raises(StationOffline):
        await SYNC_LOCAL_LIST.run(station.row, actor="user:1", timeout=None, wait=False)

    assert not LocalList.objects.exists()


def test_both_commands_need_a_station_with_a_list() -> None:
    assert (SYNC_LOCAL_LIST.name, SYNC_LOCAL_LIST.action) == ("sync-local-list", "SendLocalList")
    assert (GET_LOCAL_LIST_VERSION.name, GET_LOCAL_LIST_VERSION.action) == (
        "get-local-list-version",
        "GetLocalListVersion",
    )
    for command in (SYNC_LOCAL_LIST, GET_LOCAL_LIST_VERSION):
        assert command.needs.unmet(V16, {"SupportedFeatureProfiles": "Core"})
        assert command.needs.unmet(V201, {"LocalAuthListCtrlr.Available": "false"})


# -- answers -------------------------------------------------------------------------------------------------


async def a_list(connect: Connect, version: str = V16) -> ListStation:
    station = await connect(version)
    LocalList.objects.create(
        charge_point=station.row, state=State.IN_SYNC, version=4, entries="{}", digest="d", is_automatic=True
    )
    return station


@pytest.mark.parametrize(("version", "name"), [(V16, "listVersion"), (V201, "versionNumber")])
@at_once
async def test_a_reported_version_is_compared_at_its_time(connect: Connect, version: str, name: str) -> None:
    station = (await a_list(connect, version)).live()

    await handlers.list_version_reported(station, {}, {name: 4}, "c")
    row = LocalList.objects.get()
    assert (row.state, row.checked_at) == (State.IN_SYNC, station.received_at)
    await handlers.list_version_reported(station, {}, {name: 5}, "c")
    row = LocalList.objects.get()
    assert (row.state, row.version, row.due_at) == (State.UNKNOWN, 5, station.received_at)


@pytest.mark.parametrize(
    ("status", "version", "is_known"),
    [
        ("Accepted", 5, True),
        ("VersionMismatch", 4, True),
        ("NotSupported", 4, True),
        ("Failed", 4, False),
    ],
)
@at_once
async def test_the_answer_to_an_update_tells_what_the_station_has(
    connect: Connect, status: str, version: int, is_known: bool
) -> None:
    station = await a_list(connect)
    update = {"listVersion": 5, "updateType": "Differential"}
    digest = contents.payload_digest(dict(reversed(update.items())))
    row = LocalList.objects.get()
    at = datetime.now(UTC)
    assert knowledge.begin_part(row, at, version=5, digest=digest, entries="{}", is_full=False)

    await handlers.list_sent(station.live(), update, {"status": status}, "c")

    row = LocalList.objects.get()
    assert (row.version, row.entries is not None, row.part_entries) == (version, is_known, None)


@at_once
async def test_an_accepted_update_of_an_operator_makes_the_list_due(connect: Connect) -> None:
    station = (await a_list(connect, V201)).live()
    update = {"versionNumber": 9, "updateType": "Full"}

    await handlers.list_sent(station, update, {"status": "Failed"}, "c")
    assert LocalList.objects.get().entries == "{}"
    await handlers.list_sent(station, update, {"status": "Accepted"}, "c")

    row = LocalList.objects.get()
    assert (row.version, row.entries, row.digest) == (9, None, "")
    assert (row.state, row.due_at) == (State.UNKNOWN, station.received_at)


@at_once
async def test_an_inventory_has_the_capacity(connect: Connect) -> None:
    station = (await connect(V201)).live()

    def about(variable: str, limit: int) -> dict[str, object]:
        named = {"component": {"name": "LocalAuthListCtrlr"}, "variable": {"name": variable}}
        return named | {"variableCharacteristics": {"maxLimit": limit}}

    await handlers.list_capacity_reported(station, {})
    await handlers.list_capacity_reported(station, {"reportData": [about("BytesPerMessage", 9)]})
    assert not ReportedKey.objects.exists()
    report = [about("ItemsPerMessage", 5), about("Entries", 0), about("BytesPerMessage", 9)]
    await handlers.list_capacity_reported(station, {"reportData": report})

    row = ReportedKey.objects.get()
    assert (row.key, row.value, row.readonly) == ("LocalAuthListCtrlr.Entries.maxLimit", "0", True)
