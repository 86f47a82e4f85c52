"""Sessions that go on after an interruption (2.1 E17), and the fields that 2.1 added to their events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import V21, Records, at, boot_payload, station
from tests.servers import LiveServer


def problem(actual: str, transaction: str) -> dict[str, Any]:
    """The report of a power failure, or of its end."""
    data = {
        "eventId": 1,
        "timestamp": at(),
        "trigger": "Alerting",
        "actualValue": actual,
        "transactionId": transaction,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "ElectricalFeed"},
        "variable": {"name": "Problem"},
    }
    return {"generatedAt": at(), "seqNo": 0, "eventData": [data]}


@pytest.mark.parametrize("minutes", [0, -1], ids=["exact clock", "a clock that is behind"])
async def test_TC_E_113_a_session_is_resumed_after_an_interruption(
    server: LiveServer, records: Records, minutes: int
) -> None:
    transaction = new_transaction()
    async with station(server, V21) as peer:
        started = event("Started", transaction, 0, minutes=-9, idToken=token(), meterValue=energy(1000, -9))
        await peer.call("TransactionEvent", started)
    async with station(server, V21, peer.identity, boot=False) as peer:
        booted = await peer.call("BootNotification", boot_payload(V21))
        interrupted = records.transaction(peer.identity)
        for actual in ("true", "false"):
            assert await peer.call("NotifyEvent", problem(actual, transaction)) == {}
        resumed = event("Updated", transaction, 1, trigger="TxResumed", minutes=minutes)
        assert await peer.call("TransactionEvent", resumed) == {}
        running = records.transaction(peer.identity)
        ended = event("Ended", transaction, 2, minutes=0, meterValue=energy(4000, 0))
        assert await peer.call("TransactionEvent", ended) == {}

    row = records.transaction(peer.identity)
    assert booted["status"] == "Accepted"
    assert (interrupted["status"], interrupted["is_interrupted"]) == ("active", 1)
    assert (running["status"], running["is_interrupted"], running["last_seq_no"]) == ("active", 0, 1)
    assert (row["ended_by"], row["energy_wh"], row["suspect"]) == ("station", 3000, 0)


async def test_E_the_fields_of_2_1_are_stored_and_the_last_value_counts(
    server: LiveServer, records: Records
) -> None:
    transaction = new_transaction()
    async with station(server, V21) as peer:
        info = {"operationMode": "ChargingOnly", "tariffId": "T-7"}
        await peer.call(
            "TransactionEvent",
            event("Started", transaction, 0, info=info, preconditioningStatus="Ready", evseSleep=False),
        )
        first = records.transaction(peer.identity)
        idle = event(
            "Updated",
            transaction,
            1,
            trigger="OperationModeChanged",
            info={"operationMode": "Idle"},
            evseSleep=True,
        )
        assert await peer.call("TransactionEvent", idle) == {}

    row = records.transaction(peer.identity)
    names = ("operation_mode", "station_tariff_id", "preconditioning_status", "evse_sleep")
    assert [first[name] for name in names] == ["ChargingOnly", "T-7", "Ready", 0]
    assert [row[name] for name in names] == ["Idle", "T-7", "Ready", 1]
