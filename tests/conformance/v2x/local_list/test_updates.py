"""The local authorization list of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import json

import pytest

from tests.conformance.local_lists import ListStation
from tests.conformance.peer import Operator, Records, at, station


async def update(operator, one, **body):
    path = f"/api/v1/chargepoints/{one.peer.identity}/sync-local-list"
    return await one.serve(operator.request("POST", path, body))


def stored(records, peer):
    """Of each stored list: its version, the number of its tokens, and whether it is as wanted."""
    rows = records.of("configuration_locallist", peer.identity)
    # The state may be "due" again: a test that ran just before may have added a token.
    return [(row["version"], row["listed_count"], row["digest"] == row["wanted_digest"]) for row in rows]


async def state(operator, peer):
    _, answer = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/local-list")
    return answer["data"]


async def test_TC_D_01_a_full_list_has_a_version_and_a_status_for_each_token(
    server, operator, records, version
):
    async with station(server, version) as peer:
        one = ListStation(peer, version=2)
        code, answer = await update(operator, one)
        shown = await state(operator, peer)

    assert (code, answer["success"]) == (200, True)
    assert one.actions == ["GetVariables", "GetLocalListVersion", "SendLocalList"]
    assert one.numbers == [("Full", 3)]
    entries = {entry["idToken"]["idToken"]: entry for entry in one.sent[0]["localAuthorizationList"]}
    assert entries["BOB00002"] == {
        "idToken": {"idToken": "BOB00002", "type": "ISO14443"},
        "idTokenInfo": {
            "status": "Accepted",
            "groupIdToken": {"idToken": "FAMILY", "type": "Central"},
        },
    }
    assert all("idTokenInfo" in entry for entry in entries.values())
    assert (shown["version"], shown["isKnown"]) == (3, True)
    assert stored(records, peer) == [(3, len(entries), True)]


async def test_TC_D_02_TC_D_03_changes_and_removals_are_a_differential_update(
    server, operator, records, version
):
    async with station(server, version) as peer:
        one = ListStation(peer)
        number = await operator.add_token(f"GONE-{peer.identity}")
        await update(operator, one)
        before = stored(records, peer)
        await operator.request("PATCH", f"/api/v1/tokens/{number}", {"status": "lost"})
        await operator.add_token(f"NEW-{peer.identity}")
        await update(operator, one)

    assert one.actions[-2:] == ["GetLocalListVersion", "SendLocalList"]
    assert one.numbers == [("Full", 1), ("Differential", 2)]
    assert one.listed() == {f"GONE-{peer.identity}": None, f"NEW-{peer.identity}": "Accepted"}
    count = len(one.listed(0))
    assert (before, stored(records, peer)) == ([(1, count, True)], [(2, count, True)])


async def test_TC_D_04_an_empty_list_has_no_entries(make_server, version):
    empty = make_server()
    operator = Operator(empty)
    async with station(empty, version) as peer:
        one = ListStation(peer, version=9)
        await update(operator, one)

    assert one.numbers == [("Full", 10)]
    assert one.sent == [{"versionNumber": 10, "updateType": "Full"}]
    assert stored(Records(empty.database), peer) == [(10, 0, True)]


async def test_TC_D_08_TC_D_09_the_version_of_a_list_and_of_no_list(server, operator, records, version):
    async with station(server, version) as peer:
        one = ListStation(peer, version=6)
        path = f"/api/v1/chargepoints/{peer.identity}/get-local-list-version"
        _, some = await one.serve(operator.request("POST", path, {}))
        one.version = 0
        _, none = await one.serve(operator.request("POST", path, {}))
        shown = await state(operator, peer)

    assert one.actions == ["GetLocalListVersion"] * 2
    assert some["data"]["response"] == {"versionNumber": 6}
    assert none["data"]["response"] == {"versionNumber": 0}
    # The server leaves a list alone that it was never asked to send.
    assert (shown["state"], shown["version"]) == ("unknown", None)
    assert stored(records, peer) == []
    rows = records.commands(peer.identity)
    assert [(row["state"], json.loads(row["response"])["versionNumber"]) for row in rows] == [
        ("accepted", 6), ("accepted", 0)
    ]  # fmt: skip


async def test_a_version_mismatch_leads_to_a_full_list(server, operator, version):
    async with station(server, version) as peer:
        one = ListStation(peer)
        await update(operator, one)
        await operator.add_token(f"M-{peer.identity}")
        one.replies = [{"status": "VersionMismatch"}]
        code, answer = await update(operator, one)

    assert (code, answer["success"]) == (200, True)
    assert one.numbers == [("Full", 1), ("Differential", 2), ("Full", 2)]


async def test_a_list_is_cut_by_the_most_entries_of_the_inventory(server, operator, version):
    async with station(server, version) as peer:
        described = {
            "component": {"name": "LocalAuthListCtrlr"},
            "variable": {"name": "Entries"},
            "variableAttribute": [{"value": "0", "mutability": "ReadOnly"}],
            "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False, "maxLimit": 3},
        }
        items = {
            "component": {"name": "LocalAuthListCtrlr"},
            "variable": {"name": "ItemsPerMessage"},
            "variableAttribute": [{"value": "2", "mutability": "ReadOnly"}],
        }
        report = {"requestId": 1, "generatedAt": at(), "seqNo": 0, "reportData": [described, items]}
        await peer.call("NotifyReport", report)
        one = ListStation(peer)
        await update(operator, one)
        shown = await state(operator, peer)

    assert one.numbers == [("Full", 1), ("Differential", 2)]
    assert (shown["listed"], shown["capacity"]) == (3, 3)


@pytest.mark.parametrize("code", ["NotSupported", "NotImplemented"])
async def test_an_error_that_there_is_no_such_action_is_no_list(server, operator, version, code):
    async with station(server, version) as peer:
        one = ListStation(peer)
        one.replies = [code]
        status, answer = await update(operator, one)
        shown = await state(operator, peer)

    assert (status, answer["data"]["code"]) == (409, "not-supported")
    assert (shown["state"], shown["dueAt"]) == ("unsupported", None)
