"""Sessions without a normal stop over several processes: refused starts, unknown stops, power cuts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.messages import start, status, stop
from tests.conformance.peer import V16, Operator, Peer, at, boot_payload, eventually, fresh, station
from tests.distributed.cluster import Cluster


@pytest.fixture(scope="module")
def cluster(make_cluster: Any) -> Cluster:
    """Two web processes, Redis and PostgreSQL."""
    made: Cluster = make_cluster(2, OCPP_INTERRUPTED_GRACE="2s")
    return made


async def card(cluster: Cluster) -> str:
    uid = fresh("T")[:20]
    await Operator(cluster.servers[0]).add_token(uid)
    return uid


async def verdict(peer: Peer, uid: str, minutes: float = 0, meter: int = 1000) -> tuple[str, int]:
    answer = await peer.call("StartTransaction", start(tag=uid, minutes=minutes, meter=meter))
    return answer["idTagInfo"]["status"], answer["transactionId"]


async def until(peer: Peer, uid: str, expected: str) -> int:
    """Start and stop until the verdict is this one: a change in another process arrives with a delay."""
    minutes = 0.0
    while True:
        found, number = await verdict(peer, uid, minutes := minutes + 0.02)
        if found == expected:
            return number
        assert minutes < 1, found
        await peer.call("StopTransaction", stop(number, meter=1000, minutes=minutes))


def row(cluster: Cluster, identity: str) -> dict[str, Any]:
    return cluster.rows(
        "SELECT t.* FROM transactions_transaction t"
        " JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id"
        f" WHERE c.identity = '{identity}' ORDER BY t.id DESC LIMIT 1"
    )[0]


async def test_a_refused_start_does_not_block_its_token_at_a_third_station(cluster: Cluster) -> None:
    one, two = cluster.servers[:2]
    uid = await card(cluster)
    async with station(one) as a, station(two) as b, station(one) as c:
        _, running = await verdict(a, uid)
        refused = await until(b, uid, "ConcurrentTx")
        await a.call("StopTransaction", stop(running, minutes=1))

        for peer in (c, b):
            authorized = await peer.call("Authorize", {"idTag": uid})
            assert authorized["idTagInfo"]["status"] == "Accepted"
        await until(c, uid, "Accepted")
        await b.call("StatusNotification", status(1, "Available"))

    assert row(cluster, b.identity)["id"] == refused
    assert row(cluster, b.identity)["ended_by"] == "refused"


async def test_a_stop_of_an_unknown_session_fails_no_start_at_another_process(cluster: Cluster) -> None:
    one, two = cluster.servers[:2]
    identity = fresh()
    data = [{"timestamp": at(), "sampledValue": [{"value": 12}]}]
    orphan = {"transactionId": 0, "meterStop": 99, "timestamp": at(), "transactionData": data}
    async with station(one, V16, identity) as peer:
        assert await peer.call("StopTransaction", orphan) == {}

    async with station(two, V16, identity) as peer:
        found, _ = await verdict(peer, "ANYBODY1", -1, meter=10)

    assert found == "Invalid"
    assert (row(cluster, identity)["ended_by"], row(cluster, identity)["energy_wh"]) == ("station", 89)


async def test_a_power_cut_frees_the_token_in_every_process_and_a_late_stop_amends_the_session(
    cluster: Cluster,
) -> None:
    one, two = cluster.servers[:2]
    uid, identity = await card(cluster), fresh()
    async with station(one, V16, identity) as peer:
        await peer.call("StatusNotification", status(1, "Charging"))
        _, number = await verdict(peer, uid, -30)
        sample = [{"timestamp": at(-10), "sampledValue": [{"value": "1700"}]}]
        values = {"connectorId": 1, "transactionId": number, "meterValue": sample}
        await peer.call("MeterValues", values)
        peer.abort()

    # The station reconnects at the other process; either of the two may be the housekeeper.
    async with station(two, V16, identity) as peer, station(one) as other:
        await peer.call("BootNotification", boot_payload(V16))
        blocked = await until(other, uid, "ConcurrentTx")
        await other.call("StopTransaction", stop(blocked, meter=1000))
        await peer.call("StatusNotification", status(1, "Available"))
        await eventually(lambda: row(cluster, identity)["ended_by"] == "interrupted")
        await until(other, uid, "Accepted")
        values["meterValue"] = [{"timestamp": at(-9), "sampledValue": [{"value": "1750"}]}]
        await peer.call("MeterValues", values)
        assert row(cluster, identity)["status"] == "ended"
        await peer.call("StopTransaction", stop(number, meter=1800, minutes=-8, reason="PowerLoss"))

    found = row(cluster, identity)
    assert (found["ended_by"], found["energy_wh"], found["stop_reason"]) == ("station", 800, "PowerLoss")
