"""An operator ends a session in one process while its station is connected to another."""

from __future__ import annotations

import asyncio

import orjson

from tests.conformance.messages import status
from tests.conformance.peer import Operator, at, eventually, fresh, station
from tests.distributed.cluster import Cluster
from tests.distributed.test_live_view import shared_transactions, started, started_as, stopped

TRANSACTIONS = "/api/v1/transactions"
REASON = {"reason": "The station lost its memory."}


async def test_an_end_in_one_process_frees_the_token_in_all_and_a_late_stop_amends_the_session(
    shared: Cluster,
) -> None:
    here, there, third = shared.servers[:3]
    operator, uid, identity = Operator(there), fresh("TAG"), fresh()
    await operator.add_token(uid)
    async with station(here, identity=identity) as peer:
        number = (await started(peer, uid))["transactionId"]
        await eventually(lambda: str(number) in shared_transactions(shared))
        peer.abort()

    # The station reconnects at another process after a power cut, without memory of the session.
    async with station(third, identity=identity) as back, station(here) as elsewhere:
        await back.call("StatusNotification", status(1, "Available"))
        refused = await started(elsewhere, uid)
        assert refused["idTagInfo"]["status"] == "ConcurrentTx"
        await stopped(elsewhere, refused["transactionId"])

        code, answer = await operator.request("POST", f"{TRANSACTIONS}/{number}/end", REASON)

        assert code == 200, answer
        again = await started_as(elsewhere, uid, "Accepted")
        await eventually(lambda: str(number) not in shared_transactions(shared))
        await back.call(
            "StopTransaction", {"transactionId": number, "meterStop": 2_000_000, "timestamp": at()}
        )
        row = next(row for row in shared.transactions(identity) if row["id"] == number)
        assert (row["ended_by"], row["meter_stop_wh"]) == ("station", 2_000_000)
        await stopped(elsewhere, again["transactionId"])


async def test_only_one_of_several_operators_in_different_processes_ends_the_session(shared: Cluster) -> None:
    async with station(shared.servers[0]) as peer:
        number = (await started(peer, fresh("TAG")))["transactionId"]
        body = {**REASON, "force": True}

        answers = await asyncio.gather(
            *(
                Operator(shared.servers[index % 4]).request("POST", f"{TRANSACTIONS}/{number}/end", body)
                for index in range(8)
            )
        )

        assert sorted(code for code, _ in answers) == [200, *[409] * 7]
        kept = shared.rows("SELECT * FROM transactions_settlement WHERE transaction_id = %s", number)
        assert [row["fix"] for row in kept] == ["end"]
        await stopped(peer, number)


async def test_the_process_with_the_station_removes_a_settled_suspicion(
    shared: Cluster,
) -> None:
    operator, uid = Operator(shared.servers[1]), fresh("TAG")
    await operator.add_token(uid)
    async with station(shared.servers[0]) as peer:
        start = {"connectorId": 1, "idTag": uid, "meterStart": 1000, "timestamp": "1970-01-01T00:00:00Z"}
        number = (await peer.call("StartTransaction", start))["transactionId"]
        (row,) = shared.transactions(peer.identity)
        assert row["suspect"]

        body = {**REASON, "fix": "ignore"}
        code, answer = await operator.request("POST", f"{TRANSACTIONS}/{number}/settle", body)
        assert code == 200, answer
        # The process with the socket has loaded the station again when its live state has no suspicions.
        await eventually(lambda: _has_no_suspicion(shared, str(number)))
        for wh in (1300, 500):
            values = [{"timestamp": at(), "sampledValue": [{"value": str(wh)}]}]
            reading = {"connectorId": 1, "transactionId": number, "meterValue": values}
            await peer.call("MeterValues", reading)

        (row,) = shared.transactions(peer.identity)
        found = {reason.partition(":")[0] for reason in row["suspect_reasons"]}
        assert found and not found & {"clock-implausible", "connector-unknown"}
        await peer.call("StopTransaction", {"transactionId": number, "meterStop": 600, "timestamp": at()})


def _has_no_suspicion(shared: Cluster, number: str) -> bool:
    return "suspect_reasons" not in orjson.loads(shared_transactions(shared)[number])
