"""The local authorization list of OCPP 1.6; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.storage.compression import decompressed
from tests.conformance.local_lists import ListStation
from tests.conformance.peer import V16, Operator, Peer, Records, station

# A test that runs at the same time may add a token.
UP_TO_DATE = {"in_sync", "due"}
TOKENS = {"ALICE0001", "BOB00002", "CAROL003"}


async def update(operator: Operator, one: ListStation, **body: Any) -> tuple[int, dict[str, Any]]:
    """The answer to an update, with its sentence."""
    path = f"/api/v1/chargepoints/{one.peer.identity}/sync-local-list"
    code, answer = await one.serve(operator.request("POST", path, body))
    return code, answer


async def state(operator: Operator, peer: Peer) -> dict[str, Any]:
    code, answer = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/local-list")
    assert code == 200
    data: dict[str, Any] = answer["data"]
    return data


def row_of(records: Records, peer: Peer) -> dict[str, Any]:
    (row,) = records.of("configuration_locallist", peer.identity)
    return row


async def test_16_043_4_a_full_list_has_unique_tags_and_a_status_for_each(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer, version=7)
        code, answer = await update(operator, one)
        row = row_of(records, peer)

    assert (code, answer["success"], answer["data"]["state"] in UP_TO_DATE) == (200, True, True)
    assert one.actions == ["GetConfiguration", "GetLocalListVersion", "SendLocalList"]
    assert one.numbers == [("Full", 8)]
    tags = [entry["idTag"].lower() for entry in one.sent[0]["localAuthorizationList"]]
    assert len(tags) == len(set(tags))
    assert set(one.listed().values()) == {"Accepted"}
    assert one.listed().keys() >= TOKENS
    assert not one.listed().keys() & {"BLOCKED1", "EXPIRED1", "INVALID1"}
    parents = {entry["idTag"]: entry["idTagInfo"].get("parentIdTag")
               for entry in one.sent[0]["localAuthorizationList"]}  # fmt: skip
    assert (parents["BOB00002"], parents["ALICE0001"]) == ("FAMILY", None)
    assert (row["state"] in UP_TO_DATE, row["version"], row["listed_count"]) == (True, 8, len(tags))
    assert row["digest"] == row["wanted_digest"]
    assert "alice" not in decompressed(row["entries"]).decode().lower()


async def test_16_043_5_a_change_is_a_differential_update_after_a_version_check(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        changed = f"C-{peer.identity}"
        number = await operator.add_token(changed)
        await update(operator, one)
        await operator.add_token(f"D-{peer.identity}")
        await operator.request("PATCH", f"/api/v1/tokens/{number}", {"status": "blocked"})
        await update(operator, one)
        await operator.request("PATCH", f"/api/v1/tokens/{number}", {"status": "active"})
        await update(operator, one)
        code, answer = await update(operator, one)
        row = row_of(records, peer)

    assert (code, answer["data"]["state"] in UP_TO_DATE) == (200, True)
    assert one.numbers == [("Full", 1), ("Differential", 2), ("Differential", 3)]
    assert one.listed(1) == {changed: None, f"D-{peer.identity}": "Accepted"}
    assert one.listed(2) == {changed: "Accepted"}
    # Nothing to send: the version alone was asked for.
    assert one.actions[-1] == "GetLocalListVersion"
    assert row["version"] == 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [({"status": "VersionMismatch"}, "VersionMismatch"), ({"status": "Failed"}, "Failed"),
     ("InternalError", "InternalError")],
)  # fmt: skip
async def test_16_043_3_a_refused_differential_update_leads_to_a_full_list(
    server, operator, records, reply, reason
):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        await update(operator, one)
        await operator.add_token(f"R-{peer.identity}")
        one.replies = [reply]
        code, answer = await update(operator, one)

        await operator.add_token(f"S-{peer.identity}")
        one.replies = [reply, reply]
        await update(operator, one)
        failed = row_of(records, peer)

    assert (code, answer["data"]["state"] in UP_TO_DATE) == (200, True)
    assert one.numbers[:3] == [("Full", 1), ("Differential", 2), ("Full", 2)]
    assert one.numbers[3:] == [("Differential", 3), ("Full", 3)]
    assert (failed["state"], failed["version"], failed["attempts"]) == ("failed", 2, 1)
    assert reason in failed["reason"]
    assert failed["due_at"] is not None


async def test_16_043_1_a_station_without_a_list_is_left_alone_and_says_so(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        one.replies = [{"status": "NotSupported"}]
        code, answer = await update(operator, one)
        shown = await state(operator, peer)

    assert one.numbers == [("Full", 1)]
    assert row_of(records, peer)["state"] == "unsupported"
    assert (code, answer["data"]["code"]) == (409, "not-supported")
    assert (shown["state"], shown["dueAt"]) == ("unsupported", None)
    assert "NotSupported" in shown["reason"]


@pytest.mark.parametrize(("version", "expected"), [(-1, {"unsupported"}), (0, UP_TO_DATE)])
async def test_16_042_1_2_versions_of_a_missing_and_of_an_empty_list(
    server, operator, records, version, expected
):
    async with station(server, V16) as peer:
        one = ListStation(peer, version=version)
        await update(operator, one)
        row = row_of(records, peer)

    assert row["state"] in expected
    assert one.numbers == ([] if version < 0 else [("Full", 1)])
    assert row["checked_at"] is not None


async def test_a_switched_off_list_and_an_error_are_no_list(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        one.enabled = "false"
        off, _ = await update(operator, one)
        first = row_of(records, peer)
        one.enabled = "true"
        on, _ = await update(operator, one)
        second = row_of(records, peer)

    assert (off, first["state"], on, second["state"] in UP_TO_DATE) == (409, "unsupported", 200, True)
    assert "LocalAuthListEnabled=false" in first["reason"]


async def test_a_long_list_is_split_and_cut_by_the_limits_of_the_station(server, operator, records):
    async with station(server, V16) as peer:
        for number in range(2):  # with those of the folder, more than the station takes
            await operator.add_token(f"L{number}-{peer.identity}")
        one = ListStation(peer, most=5, items=2, version=3)
        _, answer = await update(operator, one)
        shown = await state(operator, peer)

    assert one.numbers == [("Full", 4), ("Differential", 5), ("Differential", 6)]
    assert [len(one.listed(number)) for number in range(3)] == [2, 2, 1]
    assert (answer["data"]["listed"], shown["capacity"], shown["version"]) == (5, 5, 6)
    assert shown["eligible"] >= 5


async def test_a_silent_station_gets_a_full_list_the_next_time(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        await update(operator, one)
        await operator.add_token(f"Q-{peer.identity}")

        calls = asyncio.ensure_future(
            operator.request("POST", f"/api/v1/chargepoints/{peer.identity}/sync-local-list", {})
        )
        call = await peer.next_call()
        await peer.answer(call, {"listVersion": one.version})
        sent = await peer.next_call()
        peer.abort()
        code, _ = await calls
        row = row_of(records, peer)

    assert sent[3]["updateType"] == "Differential"
    assert (code, row["state"], row["entries"]) == (503, "failed", None)
    assert "did not answer SendLocalList" in row["reason"]


async def test_a_list_of_an_operator_makes_the_version_unknown(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        await update(operator, one)
        own = {"listVersion": 2, "updateType": "Full"}
        await one.serve(operator.command(peer.identity, "SendLocalList", own))
        unknown = await state(operator, peer)
        await update(operator, one)

    assert (unknown["state"], unknown["version"], unknown["isKnown"]) == ("unknown", 2, False)
    assert one.numbers[1:] == [("Full", 2), ("Full", 3)]


async def test_another_version_at_the_station_makes_the_list_due(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        await update(operator, one)
        one.version = 40
        path = f"/api/v1/chargepoints/{peer.identity}/get-local-list-version"
        code, answer = await one.serve(operator.request("POST", path, {}))
        row = row_of(records, peer)
        await update(operator, one)

    assert (code, answer["data"]["response"]) == (200, {"listVersion": 40})
    assert (row["state"], row["version"], row["entries"]) == ("unknown", 40, None)
    assert row["due_at"] is not None
    assert one.numbers == [("Full", 1), ("Full", 41)]


async def test_a_list_can_be_replaced_and_is_left_alone_when_switched_off(server, operator, records):
    async with station(server, V16) as peer:
        one = ListStation(peer)
        before = await state(operator, peer)
        await update(operator, one)
        await update(operator, one, full=True)
        path = f"/api/v1/chargepoints/{peer.identity}/local-list"
        off, answer = await operator.request("PATCH", path, {"automatic": False})
        listed = await operator.request("GET", f"/api/v1/local-lists?search={peer.identity}")

    assert (before["state"], before["automatic"], before["version"]) == ("unknown", False, None)
    assert one.numbers == [("Full", 1), ("Full", 2)]
    assert (off, answer["data"]["automatic"], answer["data"]["dueAt"]) == (200, False, None)
    (row,) = listed[1]["data"]["localLists"]
    assert (row["clientId"], row["state"] in UP_TO_DATE) == (peer.identity, True)


async def test_changes_of_tokens_update_the_list_by_themselves(make_server):
    quick = make_server(OCPP_LOCAL_LIST_DELAY="0s")
    operator = Operator(quick)
    async with station(quick, V16) as peer:
        one = ListStation(peer)
        first = await operator.add_token("FIRST")
        await operator.add_token("SECOND")
        await update(operator, one)

        await operator.request("PATCH", f"/api/v1/tokens/{first}", {"status": "blocked"})
        await one.next_update()

    assert one.numbers == [("Full", 1), ("Full", 2)]
    assert one.listed() == {"SECOND": "Accepted"}
    assert one.actions[-2:] == ["GetLocalListVersion", "SendLocalList"]
