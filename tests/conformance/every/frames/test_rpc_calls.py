"""R22-R30, R35, R37: calls to stations, and their answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conformance.messages import deviations
from tests.conformance.peer import (
    TIMEOUT_S,
    V16,
    V21,
    V201,
    VERSIONS,
    eventually,
    station,
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "code", ["FormationViolation", "FormatViolation", "OccurenceConstraintViolation", "Odd"]
)
async def test_R15_R29_any_error_code_of_a_station_ends_the_command(server, operator, records, version, code):
    async with station(server, version) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        call = await peer.next_call()
        await peer.send([4, call[1], code, "because", {"why": 1}])
        status, data = await sent

    assert status == 502
    assert (data["errorCode"], data["description"], data["details"]) == (code, "because", {"why": 1})
    # The list of codes is closed: a word that no version of OCPP has is in `errorCode` alone.
    assert data["code"] == ("station-error" if code == "Odd" else code)
    assert records.command(call[1])["state"] == "error"


@pytest.mark.parametrize(
    "tail", [["InternalError"], ["InternalError", None, None], ["InternalError", "x"], []]
)
async def test_R29_an_error_with_missing_parts_ends_the_command_too(server, operator, records, tail):
    async with station(server) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        call = await peer.next_call()
        await peer.send([4, call[1], *tail])
        status, _ = await sent
        await peer.heartbeat()

    assert status == 502
    assert records.command(call[1])["state"] == "error"


# -- calls to stations ---------------------------------------------------------------------------------------


async def test_R22_twenty_commands_at_once_go_out_one_after_the_other_in_order(server, operator, version):
    async with station(server, version) as peer:
        ids = [await operator.submit(peer.identity, "DataTransfer", {"vendorId": str(n)}) for n in range(10)]
        waiting = [
            asyncio.create_task(operator.command(peer.identity, "DataTransfer", {"vendorId": f"w{n}"}))
            for n in range(10)
        ]
        seen = []
        for _ in range(20):
            call = await peer.next_call()
            # While a call is open the station may send requests, and the server sends no second call.
            await peer.heartbeat()
            assert not peer.calls
            seen.append(call)
            await peer.answer(call, {"status": "Accepted", "data": call[3]["vendorId"]})
        answers = await asyncio.gather(*waiting)

    assert [call[1] for call in seen[:10]] == ids
    assert sorted(call[3]["vendorId"] for call in seen[10:]) == sorted(f"w{n}" for n in range(10))
    for number, (status, data) in enumerate(answers):
        assert status == 200
        assert data["response"]["data"] == f"w{number}"


async def test_R23_F35_a_late_answer_is_recorded_and_never_matches_the_next_command(
    server, operator, records
):
    async with station(server) as peer:
        status, first = await operator.command(peer.identity, "ClearCache", timeout=3)
        late = await peer.next_call()
        assert status == 408
        assert records.command(late[1])["state"] == "timeout"

        sent = asyncio.create_task(operator.command(peer.identity, "DataTransfer", {"vendorId": "V"}))
        call = await peer.next_call()
        await peer.answer(late, {"status": "Accepted"})
        await peer.heartbeat()
        await peer.answer(call, {"status": "UnknownVendorId"})
        status, data = await sent

    assert (status, data["status"]) == (200, "UnknownVendorId")
    assert records.command(late[1])["state"] == "late"
    assert records.command(call[1])["state"] == "rejected"


async def test_a_command_that_waited_past_its_deadline_is_never_sent(server, operator, records):
    async with station(server) as peer:
        slow = await operator.submit(peer.identity, "ClearCache", timeout=60)
        queued = await operator.submit(peer.identity, "DataTransfer", {"vendorId": "V"}, timeout=1)
        first = await peer.next_call()
        assert first[1] == slow
        await eventually(lambda: records.command(queued)["state"] == "timeout")
        await peer.answer(first, {"status": "Accepted"})
        await peer.heartbeat()

        assert not peer.calls
        assert records.command(queued)["sent_at"] is None
        assert records.command(slow)["state"] == "accepted"


@pytest.mark.parametrize("frame", [[3, "nobody", {}], [4, "nobody", "InternalError", "", {}], [3, "nobody"]])
async def test_R24_answers_without_a_call_are_counted_and_change_nothing(server, records, version, frame):
    async with station(server, version) as peer:
        for _ in range(3):
            await peer.send(frame)
        await peer.heartbeat()
        identity = peer.identity

    found = await deviations(records, identity)
    assert {kind: row["count"] for kind, row in found.items()} == {"unknown-answer": 3}


async def test_R25_the_server_answers_while_its_own_call_is_open_and_so_does_the_station(
    server, operator, version
):
    async with station(server, version) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        call = await peer.next_call()
        token = {"idTag": "ALICE0001"}
        if version != V16:
            token = {"idToken": {"idToken": "ALICE0001", "type": "ISO14443"}}
        answer = await peer.call("Authorize", token)
        await peer.answer(call, {"status": "Accepted"})

        info = answer["idTagInfo" if version == V16 else "idTokenInfo"]
        assert info["status"] == "Accepted"
        assert (await sent)[0] == 200


@pytest.mark.parametrize("payload", [{"status": 5}, {}, [], "text", 7])
async def test_R26_an_answer_that_breaks_its_schema_is_kept_and_2_1_gets_an_error(
    server, operator, records, version, payload
):
    async with station(server, version) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        call = await peer.next_call()
        await peer.answer(call, payload)
        if version == V21:
            assert (await peer.next_frame())[:2] == [5, call[1]]
        status, _ = await sent
        await peer.heartbeat()

    command = records.command(call[1])
    assert status == 502
    assert command["state"] == "invalid"
    assert json.loads(json.loads(command["response"])["raw"]) == payload


async def test_R27_a_2_1_station_may_refuse_an_answer_and_gets_no_reply(server, records):
    async with station(server, V21) as peer:
        await peer.send([5, "some-id", "FormatViolation", "what was that", {}])
        await peer.heartbeat()
        identity = peer.identity

    found = await deviations(records, identity)
    assert "FormatViolation" in found["refused-our-answer"]["detail"]


@pytest.mark.parametrize(
    "payload", [{"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": []}, {}, 5]
)
async def test_R28_a_send_is_never_answered(server, payload):
    async with station(server, V21) as peer:
        await peer.send([6, "s1", "NotifyPeriodicEventStream", payload])
        await peer.send([6, "s2", "MakeCoffee", {}])
        await peer.send([6, 5, None])

        await peer.heartbeat()


@pytest.mark.parametrize("version", [V16, V201])
async def test_R28_before_2_1_a_send_is_an_unknown_type(server, version):
    async with station(server, version) as peer:
        await peer.send([6, "s1", "NotifyPeriodicEventStream", {}])

        if version == V201:
            assert (await peer.next_frame())[:3] == [4, "s1", "MessageTypeNotSupported"]
        await peer.heartbeat()


async def test_R30_F01_a_lost_connection_ends_every_command_at_once_and_nothing_is_replayed(
    server, operator, records
):
    async with station(server) as peer:
        identity = peer.identity
        waiting = [
            asyncio.create_task(operator.command(identity, "DataTransfer", {"vendorId": str(n)}))
            for n in range(3)
        ]
        await peer.next_call()
        await eventually(lambda: len(records.commands(identity)) == 3)
        began = asyncio.get_running_loop().time()
        peer.abort()
        answers = await asyncio.gather(*waiting)

    assert asyncio.get_running_loop().time() - began < 15  # their timeout is twice as long
    assert [status for status, _ in answers] == [503] * 3
    assert {row["state"] for row in records.commands(identity)} == {"disconnected"}
    async with station(server, V16, identity) as peer:
        await peer.heartbeat()
        assert not peer.calls


async def test_R35_sent_messages_have_no_null_and_utc_times(server, operator, version):
    async with station(server, version) as peer:
        boot = await peer.boot()
        assert boot["currentTime"].endswith("Z")
        assert len(boot["currentTime"]) == len("2026-01-01T00:00:00.000Z")
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        text = await asyncio.wait_for(peer.socket.recv(), TIMEOUT_S)
        call = json.loads(text)
        await peer.answer(call, {"status": "Accepted"})
        await sent

    assert len(call[1]) == 36
    assert text == json.dumps(call, separators=(",", ":"))


async def test_R37_decimals_are_sent_as_they_were_written(server, operator):
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 21.4}],
        },
    }
    async with station(server) as peer:
        sent = asyncio.create_task(
            operator.command(
                peer.identity, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}
            )
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})

        assert (await sent)[0] == 200
        assert call[3]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 21.4
