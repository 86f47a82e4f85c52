"""Signed messages (2.x part 4, chapter 7) and the message ids of SENDs (2.1 Edition 2), over sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import deviations, event, new_transaction, token
from tests.conformance.peer import V21, V201, Operator, Records, Refused, station
from tests.servers import LiveServer
from tests.signing import jws


@pytest.fixture(params=[V201, V21])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_signed_messages_are_processed_as_plain_ones(
    server: LiveServer, records: Records, version: str
) -> None:
    transaction = new_transaction()
    started = event("Started", transaction, 0, idToken=token())
    async with station(server, version) as peer:
        authorized = await peer.call("Authorize-Signed", jws({"idToken": token()}, "Authorize"))
        signed = jws(started, "TransactionEvent")
        answer = await peer.call("TransactionEvent-Signed", signed)
        again = await peer.call("TransactionEvent", started)

    row = records.transaction(peer.identity)
    assert authorized["idTokenInfo"]["status"] == answer["idTokenInfo"]["status"] == "Accepted"
    assert again == answer
    assert (row["ocpp_id"], row["id_token"]) == (transaction, ALICE)
    (stored,) = records.rows(
        "SELECT * FROM transactions_transactionevent WHERE transaction_id = ?", row["id"]
    )
    assert json.loads(stored["payload"]) == started
    messages = records.of("chargepoints_message", peer.identity)
    assert not [message for message in messages if message["action"].endswith("-Signed")]


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ({}, "payload is missing or not a text"),
        (jws({}, "Authorize"), "names another OCPPAction"),
        (jws({}, "TransactionEvent") | {"payload": "%"}, "payload is not a text in base64url"),
        (jws([1], "TransactionEvent"), "not a JSON object"),
    ],
)
async def test_a_malformed_signed_message_is_refused_with_its_fault_and_kept(
    server: LiveServer, records: Records, version: str, payload: Any, fault: str
) -> None:
    async with station(server, version) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("TransactionEvent-Signed", payload)
        await peer.heartbeat()

    assert refused.value.code == "FormatViolation"
    assert fault in refused.value.description
    (kept,) = records.quarantined(peer.identity)
    assert kept["action"] == "TransactionEvent"
    assert records.transactions(peer.identity) == []


async def test_a_signed_answer_ends_its_command(
    server: LiveServer, records: Records, operator: Operator, version: str
) -> None:
    async with station(server, version) as peer:
        results = []
        for kind in (3, 2):  # the second one is malformed
            sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
            call = await peer.next_call()
            await peer.answer(call, jws({"status": "Rejected"}, "ClearCache", kind))
            results.append((await sent, call[1]))
        await peer.send([2, "end", "Heartbeat", {}])
        while (frame := await peer.next_frame())[1] != "end":
            assert frame[:3] == [5, results[1][1], "FormatViolation"]  # a CALLRESULTERROR of 2.1

    (good, first), (bad, second) = results
    assert (good[0], good[1]["response"]) == (200, {"status": "Rejected"})
    assert bad[0] == 502
    assert records.command(first)["state"] == "rejected"
    assert records.command(second)["state"] == "invalid"


async def test_the_content_of_a_signed_message_is_not_shown(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    secret = {"vendorId": "v", "data": {"password": "hunter2-hunter2"}, "unheardOf": 1}
    async with station(server, version) as peer:
        signed = jws(secret, "DataTransfer")
        await peer.call("DataTransfer-Signed", signed)
        identity = peer.identity

    found = await deviations(records, identity)
    assert signed["payload"] not in json.dumps([row["example"] for row in found.values()])
    (message,) = [m for m in records.of("chargepoints_message", identity) if m["action"] == "DataTransfer"]
    assert "hunter2" not in str(message["request"])


async def test_the_id_of_a_send_belongs_to_no_other_message(server: LiveServer, records: Records) -> None:
    data = {"id": 1, "pending": 0, "basetime": "2026-01-01T12:00:00Z", "data": [{"t": 0, "v": "1"}]}
    async with station(server, V21) as peer:
        for _ in range(2):
            await peer.send([6, "stream-1", "NotifyPeriodicEventStream", data])
        frame = await peer.exchange("DataTransfer", {"vendorId": "v"}, message_id="stream-1")
        await peer.heartbeat()
        identity = peer.identity

    assert frame[:3] == [4, "stream-1", "ProtocolError"]
    found = await deviations(records, identity)
    assert (found["ignored-frame"]["detail"], found["broken-frame"]["detail"]) == (
        "the same SEND again",
        "message id used twice",
    )
