"""The kinds of campaigns beside "command" through real sockets: logs, local lists and charging profiles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.campaigning import CAMPAIGNS, a_campaign, created, details, ended, results
from tests.conformance.local_lists import ListStation
from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, eventually, fresh, station
from tests.conformance.uploading import upload
from tests.servers import LiveServer

ACCEPTED = {"status": "Accepted"}
PROFILE: dict[str, Any] = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
}


async def create(
    operator: Operator, peers: list[Peer], kind: str, arguments: dict[str, Any], **options: Any
) -> str:
    return await created(operator, kind, arguments, [peer.identity for peer in peers], **options)


@pytest.fixture
async def yard(server: LiveServer) -> AsyncIterator[Callable[..., Any]]:
    """Make connected stations."""
    async with AsyncExitStack() as stack:

        async def make(version: str = V16, prefix: str = "CP", *, at: LiveServer = server) -> Peer:
            return await stack.enter_async_context(station(at, version, fresh(prefix)))

        yield make


# -- logs ----------------------------------------------------------------------------------------------------


async def test_logs_are_done_where_the_file_has_arrived(server, operator, records, yard) -> None:
    names = {"old": V16, "new": V201, "fails": V21, "rejects": V201, "lacks": V16, "silent": V16}
    peers = {name: await yard(version, name) for name, version in names.items()}
    fields = {"logType": "DiagnosticsLog", "retries": 1}
    one = await create(operator, list(peers.values()), "logs", fields, deadlineAt="2099-01-01T00:00:00Z")

    calls = {name: await peer.next_call() for name, peer in peers.items()}
    await peers["old"].answer(calls["old"], {"fileName": "diag.tgz"})
    await peers["new"].answer(calls["new"], ACCEPTED)
    await peers["fails"].answer(calls["fails"], ACCEPTED)
    await peers["rejects"].answer(calls["rejects"], {"status": "Rejected"})
    await peers["lacks"].send([4, calls["lacks"][1], "NotSupported", "", {}])
    number = calls["fails"][3]["requestId"]
    await peers["fails"].call("LogStatusNotification", {"status": "UploadFailure", "requestId": number})
    await upload(f"{calls['old'][3]['location']}diag.tgz", b"old")
    # The command is answered, but the log is on its way.
    await eventually(lambda: records.commands(peers["new"].identity)[0]["state"] == "accepted")
    assert (await results(operator, one))[peers["new"].identity] in ("sent", "claimed")
    await upload(f"{calls['new'][3]['log']['remoteLocation']}new.log", b"n" * 2000)
    peers["silent"].abort()
    campaign = await ended(operator, one, records)

    assert {name: call[2] for name, call in calls.items()} == {
        "old": "GetDiagnostics", "new": "GetLog", "fails": "GetLog", "rejects": "GetLog",
        "lacks": "GetDiagnostics", "silent": "GetDiagnostics",
    }  # fmt: skip
    found, words = await results(operator, one), await details(operator, one)
    assert {name: (found[peer.identity], words[peer.identity]) for name, peer in peers.items()} == {
        "old": ("done", "diag.tgz, 3 bytes"),
        "new": ("done", "new.log, 2,000 bytes"),
        "fails": ("failed no-effect", "UploadFailure"),
        "rejects": ("failed rejected", "Rejected"),
        "lacks": ("skipped not-supported", "The station answered GetDiagnostics with NotSupported."),
        "silent": ("failed connection-lost", ""),
    }
    assert (campaign["state"], campaign["sentence"]) == ("finished", "Diagnostics log (retries: 1)")
    [log] = records.of("chargepoints_logupload", peers["new"].identity)
    assert (log["actor"], log["state"]) == (f"campaign {campaign['id']}", "received")


async def test_a_silent_upload_ends_with_the_campaign(server, operator, records, yard) -> None:
    peer = await yard(V201)
    soon = (datetime.now(UTC) + timedelta(seconds=8)).isoformat()
    one = await create(operator, [peer], "logs", {"logType": "SecurityLog"}, deadlineAt=soon)
    await peer.answer(await peer.next_call(), ACCEPTED)
    await ended(operator, one, records)

    assert await results(operator, one) == {peer.identity: "failed deadline"}


# -- local lists ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V16, V201])
async def test_a_local_list_is_done_when_the_station_has_it(
    server, operator, records, yard, version: str
) -> None:
    names = ("takes", "refuses", "lacks")
    peers = {name: await yard(version, name) for name in names}
    lists = {name: ListStation(peer) for name, peer in peers.items()}
    lists["refuses"].replies = [{"status": "Failed"}]
    lists["lacks"].enabled = "false"
    one = await create(operator, list(peers.values()), "local-list", {})

    async def serving(name: str) -> None:
        await lists[name].serve(ended(operator, one, records))

    await asyncio.gather(*map(serving, names))

    found, words = await results(operator, one), await details(operator, one)
    assert found == {
        peers["takes"].identity: "done",
        peers["refuses"].identity: "failed rejected",
        peers["lacks"].identity: "skipped not-supported",
    }
    assert words[peers["takes"].identity] == f"Version 1, {len(lists['takes'].listed())} entries"
    assert words[peers["refuses"].identity] == "The station answered SendLocalList with Failed."
    assert words[peers["lacks"].identity]
    # The station is asked for its version once, and every command has the campaign as its actor.
    assert lists["takes"].actions.count("GetLocalListVersion") == 1
    actors = {command["actor"] for command in records.commands(peers["takes"].identity)}
    assert actors == {f"campaign {one.rpartition('/')[2]}"}


async def test_a_change_of_a_token_is_one_campaign_with_the_result_of_each_station(make_server, yard) -> None:
    quick = make_server(OCPP_LOCAL_LIST_DELAY="1s")
    operator, records = Operator(quick), Records(quick.database)
    token = await operator.add_token("FIRST")
    takes, fails = ListStation(await yard(at=quick)), ListStation(await yard(at=quick))

    async def changes() -> None:
        for one in (takes, fails):
            path = f"/api/v1/chargepoints/{one.peer.identity}/sync-local-list"
            await operator.request("POST", path, {})
        fails.replies = [{"status": "Failed"}]
        for status in ("blocked", "active", "blocked"):  # three changes at once
            await operator.request("PATCH", f"/api/v1/tokens/{token}", {"status": status})
        rows = "SELECT * FROM chargepoints_campaignstation WHERE state = ? AND reason = ?"
        await eventually(lambda: records.rows(rows, "done", ""), timeout=60)
        await eventually(lambda: records.rows(rows, "waiting", "rejected"), timeout=60)

        campaign = await the_only_one()
        assert (campaign["actor"], campaign["state"]) == ("server", "running")
        one = f"{CAMPAIGNS}/{campaign['id']}"
        # The station that has refused waits for another attempt of the campaign.
        assert await results(operator, one) == {
            takes.peer.identity: "done",
            fails.peer.identity: "waiting rejected",
        }

        # The next change goes with the campaign that still runs, and takes both stations again.
        await operator.request("PATCH", f"/api/v1/tokens/{token}", {"status": "active"})
        await ended(operator, one, records)
        assert set((await results(operator, one)).values()) == {"done"}
        assert (await the_only_one())["id"] == campaign["id"]
        for one_list in (takes, fails):
            actors = {row["actor"] for row in records.commands(one_list.peer.identity)}
            assert f"campaign {campaign['id']}" in actors and "server" not in actors

    async def the_only_one() -> dict[str, Any]:
        _, answer = await operator.request("GET", f"{CAMPAIGNS}?kind=local-list")
        [found] = answer["data"]["campaigns"]
        return dict(found)

    doing = asyncio.create_task(changes())
    await asyncio.gather(takes.serve(doing), fails.serve(doing))

    assert takes.listed() == fails.listed() == {"FIRST": "Accepted"}


# -- charging profiles ---------------------------------------------------------------------------------------


async def test_one_profile_for_many_stations(server, operator, records, yard) -> None:
    names = {"takes": V16, "takes too": V201, "rejects": V16, "lacks": V16, "errs": V21}
    peers = {name: await yard(version, name.replace(" ", "-")) for name, version in names.items()}
    one = await create(operator, list(peers.values()), "charging-profile", PROFILE)
    calls = {name: await peer.next_call() for name, peer in peers.items()}
    for name, reply in {
        "takes": ACCEPTED, "takes too": ACCEPTED, "rejects": {"status": "Rejected"},
        "lacks": {"status": "NotSupported"},
    }.items():  # fmt: skip
        await peers[name].answer(calls[name], reply)
    await peers["errs"].send([4, calls["errs"][1], "InternalError", "broken", {}])
    campaign = await ended(operator, one, records)

    found = await results(operator, one)
    assert {name: found[peer.identity] for name, peer in peers.items()} == {
        "takes": "done",
        "takes too": "done",
        "rejects": "failed rejected",
        "lacks": "skipped not-supported",
        "errs": "failed error",
    }
    # All stations got the same schedule: it begins with the campaign.
    begins = {
        calls["takes"][3]["csChargingProfiles"]["chargingSchedule"]["startSchedule"],
        calls["takes too"][3]["chargingProfile"]["chargingSchedule"][0]["startSchedule"],
    }
    assert begins == {campaign["arguments"]["startSchedule"]}

    again = await create(
        operator, [peers["takes"], peers["takes too"], peers["rejects"]], "charging-profile",
        campaign["arguments"],
    )  # fmt: skip
    await peers["rejects"].answer(await peers["rejects"].next_call(), ACCEPTED)
    await ended(operator, again, records)

    found = await results(operator, again)
    assert {name: found[peers[name].identity] for name in ("takes", "takes too", "rejects")} == {
        "takes": "skipped unchanged",
        "takes too": "skipped unchanged",
        "rejects": "done",
    }


async def test_a_profile_that_no_station_could_take_is_refused(server, operator, yard) -> None:
    peer = await yard()
    arguments = PROFILE | {"chargingProfilePurpose": "TxProfile"}
    body = a_campaign("charging-profile", arguments, [peer.identity])

    status, answer = await operator.request("POST", CAMPAIGNS, body)

    assert status == 400
    assert [one["field"] for one in answer["data"]["errors"]] == ["arguments.chargingProfilePurpose"]
