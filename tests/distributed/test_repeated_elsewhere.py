"""A message repeated at another process has one effect and gets the same answer (F02, F11, F47).

A process keeps its own last answers. At another process the services recognise a repetition. Two of them do
not, and need not: see `docs/decisions/`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.conformance.peer import V16, V21, V201, Operator, at, fresh, new_id, station
from tests.distributed.cluster import Cluster

# A repetition must not add a row to these tables.
TABLES = (
    "transactions_transaction",
    "transactions_reading",
    "transactions_quarantinedmessage",
    "chargepoints_deviceevent",
)
# An action and its payload, or a function that builds the payload from the number of the last transaction.
Message = tuple[str, dict[str, Any] | Callable[[int], dict[str, Any]]]


async def test_16_every_message_repeated_at_another_process_is_answered_as_the_first_time(
    shared: Cluster,
) -> None:
    uid, then = fresh("TAG"), at()
    await Operator(shared.servers[0]).add_token(uid)
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "timestamp": then}
    start = {"connectorId": 1, "idTag": uid, "meterStart": 10, "timestamp": then}

    await repeat_elsewhere(
        shared,
        V16,
        [
            ("Authorize", {"idTag": uid}),
            ("StatusNotification", status),
            ("StartTransaction", start),
            ("MeterValues", lambda n: {"connectorId": 1, "transactionId": n, "meterValue": [sample("20")]}),
            ("MeterValues", {"connectorId": 1, "meterValue": [sample("21")]}),
            (
                "StopTransaction",
                lambda n: {
                    "transactionId": n,
                    "meterStop": 30,
                    "timestamp": then,
                    "transactionData": [sample("29")],
                },
            ),
            ("StopTransaction", {"transactionId": 99_999_999, "meterStop": 30, "timestamp": then}),
            ("DataTransfer", {"vendorId": "V", "messageId": "m", "data": "x"}),
            ("DiagnosticsStatusNotification", {"status": "Uploading"}),
            ("FirmwareStatusNotification", {"status": "Downloading"}),
            ("GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]}),
            ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "30"}),
        ],
    )


@pytest.mark.parametrize("version", [pytest.param(V201, marks=pytest.mark.nightly), V21])
async def test_2x_every_message_repeated_at_another_process_is_answered_as_the_first_time(
    shared: Cluster, version: str
) -> None:
    uid, then, transaction = fresh("TAG"), at(), fresh("TX")
    await Operator(shared.servers[0]).add_token(uid)
    token, place = {"idToken": uid, "type": "Central"}, {"id": 1, "connectorId": 1}

    def event(kind: str, number: int, reason: str, **more: Any) -> Message:
        header = {"eventType": kind, "timestamp": then, "triggerReason": reason, "seqNo": number}
        readings = [{"timestamp": then, "sampledValue": [{"value": 10.0 * number}]}]
        about = {"transactionInfo": {"transactionId": transaction}, "evse": place, "meterValue": readings}
        return "TransactionEvent", {**header, **about, **more}

    def notice(number: int, variable: str, value: str) -> Message:
        data = {
            "eventId": number,
            "timestamp": then,
            "trigger": "Delta",
            "actualValue": value,
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": place},
            "variable": {"name": variable},
        }
        return "NotifyEvent", {"generatedAt": then, "seqNo": 0, "eventData": [data]}

    status = {"timestamp": then, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
    await repeat_elsewhere(
        shared,
        version,
        [
            ("Authorize", {"idToken": token}),
            ("StatusNotification", status),
            event("Started", 0, "Authorized", idToken=token),
            event("Updated", 1, "MeterValuePeriodic"),
            ("MeterValues", {"evseId": 1, "meterValue": [sample(25.0)]}),
            event("Ended", 2, "StopAuthorized", idToken=token),
            notice(1, "AvailabilityState", "Occupied"),
            notice(2, "Problem", "true"),
            ("DataTransfer", {"vendorId": "V", "messageId": "m", "data": "x"}),
        ],
    )


async def repeat_elsewhere(cluster: Cluster, version: str, messages: list[Message]) -> None:
    """Send each message to one process, then twice to the other: with its own message id and a new one."""
    identity, number = fresh(), 0
    here = 0
    sent: tuple[str, str, dict[str, Any], list[Any]] | None = None
    for message in [*messages, None]:
        async with AsyncExitStack() as stack:
            server = cluster.servers[here % 2]
            peer = await stack.enter_async_context(station(server, version, identity, boot=here == 0))
            here += 1
            if sent is not None:
                message_id, action, payload, answer = sent
                before = stored(cluster, identity)
                assert await peer.exchange(action, payload, message_id=message_id) == answer, action
                assert (await peer.exchange(action, payload))[2:] == answer[2:], action
                assert stored(cluster, identity) == before, action
            if message is not None:
                action, wanted = message
                payload = wanted(number) if callable(wanted) else wanted
                message_id = new_id()
                answer = await peer.exchange(action, payload, message_id=message_id)
                assert answer[0] == 3, answer
                number = answer[2].get("transactionId", number)
                sent = message_id, action, payload, answer
            peer.abort()


def sample(value: str | float) -> dict[str, Any]:
    return {"timestamp": at(), "sampledValue": [{"value": value}]}


def stored(cluster: Cluster, identity: str) -> dict[str, int]:
    """Count the rows of the station in each table."""
    counts = {}
    for table in TABLES:
        (row,) = cluster.rows(
            f"SELECT count(*) AS n FROM {table} t JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id"  # noqa: S608
            " WHERE c.identity = %s",
            identity,
        )
        counts[table] = row["n"]
    return counts
