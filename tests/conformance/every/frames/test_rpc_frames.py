"""R07-R21: frames and messages; a case applies to every version unless its name has one."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.messages import deviations, spelled
from tests.conformance.peer import (
    TIMEOUT_S,
    V16,
    V21,
    V201,
    Refused,
    at,
    fresh,
    new_id,
    station,
)

# The error of an action that is in the specification but is not served here.
_UNSUPPORTED = {
    V16: "RemoteStartTransaction",
    V201: "RequestStartTransaction",
    V21: "RequestStartTransaction",
}


def _status(version, **changed):
    if version == V16:
        return {"connectorId": 1, "errorCode": "NoError", "status": "Available", **changed}
    return {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1, **changed}


def _broken(version):
    """Payloads that break one rule each, and the error code of a strict server."""
    status = "status" if version == V16 else "connectorStatus"
    return [
        (_status(version, **{status: "Avialable"}), "PropertyConstraintViolation"),
        (_status(version, unheardOf=1), "FormatViolation"),
    ]


# -- calls and their answers ---------------------------------------------------------------------------------


async def test_R07_a_call_is_answered_under_its_id_with_an_object(server, version):
    async with station(server, version) as peer:
        message_id = new_id()
        payload = {"vendorId": "v"}
        frame = await peer.exchange("DataTransfer", payload, message_id=message_id)
        assert frame[0] == 3
        assert frame[1] == message_id
        assert len(frame) == 3

        await peer.send([2, "empty", "StatusNotification", _status(version)])
        assert await asyncio.wait_for(peer.socket.recv(), TIMEOUT_S) == '[3,"empty",{}]'


async def test_R08_an_unknown_action_is_not_implemented(server, version):
    async with station(server, version) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("MakeCoffee", {"sugar": 2})

        assert refused.value.code == "NotImplemented"
        await peer.heartbeat()


async def test_R09_a_known_action_that_is_not_served_is_not_supported(server, version):
    async with station(server, version) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call(_UNSUPPORTED[version], {})

        assert refused.value.code == "NotSupported"
        await peer.heartbeat()


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"missing": "status"}, "OccurrenceConstraintViolation"),
        ({"status": 5}, "TypeConstraintViolation"),
        ({"status": {}}, "TypeConstraintViolation"),
        ({"status": None}, "TypeConstraintViolation"),
    ],
)
async def test_R10_R11_a_wrong_structure_is_refused_by_a_tolerant_server_too(server, version, broken, code):
    payload = {"status": "Idle", "requestId": 1}
    action = "StatusNotification"
    payload = _status(version)
    field = "status" if version == V16 else "connectorStatus"
    if "missing" in broken:
        del payload[field]
    else:
        payload[field] = broken["status"]

    async with station(server, version) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call(action, payload)

        assert refused.value.code == spelled(code, version)
        assert field in refused.value.description
        assert len(refused.value.description) <= 255
        await peer.heartbeat()


async def test_R12_R13_a_strict_station_gets_an_error_for_an_invalid_value(server, operator, version):
    identity = fresh()
    await operator.provision(identity, validation="strict")

    async with station(server, version, identity) as peer:
        for payload, code in _broken(version):
            with pytest.raises(Refused) as refused:
                await peer.call("StatusNotification", payload)
            assert refused.value.code == spelled(code, version)
        with pytest.raises(Refused) as refused:
            await peer.call("DataTransfer", {"vendorId": "v" * 256})
        assert refused.value.code == "PropertyConstraintViolation"
        await peer.heartbeat()


async def test_R12_R13_a_tolerant_server_accepts_counts_and_keeps_an_example(server, records, version):
    async with station(server, version) as peer:
        for payload, _ in _broken(version):
            assert await peer.call("StatusNotification", payload) == {}
        identity = peer.identity

    found = await deviations(records, identity)
    assert {"unknown-value", "extra-property"} <= set(found)
    assert "unheardOf" in found["extra-property"]["example"]


@pytest.mark.parametrize("version", [V201, V21])
async def test_R13_TC_P_03_custom_data_is_accepted_even_from_a_strict_station(
    server, operator, records, version
):
    identity = fresh()
    await operator.provision(identity, validation="strict")
    custom = {"vendorId": "v", "anything": {"deep": [1, 2]}}

    async with station(server, version, identity) as peer:
        assert await peer.call("StatusNotification", _status(version, customData=custom)) == {}

    (connector,) = records.of("chargepoints_connector", identity)
    assert (connector["number"], connector["status"]) == (1, "Available")


async def test_R14_a_list_that_is_too_short_is_refused_by_a_strict_server(server, operator, version):
    identity = fresh()
    await operator.provision(identity, validation="strict")
    place = {"connectorId": 1} if version == V16 else {"evseId": 1}
    async with station(server, version, identity) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call(
                "MeterValues", {**place, "meterValue": [{"timestamp": at(), "sampledValue": "no"}]}
            )
        assert refused.value.code == "TypeConstraintViolation"
        with pytest.raises(Refused) as refused:
            await peer.call("MeterValues", {**place, "meterValue": []})
        assert refused.value.code == spelled("OccurrenceConstraintViolation", version)


async def test_R14_a_tolerant_server_reads_an_empty_list_as_no_elements(server, records, version):
    place = {"connectorId": 1} if version == V16 else {"evseId": 1}
    async with station(server, version) as peer:
        assert await peer.call("MeterValues", {**place, "meterValue": []}) == {}
        identity = peer.identity

    assert "empty-array" in await deviations(records, identity)


# -- broken frames -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["", "x", "{", "[", "null", '"a"', "{}", "[]", "[2]", '[2,"a', "[2,,]"])
async def test_R16_an_invalid_frame_is_answered_as_the_version_requires(server, version, frame):
    async with station(server, version) as peer:
        await peer.send_raw(frame)

        if version == V16:
            await peer.heartbeat()
        else:
            answer = await peer.next_frame()
            assert answer[:3] == [4, "-1", "RpcFrameworkError"]
            assert len(answer[3]) <= 255
            assert answer[4] == {}
            await peer.heartbeat()


@pytest.mark.parametrize("frame", ['[2,"abc"]', '[2,"abc",{}]', '[2,"abc","Heartbeat",{},1]'])
async def test_R16_the_wrong_number_of_elements_is_answered_under_the_id(server, version, frame):
    async with station(server, version) as peer:
        await peer.send_raw(frame)
        answer = await peer.next_frame()

        assert answer[:2] == [4, "abc"]
        assert answer[2] == ("FormationViolation" if version == V16 else "RpcFrameworkError")
        await peer.heartbeat()


async def test_R16_ten_broken_frames_in_a_row_close_the_socket_and_a_valid_one_resets_the_count(server):
    async with station(server) as peer:
        for _ in range(9):
            await peer.send_raw("nonsense")
        await peer.heartbeat()
        for _ in range(10):
            await peer.send_raw("nonsense")

        assert await peer.closed() == 1002


@pytest.mark.parametrize("message_id", [7, None, "", "x" * 37, {}, [], True])
async def test_R17_an_invalid_id_is_refused_and_nothing_runs(server, records, version, message_id):
    async with station(server, version) as peer:
        await peer.send([2, message_id, "Authorize", {"idTag": "NEVER"}])
        if version == V16 and not isinstance(message_id, (int, str)) or message_id in ("", True):
            if version != V16:
                assert (await peer.next_frame())[:3] == [4, "-1", "RpcFrameworkError"]
        elif version == V16:
            assert (await peer.next_frame())[:3] == [4, message_id, "FormationViolation"]
        else:
            assert (await peer.next_frame())[:3] == [4, "-1", "RpcFrameworkError"]
        await peer.heartbeat()

    assert not records.rows("SELECT * FROM accounts_unknowntoken WHERE uid = 'NEVER'")


@pytest.mark.parametrize("action", [{}, [], 5, None, "", True, {"a": []}])
async def test_R18_an_action_that_is_no_text_is_refused_and_the_loop_survives(server, version, action):
    async with station(server, version) as peer:
        await peer.send([2, "abc", action, {}])
        answer = await peer.next_frame()

        assert answer[:2] == [4, "abc"]
        assert answer[2] == ("FormationViolation" if version == V16 else "RpcFrameworkError")
        await peer.heartbeat()


@pytest.mark.parametrize("kind", [0, 1, 7, 99, -2])
async def test_R19_an_unknown_message_type_is_ignored_and_2_0_1_answers_an_error(server, version, kind):
    async with station(server, version) as peer:
        await peer.send([kind, "abc", "Heartbeat", {}])

        if version == V201:
            assert (await peer.next_frame())[:3] == [4, "abc", "MessageTypeNotSupported"]
        await peer.heartbeat()


@pytest.mark.parametrize("kind", ["2.0", '"2"', "true", "null", "[2]", "2e0"])
async def test_R19_only_the_integer_2_is_a_call(server, version, kind):
    async with station(server, version) as peer:
        await peer.send_raw(f'[{kind},"abc","Heartbeat",{{}}]')

        answer = await peer.next_frame()
        assert answer[:2] == [4, "abc"]
        await peer.heartbeat()


# -- message ids used again ----------------------------------------------------------------------------------


async def test_R20_a_call_sent_twice_at_once_has_one_effect(server, records):
    async with station(server) as peer:
        start = {"connectorId": 1, "idTag": "ALICE0001", "meterStart": 0, "timestamp": at()}
        for _ in range(2):
            await peer.send([2, "once", "StartTransaction", start])
        first = await peer.next_frame()
        answers = [first]
        await peer.send([2, "end", "Heartbeat", {}])
        while (frame := await peer.next_frame())[1] != "end":
            answers.append(frame)

        # The call is answered once, or twice with the same answer.
        assert all(answer == first for answer in answers)
        assert records.transaction(peer.identity)["id"] == first[2]["transactionId"]


async def test_R21_a_retry_under_the_same_id_gets_the_same_answer(server, records, version):
    async with station(server, version) as peer:
        payload = {"vendorId": "V"}
        first = await peer.exchange("DataTransfer", payload, message_id="again")
        assert await peer.exchange("DataTransfer", payload, message_id="again") == first
        identity = peer.identity

    async with station(server, version, identity, boot=False) as peer:
        assert await peer.exchange("DataTransfer", payload, message_id="again") == first

    assert (
        len([m for m in records.of("chargepoints_message", identity) if m["action"] == "DataTransfer"]) == 1
    )


async def test_R21_the_same_id_for_another_message_is_new_on_a_new_socket_and_an_error_on_the_same(server):
    identity = fresh()
    async with station(server, V16, identity) as peer:
        await peer.call("DataTransfer", {"vendorId": "V"}, message_id="7")
        with pytest.raises(Refused):
            await peer.call("DataTransfer", {"vendorId": "W"}, message_id="7")

    async with station(server, V16, identity, boot=False) as peer:
        await peer.call("DataTransfer", {"vendorId": "W"}, message_id="7")
