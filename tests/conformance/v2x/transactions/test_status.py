"""GetTransactionStatus (2.x E14): asked for by an operator, after a gap, and after a reconnect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import Operator, Peer, Records, reasons, station
from tests.servers import LiveServer


async def asked(
    operator: Operator, peer: Peer, answer: dict[str, Any], **body: Any
) -> tuple[int, dict[str, Any], list[Any]]:
    """The HTTP status and data, and the CALL that the station has got."""
    path = f"/api/v1/chargepoints/{peer.identity}/transaction-status"
    sent = asyncio.create_task(operator.request("POST", path, body))
    call = await peer.next_call()
    await peer.answer(call, answer)
    code, found = await sent
    return code, found["data"], call


@pytest.mark.parametrize("has_queue", [True, False], ids=["TC_E_29", "TC_E_30"])
async def test_TC_E_29_TC_E_30_an_ongoing_session_stays(
    server: LiveServer, records: Records, operator: Operator, version: str, has_queue: bool
) -> None:
    transaction = new_transaction()
    answer = {"ongoingIndicator": True, "messagesInQueue": has_queue}
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        number = records.transaction(peer.identity)["id"]
        code, data, call = await asked(operator, peer, answer, transactionId=number)
        if has_queue:
            late = event("Updated", transaction, 1, minutes=-1, offline=True)
            assert await peer.call("TransactionEvent", late) == {}

    row = records.transaction(peer.identity)
    assert (code, data["response"]) == (200, answer)
    assert call[2:] == ["GetTransactionStatus", {"transactionId": transaction}]
    assert (row["status"], row["suspect"], row["last_seq_no"]) == ("active", 0, int(has_queue))


@pytest.mark.parametrize("has_queue", [True, False], ids=["TC_E_33", "TC_E_34"])
async def test_TC_E_33_TC_E_34_without_a_session_the_whole_queue_is_meant(
    server: LiveServer, records: Records, operator: Operator, version: str, has_queue: bool
) -> None:
    transaction, answer = new_transaction(), {"messagesInQueue": has_queue}
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        code, data, call = await asked(operator, peer, answer)

    assert (code, data["response"], call[2:]) == (200, answer, ["GetTransactionStatus", {}])
    assert records.transaction(peer.identity)["status"] == "active"


async def test_a_session_that_the_station_no_longer_has_ends_until_its_stop_comes(
    server: LiveServer, records: Records, operator: Operator, version: str
) -> None:
    transaction = new_transaction()
    started = event("Started", transaction, 0, minutes=-9, idToken=token(), meterValue=energy(1000, -9))
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", started)
        await peer.call(
            "TransactionEvent", event("Updated", transaction, 1, minutes=-5, meterValue=energy(3000, -5))
        )
        gone = {"ongoingIndicator": False, "messagesInQueue": False}
        _, _, call = await asked(operator, peer, gone, transactionId=transaction)
        await peer.heartbeat()
        closed = records.transaction(peer.identity)
        ended = event("Ended", transaction, 2, minutes=-4, meterValue=energy(3500, -4))
        assert await peer.call("TransactionEvent", ended) == {}

    row = records.transaction(peer.identity)
    assert call[3] == {"transactionId": transaction}
    assert (closed["status"], closed["ended_by"], closed["energy_wh"]) == ("ended", "lost", 2000)
    assert reasons(closed) == {"session-unknown"}
    assert (row["ended_by"], row["energy_wh"], row["suspect"]) == ("station", 2500, 0)


@pytest.fixture(scope="module")
def short_grace(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that asks after half a second."""
    folder = tmp_path_factory.mktemp("short_grace")
    live = LiveServer(folder, template=migrated_database, OCPP_MISSING_EVENTS_GRACE="500ms").start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


async def test_TC_E_31_an_end_with_a_gap_is_asked_about_and_the_late_events_are_taken(
    short_grace: LiveServer, version: str
) -> None:
    records, transaction = Records(short_grace.database), new_transaction()
    async with station(short_grace, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, minutes=-9))
        ended = event("Ended", transaction, 3, minutes=-1, offline=True, state="Idle")
        assert await peer.call("TransactionEvent", ended) == {}
        call = await peer.next_call()
        await peer.answer(call, {"ongoingIndicator": False, "messagesInQueue": True})
        for seq_no in (1, 2):
            late = event("Updated", transaction, seq_no, minutes=-5, offline=True)
            assert await peer.call("TransactionEvent", late) == {}

    row = records.transaction(peer.identity)
    assert call[2:] == ["GetTransactionStatus", {"transactionId": transaction}]
    assert (row["status"], row["ended_by"]) == ("ended", "station")
    assert json.loads(row["missing_seq_nos"]) == []


async def test_after_a_reconnect_an_open_session_is_asked_about(
    short_grace: LiveServer, version: str
) -> None:
    # Both run at once: the server checks only every few seconds.
    async with asyncio.TaskGroup() as group:
        for is_ongoing in (True, False):
            group.create_task(_reconnected(short_grace, version, is_ongoing=is_ongoing))


async def _reconnected(server: LiveServer, version: str, *, is_ongoing: bool) -> None:
    records, transaction = Records(server.database), new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
    async with station(server, version, peer.identity, boot=False) as peer:
        await peer.heartbeat()  # commands wait for the first message
        call = await peer.next_call()
        await peer.answer(call, {"ongoingIndicator": is_ongoing, "messagesInQueue": False})
        await peer.heartbeat()
        row = records.transaction(peer.identity)

    assert call[2:] == ["GetTransactionStatus", {"transactionId": transaction}]
    assert (row["status"], row["ended_by"]) == (("active", "") if is_ongoing else ("ended", "lost"))
