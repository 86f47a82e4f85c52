"""Payments on the web by the QR code of a station (2.1 C25). The server of the page and of the API is one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
from typing import Any

import pytest

from tests.conformance.messages import event, new_transaction
from tests.conformance.peer import V21, Operator, Peer, Records, eventually, fresh, station
from tests.conformance.v21.transactions.test_limits import ALL, supports
from tests.servers import LiveServer

SECRET, VALIDITY_S, LENGTH = "mysharedsecret", 3600, 8
BASE_62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
INVALID = "This QR code is not valid. Scan the code on the display again."


@pytest.fixture
def records(selling: LiveServer) -> Records:
    return Records(selling.database)


@pytest.fixture
def operator(selling: LiveServer) -> Operator:
    return Operator(selling)


def shown(step: int = 0) -> str:
    """The password that the display shows now, or some intervals later."""
    interval = int(time.time()) // VALIDITY_S + step
    digest = hmac.new(SECRET.encode(), interval.to_bytes(8, "big"), hashlib.sha256).digest()
    return "".join(BASE_62[digest[((digest[-1] & 15) + place) % 32] % 62] for place in range(LENGTH))


async def visit(server: LiveServer, path: str) -> tuple[int, dict[str, str], str]:
    """Open a code as a phone does. Status, headers and text; redirects are not followed."""
    return await asyncio.to_thread(server.exchange, "GET", f"/charge{path}", key=None)


async def with_code(operator: Operator, peer: Peer) -> None:
    """Store the secret of the station, and let it report that it keeps limits."""
    body = {"secret": SECRET, "validityTime": VALIDITY_S, "length": LENGTH}
    path = f"/api/v1/chargepoints/{peer.identity}/web-payment-keys"
    code, answer = await operator.request("POST", path, body)
    assert code == 201
    assert SECRET not in json.dumps(answer)
    await supports(operator, peer, ALL)


def payments(records: Records, peer: Peer) -> list[dict[str, Any]]:
    return records.of("tariffs_webpayment", peer.identity)


async def test_TC_C_131_a_driver_pays_by_the_code_and_the_session_starts(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    reference, transaction = fresh("PSP"), new_transaction()
    async with station(selling, V21) as peer:
        await with_code(operator, peer)
        path = f"/{peer.identity.lower()}/1/{shown()}/1?maxEnergy=20000&maxtime=&theme=dark"
        code, headers, _ = await visit(selling, path)
        told = await peer.next_call()
        await peer.answer(told, {})
        (opened,) = payments(records, peer)
        body = {"pspRef": reference, "maxCost": 30}
        confirmed = f"/api/v1/web-payments/{opened['id']}/confirm"
        sent = asyncio.create_task(operator.request("POST", confirmed, body))
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        status, answer = await sent
        again = await operator.request("POST", confirmed, body)
        number = call[3]["remoteStartId"]
        started = event(
            "Started",
            transaction,
            0,
            trigger="RemoteStart",
            idToken=call[3]["idToken"],
            info={"remoteStartId": number},
        )
        first = await peer.call("TransactionEvent", started)
        second, _, words = await visit(selling, path)
        await peer.heartbeat()

    assert code == 302
    address = f"https://pay.example.com/checkout?payment={opened['id']}&station={peer.identity}"
    assert headers["location"] == address
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert told[2:] == ["NotifyWebPaymentStarted", {"evseId": 1, "timeout": 300}]
    direct = {"idToken": reference, "type": "DirectPayment"}
    assert call[2:] == ["RequestStartTransaction", {"evseId": 1, "idToken": direct, "remoteStartId": number}]
    assert (status, answer["success"], answer["data"]["state"]) == (200, True, "started")
    assert again[1]["data"] == answer["data"]
    assert first["idTokenInfo"]["status"] == "Accepted"
    assert first["transactionLimit"] == {"maxEnergy": 20000, "maxCost": 30}
    assert (second, INVALID in words) == (404, True)  # each code opens one payment
    log = selling.log.read_text("utf-8", "replace")
    assert f"/charge/{peer.identity.lower()}/1/***" in log
    assert SECRET not in log
    assert (opened["state"], opened["evse_number"], opened["psp_ref"]) == ("opened", 1, "")
    (paid,) = payments(records, peer)
    assert (paid["state"], paid["psp_ref"], paid["max_energy_wh"]) == ("started", reference, 20000)
    row = records.transaction(peer.identity)
    assert (row["id_token"], row["authorization_status"]) == (reference, "Accepted")
    (start,) = records.of("transactions_remotestart", peer.identity)
    assert (start["command_id"], start["transaction_id"]) == (paid["command_id"], row["id"])
    _, listed = await operator.request("GET", f"/api/v1/web-payments?clientId={peer.identity}")
    (found,) = listed["data"]["webPayments"]
    assert (found["transactionId"], found["maxCost"], found["maxEnergy"]) == (row["id"], "30", 20000)


async def test_TC_C_132_a_code_with_a_missing_part_is_not_valid(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    async with station(selling, V21) as peer:
        await with_code(operator, peer)
        parts = f"1/{shown()}/1"
        pages = [
            await visit(selling, path)
            for path in (
                f"//{parts}",
                f"/{parts}",
                f"/{peer.identity}/{shown()}/1",
                f"/{peer.identity}/1",
                f"/{peer.identity}/1//1",
                "/",
                "",
            )
        ]
        await peer.send([2, "after", "Heartbeat", {}])
        frame = await peer.next_frame()

    assert frame[:2] == [3, "after"]  # nothing was sent to the station before
    assert {code for code, _, _ in pages} == {404}
    assert all(INVALID in words and "location" not in headers for _, headers, words in pages)
    assert payments(records, peer) == []
    assert [row["action"] for row in records.commands(peer.identity)] == ["GetVariables"]


async def test_TC_C_133_a_code_with_a_wrong_password_is_not_valid(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    async with station(selling, V21) as peer, station(selling, V21) as other:
        await with_code(operator, peer)
        right = shown()
        wrong = f"{right[:-1]}{'0' if right[-1] != '0' else '1'}"
        pages = [
            await visit(selling, path)
            for path in (
                f"/{peer.identity}/1/{wrong}/1",
                f"/{peer.identity}/1/{shown(-2)}",  # too old
                f"/{peer.identity}/1/{shown(3)}",
                f"/{peer.identity}/1/{right[:-1]}",
                f"/{peer.identity}/1/{right}/2",  # another version
                f"/{peer.identity}/1/{right}?maxenergy=1e9",
                f"/{other.identity}/1/{right}",  # a station without a key
                f"/{fresh()}/1/{right}",
            )
        ]
        await peer.send([2, "after", "Heartbeat", {}])
        frame = await peer.next_frame()

    assert frame[:2] == [3, "after"]  # nothing was sent to the station before
    texts = {words for _, _, words in pages}
    assert {code for code, _, _ in pages} == {404}
    assert len(texts) == 1  # one answer, whatever is wrong
    assert INVALID in texts.pop()
    assert not [headers for _, headers, _ in pages if "location" in headers]
    assert payments(records, peer) == []
    assert [row["action"] for row in records.commands(peer.identity)] == ["GetVariables"]


async def test_C25_a_payment_whose_start_the_station_refuses_has_failed(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    async with station(selling, V21) as peer:
        await with_code(operator, peer)
        visited, _, _ = await visit(selling, f"/{peer.identity}/1/{shown()}")
        await peer.answer(await peer.next_call(), {})
        (opened,) = payments(records, peer)
        path = f"/api/v1/web-payments/{opened['id']}/confirm"
        sent = asyncio.create_task(operator.request("POST", path, {"pspRef": fresh("PSP")}))
        call = await peer.next_call()
        await peer.answer(call, {"status": "Rejected"})
        code, answer = await sent
        token = {"idToken": call[3]["idToken"]["idToken"], "type": "DirectPayment"}
        late = await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=token))
        other, _ = await operator.request("POST", path, {"pspRef": fresh("PSP")})

    assert (visited, code, answer["success"], answer["data"]["code"]) == (302, 200, False, "rejected")
    assert "cancel it" in answer["message"]
    (failed,) = payments(records, peer)
    assert (failed["state"], failed["failure"]) == ("failed", "The station answered Rejected.")
    assert late["idTokenInfo"]["status"] == "Invalid"
    assert other == 409


@pytest.mark.parametrize(("evse", "why"), [(8, "away"), (9, "no safe address")])
async def test_C25_without_an_address_to_pay_at_the_page_says_so(
    selling: LiveServer, records: Records, operator: Operator, *, evse: int, why: str
) -> None:
    async with station(selling, V21) as peer:
        await with_code(operator, peer)
        code, headers, words = await visit(selling, f"/{peer.identity}/{evse}/{shown()}")
        await peer.heartbeat()

    assert (code, "location" in headers) == (503, False)
    assert re.search(r"Paying is not possible .* Nothing was charged", words)
    (row,) = payments(records, peer)
    assert (row["state"], row["failure"]) == ("failed", "The payment service did not open the payment.")
    assert [row["action"] for row in records.commands(peer.identity)] == ["GetVariables"]


async def test_C25_a_station_that_is_away_or_has_no_limits_takes_no_payment(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    async with station(selling, V21) as peer:
        await with_code(operator, peer)
        await supports(operator, peer, "MaxTime")
        limited = await visit(selling, f"/{peer.identity}/1/{shown()}?maxenergy=5000")
        await peer.heartbeat()
    await eventually(lambda: records.charge_point(peer.identity)["disconnected_at"])
    away = await visit(selling, f"/{peer.identity}/1/{shown()}")

    assert (limited[0], away[0]) == (503, 503)
    assert payments(records, peer) == []
