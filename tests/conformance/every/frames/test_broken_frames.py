"""Frames that are not JSON: the station gets an answer where its id can be read, the operator sees the frame,
and a broken answer to a command ends it at once (R16, R26, decision 0065).
"""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.messages import deviations, event, start
from tests.conformance.peer import V16, V21, fresh, new_id, station

SECRET = "k-51d0a7-of-wifi"


def _messages(records, identity, message_id):
    return [row for row in records.of("chargepoints_message", identity) if row["message_id"] == message_id]


# -- calls ---------------------------------------------------------------------------------------------------


async def test_a_call_that_is_no_JSON_is_answered_under_its_id_and_logged(server, records, version):
    text = f'[2,"cut-1","StatusNotification",{{"info":"x","psk":"{SECRET}","connectorId":1,'
    async with station(server, version) as peer:
        await peer.send_raw(text)
        answer = await peer.next_frame()
        await peer.heartbeat()
        (row,) = _messages(records, peer.identity, "cut-1")
        identity = peer.identity

    code = "FormationViolation" if version == V16 else "RpcFrameworkError"
    assert answer == [4, "cut-1", code, "The frame is not valid JSON: the text is cut off.", {}]
    assert (row["action"], row["error_code"], row["size"]) == ("StatusNotification", code, len(text))
    assert row["request"] == '[2,"cut-1","StatusNotification",{"info":"x","psk":"***","connectorId":1…'
    found = await deviations(records, identity)
    assert found["broken-frame"]["action"] == "StatusNotification"
    assert SECRET not in found["broken-frame"]["example"]


async def test_a_frame_without_a_readable_id_is_logged_too(server, records, version):
    async with station(server, version) as peer:
        await peer.send_raw("hello?")
        await peer.heartbeat() if version == V16 else await peer.next_frame()
        (row,) = _messages(records, peer.identity, "")

    assert (row["request"], row["action"]) == ("hello?", "")


async def test_raw_control_characters_are_accepted_stored_and_counted(server, records, version):
    text = '[2,"tab-1","DataTransfer",{"vendorId":"V\n","data":"a\tb\r\n\x01"}]\n\x00'
    async with station(server, version) as peer:
        await peer.send_raw(text)
        assert (await peer.next_frame())[:2] == [3, "tab-1"]
        (row,) = _messages(records, peer.identity, "tab-1")
        identity = peer.identity

    assert row["error_code"] == ""
    assert "control-characters" in await deviations(records, identity)


async def test_a_strict_station_gets_an_error_for_what_is_repaired_for_others(server, operator, version):
    identity = fresh()
    await operator.provision(identity, validation="strict")
    async with station(server, version, identity) as peer:
        for text in ('[2,"s-1","DataTransfer",{"vendorId":"V\n"}]', '[2,"s-1","Heartbeat"]'):
            await peer.send_raw(text)
            assert (await peer.next_frame())[:2] == [4, "s-1"]
        await peer.heartbeat()


async def test_a_call_without_a_payload_has_an_empty_one(server, records, version):
    async with station(server, version) as peer:
        await peer.send_raw('[2,"bare-1","Heartbeat"]')
        assert "currentTime" in (await peer.next_frame())[2]
        identity = peer.identity

    assert (await deviations(records, identity))["missing-payload"]["action"] == "Heartbeat"


async def test_a_broken_message_about_money_is_kept_for_the_operator_once(server, records, version):
    if version == V16:
        action, payload = "StartTransaction", start()
    else:
        action, payload = "TransactionEvent", event("Started", "t-broken", 0)
    broken = str(payload).replace("'", '"')[:-1]
    async with station(server, version) as peer:
        for _ in range(2):
            await peer.send_raw(f'[2,"money-1","{action}",{broken}')
            assert (await peer.next_frame())[:2] == [4, "money-1"]
        (kept,) = records.quarantined(peer.identity)

    assert (kept["action"], kept["reason"]) == (action, "bad-message")
    assert kept["payload"] == f'[2,"money-1","{action}",{broken}'


# -- answers -------------------------------------------------------------------------------------------------

_ASKED = {V16: ("GetConfiguration", {})}
_IN_2X = ("GetVariables", {"getVariableData": [{"component": {"name": "C"}, "variable": {"name": "V"}}]})
_BROKEN_ANSWERS = {
    "cut off": '[3,"{id}",{"configurationKey":[]',
    "only the type and the id": '[3,"{id}"',
    "trailing bytes": '[3,"{id}",{"status":"Accepted"}]}',
    "an error that is cut off": '[4,"{id}","NotSup',
}


@pytest.mark.parametrize("name", _BROKEN_ANSWERS)
async def test_R26_a_broken_answer_ends_the_command_at_once(server, operator, records, version, name):
    action, payload = _ASKED.get(version, _IN_2X)
    async with station(server, version) as peer:
        asking = asyncio.create_task(operator.command(peer.identity, action, payload, timeout=120))
        call = await peer.next_call()
        text = _BROKEN_ANSWERS[name].replace("{id}", call[1])
        await peer.send_raw(text)

        status, data = await asyncio.wait_for(asking, 60)

        if version == V21 and text.startswith("[3"):
            assert (await peer.next_frame())[:3] == [5, call[1], "FormatViolation"]
        # The next command is not blocked, and an answer under the old id is not taken for its answer.
        next_one = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        assert (await next_one)[0] == 200
        await peer.heartbeat()

    assert (status, data["status"]) == (502, "Invalid")
    command = records.command(call[1])
    shown = text if name == "cut off" else text.rpartition(",")[0] if name.startswith("an error") else None
    assert command["state"] == "invalid"
    if name == "cut off":
        assert data["response"] == {"raw": text}
    assert call[1] in command["response"]
    assert shown is None or shown in command["response"].replace('\\"', '"')
    (row,) = _messages(records, peer.identity, call[1])
    assert call[1] in row["response"]


@pytest.mark.parametrize("rest", ["", ",null", ",[]", ',"text"', ",5"])
async def test_R26_an_answer_that_is_no_object_ends_the_command_at_once(server, operator, version, rest):
    async with station(server, version) as peer:
        asking = asyncio.create_task(operator.command(peer.identity, "ClearCache", timeout=120))
        call = await peer.next_call()
        await peer.send_raw(f'[3,"{call[1]}"{rest}]')

        assert (await asyncio.wait_for(asking, 60))[0] == 502


async def test_a_broken_answer_shows_no_secret(server, operator, records):
    async with station(server) as peer:
        asking = asyncio.create_task(operator.command(peer.identity, "GetConfiguration", timeout=120))
        call = await peer.next_call()
        keys = f'{{"key":"AuthorizationKey","readonly":false,"value":"{SECRET}"}},{{"value":"{SECRET}"'
        await peer.send_raw(f'[3,"{call[1]}",{{"configurationKey":[{keys}')
        status, data = await asyncio.wait_for(asking, 60)
        identity = peer.identity

    assert status == 502
    assert "AuthorizationKey" in data["response"]["raw"]
    rows = [*records.of("chargepoints_message", identity), records.command(call[1])]
    assert SECRET not in str([data, rows, await deviations(records, identity)])


async def test_a_broken_answer_to_no_call_is_counted_and_not_answered(server, records, version):
    async with station(server, version) as peer:
        await peer.send_raw(f'[3,"{new_id()}",{{')
        await peer.heartbeat()
        identity = peer.identity

    assert "broken-frame" in await deviations(records, identity)
