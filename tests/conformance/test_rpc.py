"""R01-R37: the connection and the frames, the same for every version unless a case says otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from tests.conformance.peer import (
    V16,
    V21,
    V201,
    VERSIONS,
    Operator,
    Records,
    Refused,
    at,
    eventually,
    fresh,
    new_id,
    station,
)

# What an action answers that the specification knows and this server does not serve.
_UNSUPPORTED = {
    V16: "RemoteStartTransaction",
    V201: "RequestStartTransaction",
    V21: "RequestStartTransaction",
}


async def deviations(records, identity):
    """What was counted for a station by kind; written when its socket is gone."""
    rows = await eventually(lambda: records.of("chargepoints_deviation", identity))
    return {row["kind"]: row for row in rows}


def spelled(code, version):
    """The two codes that 1.6 misspells (errata J 5.1, 5.2)."""
    if version != V16:
        return code
    return {
        "FormatViolation": "FormationViolation",
        "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    }.get(code, code)


# -- the handshake -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        ([V21, V201, V16], V21),
        ([V201, V16], V201),
        ([V16, V21], V16),
        (["ocpp0.9", V201], V201),
        (["ocpp1.5", V16, "xmpp"], V16),
    ],
)
async def test_R01_the_first_offered_version_that_is_spoken_is_chosen(server, offers, chosen):
    async with station(server, chosen, offers=offers) as peer:
        assert peer.socket.subprotocol == chosen
        assert peer.socket.response.headers.get_all("Sec-WebSocket-Protocol") == [chosen]


async def test_21_01_a_2_0_1_station_works_beside_a_2_1_station(server, records):
    async with station(server, V21, offers=[V21, V201]) as new, station(server, V201) as old:
        await new.heartbeat()
        await old.heartbeat()

        assert records.charge_point(new.identity)["ocpp_version"] == V21
        assert records.charge_point(old.identity)["ocpp_version"] == V201


@pytest.mark.parametrize("offers", [[], ["ocpp1.5"], ["ocpp1.6j", "OCPP1.6"]])
async def test_R02_no_version_in_common_completes_the_handshake_and_closes(server, records, offers):
    identity = fresh()

    async with station(server, V16, identity, offers=offers, boot=False) as peer:
        assert "Sec-WebSocket-Protocol" not in peer.socket.response.headers
        assert await peer.closed() == 1002

    assert not records.rows("SELECT * FROM chargepoints_chargepoint WHERE identity = ?", identity)
    (refusal,) = records.refusals(identity)
    assert (refusal["code"], refusal["subprotocols"]) == (1002, ", ".join(offers))
    assert "subprotocol" in refusal["reason"]


@pytest.mark.parametrize("header", ["ocpp1.6, ocpp1.6", "ocpp1.6,,ocpp2.0.1", "ocpp 1.6", "ocpp1.6;"])
async def test_R03_a_malformed_subprotocol_header_is_a_bad_request(server, header):
    with pytest.raises(InvalidStatus) as refused:
        async with station(server, offers=[], headers={"Sec-WebSocket-Protocol": header}, boot=False):
            pass

    assert refused.value.response.status_code == 400


async def test_R04_an_unknown_identity_is_not_found_where_stations_are_entered_first(refusing):
    server = refusing

    with pytest.raises(InvalidStatus) as refused:
        async with station(server, V16, "NOBODY", boot=False):
            pass

    assert refused.value.response.status_code == 404
    status, answer = server.request("GET", "/api/v1/chargepoints/NOBODY")
    assert status == 404, answer


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("RDAM%20{0}", "RDAM {0}"),
        ("RDAM%7C{0}", "RDAM|{0}"),
        ("%C3%84-{0}", "Ä-{0}"),
        ("a%2520{0}", "a%20{0}"),
    ],
)
async def test_R05_the_identity_is_decoded_once(server, records, path, identity):
    unique = fresh()[3:]

    async with station(server, V16, path=f"/ocpp/{path.format(unique)}") as peer:
        await peer.heartbeat()

    assert records.charge_point(identity.format(unique))["is_online"] in (0, 1)


@pytest.mark.parametrize("path", ["a%2Fb", "..", "%2e%2e", "a%00b", "a%3Ab", "%FF", "a%5Cb", "", "A" * 256])
async def test_R05_an_identity_that_could_be_misread_is_refused(server, path):
    with pytest.raises(InvalidStatus) as refused:
        async with station(server, V16, path=f"/ocpp/{path}", boot=False):
            pass

    assert refused.value.response.status_code in (400, 404)


async def test_R05_2_x_identities_have_at_most_48_characters(server):
    with pytest.raises(InvalidStatus) as refused:
        async with station(server, V201, "A" * 49, boot=False):
            pass

    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("path", ["/ocpp/{0}/", "//ocpp//{0}//", "/ocpp/{0}?token=1", "/a/b/c/{0}", "/{0}"])
async def test_R06_however_the_address_is_spelled_it_is_one_station(server, records, path):
    identity = fresh()
    async with station(server, V16, identity):
        pass

    async with station(server, V16, path=path.format(identity.upper())) as peer:
        await peer.heartbeat()

    found = records.rows("SELECT * FROM chargepoints_chargepoint WHERE identity_key = ?", identity.casefold())
    assert [row["identity"] for row in found] == [identity]


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
        assert await asyncio.wait_for(peer.socket.recv(), 5) == '[3,"empty",{}]'


async def test_R08_an_action_nobody_knows_is_not_implemented(server, version):
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


def _status(version, **changed):
    if version == V16:
        return {"connectorId": 1, "errorCode": "NoError", "status": "Available", **changed}
    return {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1, **changed}


def _odd(version):
    """Payloads that break one rule each, and the code a strict server answers."""
    status = "status" if version == V16 else "connectorStatus"
    return [
        (_status(version, **{status: "Avialable"}), "PropertyConstraintViolation"),
        (_status(version, unheardOf=1), "FormatViolation"),
    ]


async def test_R12_R13_a_strict_station_hears_what_is_wrong_with_a_value(server, operator, version):
    identity = fresh()
    await operator.provision(identity, validation="strict")

    async with station(server, version, identity) as peer:
        for payload, code in _odd(version):
            with pytest.raises(Refused) as refused:
                await peer.call("StatusNotification", payload)
            assert refused.value.code == spelled(code, version)
        with pytest.raises(Refused) as refused:
            await peer.call("DataTransfer", {"vendorId": "v" * 256})
        assert refused.value.code == "PropertyConstraintViolation"
        await peer.heartbeat()


async def test_R12_R13_a_tolerant_server_accepts_counts_and_keeps_an_example(server, records, version):
    async with station(server, version) as peer:
        for payload, _ in _odd(version):
            assert await peer.call("StatusNotification", payload) == {}
        identity = peer.identity

    found = await deviations(records, identity)
    assert {"unknown-value", "extra-property"} <= set(found)
    assert "unheardOf" in found["extra-property"]["example"]


@pytest.mark.parametrize("version", [V201, V21])
async def test_R13_TC_P_03_custom_data_is_welcome_even_to_a_strict_station(server, operator, version):
    identity = fresh()
    await operator.provision(identity, validation="strict")
    custom = {"vendorId": "v", "anything": {"deep": [1, 2]}}

    async with station(server, version, identity) as peer:
        assert await peer.call("StatusNotification", _status(version, customData=custom)) == {}


async def test_R14_a_list_that_is_too_short_is_refused(server, version):
    place = {"connectorId": 1} if version == V16 else {"evseId": 1}
    async with station(server, version) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call(
                "MeterValues", {**place, "meterValue": [{"timestamp": at(), "sampledValue": "no"}]}
            )
        assert refused.value.code == "TypeConstraintViolation"
        if version != V16:
            with pytest.raises(Refused) as refused:
                await peer.call("MeterValues", {**place, "meterValue": []})
            assert refused.value.code == "OccurrenceConstraintViolation"


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
    assert (data["code"], data["description"], data["details"]) == (code, "because", {"why": 1})
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


# -- broken frames -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["", "x", "{", "[", "null", '"a"', "{}", "[]", "[2]", '[2,"a"', "[2,,]"])
async def test_R16_what_is_no_message_is_answered_as_the_version_says(server, version, frame):
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


@pytest.mark.parametrize("frame", ['[2,"abc"]', '[2,"abc","Heartbeat"]', '[2,"abc","Heartbeat",{},1]'])
async def test_R16_the_wrong_number_of_elements_is_answered_under_the_id(server, version, frame):
    async with station(server, version) as peer:
        await peer.send_raw(frame)
        answer = await peer.next_frame()

        assert answer[:2] == [4, "abc"]
        assert answer[2] == ("FormationViolation" if version == V16 else "RpcFrameworkError")
        await peer.heartbeat()


async def test_R16_ten_broken_frames_in_a_row_close_the_socket_and_a_good_one_forgives(server):
    async with station(server) as peer:
        for _ in range(9):
            await peer.send_raw("nonsense")
        await peer.heartbeat()
        for _ in range(10):
            await peer.send_raw("nonsense")

        assert await peer.closed() == 1002


@pytest.mark.parametrize("message_id", [7, None, "", "x" * 37, {}, [], True])
async def test_R17_an_id_that_is_no_id_is_refused_and_nothing_runs(server, records, version, message_id):
    async with station(server, version) as peer:
        await peer.send([2, message_id, "Authorize", {"idTag": "NEVER"}])
        if version == V16 and not isinstance(message_id, (int, str)) or message_id in ("", True):
            if version != V16:
                assert (await peer.next_frame())[:3] == [4, "-1", "RpcFrameworkError"]
        elif version == V16:
            assert (await peer.next_frame())[:3] == [4, str(message_id), "FormationViolation"]
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
async def test_R19_an_unknown_type_number_is_ignored_and_2_0_1_says_so(server, version, kind):
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

        # Answered once, or both times alike.
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


# -- our calls -----------------------------------------------------------------------------------------------


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
            # While one is open the station may talk, and no second one comes.
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
        status, first = await operator.command(peer.identity, "ClearCache", timeout=1)
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
        slow = await operator.submit(peer.identity, "ClearCache", timeout=3)
        queued = await operator.submit(peer.identity, "DataTransfer", {"vendorId": "V"}, timeout=1)
        first = await peer.next_call()
        assert first[1] == slow
        await eventually(lambda: records.command(queued)["state"] == "timeout", 2.5)
        await peer.answer(first, {"status": "Accepted"})
        await peer.heartbeat()

        assert not peer.calls
        assert records.command(queued)["sent_at"] is None
        assert records.command(slow)["state"] == "accepted"


@pytest.mark.parametrize("frame", [[3, "nobody", {}], [4, "nobody", "InternalError", "", {}], [3, "nobody"]])
async def test_R24_answers_to_nothing_are_counted_and_change_nothing(server, records, version, frame):
    async with station(server, version) as peer:
        for _ in range(3):
            await peer.send(frame)
        await peer.heartbeat()
        identity = peer.identity

    found = await deviations(records, identity)
    assert {kind: row["count"] for kind, row in found.items()} == {"unknown-answer": 3}


async def test_R25_the_station_is_answered_while_we_wait_for_it_and_the_other_way_round(
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
async def test_R26_an_answer_that_breaks_its_schema_is_kept_and_2_1_is_told(
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


async def test_R27_a_2_1_station_may_refuse_our_answer_and_hears_nothing(server, records):
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

    assert asyncio.get_running_loop().time() - began < 3
    assert [status for status, _ in answers] == [503] * 3
    assert {row["state"] for row in records.commands(identity)} == {"disconnected"}
    async with station(server, V16, identity) as peer:
        await peer.heartbeat()
        assert not peer.calls


# -- the transport -------------------------------------------------------------------------------------------


async def test_R31_compression_is_used_when_the_station_offers_it_and_not_otherwise(server, version):
    async with station(server, version, compression="deflate") as peer:
        assert "permessage-deflate" in peer.socket.response.headers["Sec-WebSocket-Extensions"]
        await peer.heartbeat()
    async with station(server, version) as peer:
        assert "Sec-WebSocket-Extensions" not in peer.socket.response.headers


async def test_R31_F68_a_compressed_bomb_closes_the_socket_and_memory_stays(server):
    before = _resident_mb(server)
    async with station(server, V201, compression="deflate") as peer:
        await _send_ignoring_close(peer, "0" * 200_000_000)
        assert await peer.closed() == 1009

    assert _resident_mb(server) - before < 60


async def _send_ignoring_close(peer, text):
    with contextlib.suppress(ConnectionClosed):
        await peer.send_raw(text)


def _resident_mb(server):
    with open(f"/proc/{server.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6


async def test_R32_F06_a_station_that_stops_answering_pings_is_closed_and_shown_offline(make_server):
    server = make_server(OCPP_PING_INTERVAL="500ms")
    identity = fresh()

    async with station(server, V16, identity, create_connection=CountingPings) as peer:
        # It answers two pings, then its network is gone: nothing is read or written any more.
        for _ in range(2):
            await asyncio.wait_for(peer.socket.pings.get(), 10)
        peer.socket.transport.pause_reading()
        await eventually(lambda: not Records(server.database).charge_point(identity)["is_online"])
        status, answer = await Operator(server).request("GET", f"/api/v1/chargepoints/{identity}/status")
        peer.abort()  # a polite end would wait for what it doesn't read

    assert status == 200
    assert answer["data"]["isOnline"] is False
    assert answer["data"]["lastSeen"]


class CountingPings(ClientConnection):
    """A socket that tells of the pings it answers."""

    def __init__(self, *arguments, **how):
        super().__init__(*arguments, **how)
        self.pings = asyncio.Queue()

    def process_event(self, event):
        if getattr(event, "opcode", None) is Opcode.PING:
            self.pings.put_nowait(event.data)
        super().process_event(event)


async def test_R32_a_ping_of_the_station_is_answered_with_its_payload(server):
    async with station(server) as peer:
        pong = await peer.socket.ping(b"p" * 125)

        await asyncio.wait_for(pong, 5)


async def test_R33_fragments_pings_between_them_and_split_characters_are_one_message(server):
    async with station(server) as peer:
        text = json.dumps([2, "frag", "DataTransfer", {"vendorId": "Grüße 🚗"}], ensure_ascii=False).encode()
        cut = text.index("🚗".encode()) + 2  # in the middle of a character
        protocol = peer.socket.protocol
        protocol.send_text(text[:cut], fin=False)
        protocol.send_ping(b"between")
        protocol.send_continuation(text[cut:], fin=True)
        peer.socket.transport.write(b"".join(protocol.data_to_send()))

        assert (await peer.next_frame())[:2] == [3, "frag"]


async def test_R33_a_binary_frame_closes_the_socket(server):
    async with station(server) as peer:
        await peer.send_raw(b'[2,"a","Heartbeat",{}]')

        assert await peer.closed() == 1003


@pytest.mark.parametrize("code", [1000, 1001])
async def test_R34_the_close_code_of_the_station_is_kept(server, records, code):
    async with station(server) as peer:
        await peer.socket.close(code)

        assert peer.socket.close_code == code

    row = await eventually(lambda: _offline(records, peer.identity))
    assert row["close_code"] == code


async def test_R34_a_connection_that_just_ends_is_kept_as_1006(server, records):
    async with station(server) as peer:
        peer.abort()

    row = await eventually(lambda: _offline(records, peer.identity))
    assert row["close_code"] == 1006


def _offline(records, identity):
    row = records.charge_point(identity)
    return row if not row["is_online"] else None


async def test_R35_what_we_send_holds_no_null_and_utc_times(server, operator, version):
    async with station(server, version) as peer:
        boot = await peer.boot()
        assert boot["currentTime"].endswith("Z")
        assert len(boot["currentTime"]) == len("2026-01-01T00:00:00.000Z")
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        text = await asyncio.wait_for(peer.socket.recv(), 5)
        call = json.loads(text)
        await peer.answer(call, {"status": "Accepted"})
        await sent

    assert len(call[1]) == 36
    assert text == json.dumps(call, separators=(",", ":"))


async def test_R36_many_stations_may_come_from_one_address(server):
    peers = [station(server, V16) for _ in range(30)]
    opened = await asyncio.gather(*(peer.__aenter__() for peer in peers))
    try:
        await asyncio.gather(*(peer.heartbeat() for peer in opened))
    finally:
        await asyncio.gather(*(peer.__aexit__(None, None, None) for peer in peers))


async def test_R37_decimals_are_what_they_look_like(server, operator):
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


async def test_F04_the_newest_authenticated_connection_wins_and_the_old_one_is_closed(
    server, records, operator
):
    identity = fresh()
    async with station(server, V16, identity) as old:
        waiting = asyncio.create_task(operator.command(identity, "ClearCache"))
        await old.next_call()
        async with station(server, V16, identity, boot=False) as new:
            assert await old.closed() == 1001
            assert (await waiting)[0] == 503
            await new.heartbeat()
            row = records.charge_point(identity)
            assert row["is_online"] == 1

            sent = asyncio.create_task(operator.command(identity, "ClearCache"))
            await new.answer(await new.next_call(), {"status": "Accepted"})
            assert (await sent)[0] == 200
