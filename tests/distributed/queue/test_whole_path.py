"""Station, gateway, queue, processor and database together, each in a real process."""

from __future__ import annotations

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import V16, V201, VERSIONS, Operator, Refused, at, eventually, fresh, station
from tests.distributed.cluster import LEASE_S, Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.test_live_view import shared_transactions
from tests.servers import LiveServer

TOKEN = "GATEWAY01"
START = {"connectorId": 1, "idTag": TOKEN, "meterStart": 100}


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    cluster = make_cluster(0)
    for role in ("gateway", "gateway", "processor", "web"):
        cluster.add(1, role)
    status, answer = cluster.servers[3].request("POST", "/api/v1/tokens", {"uid": TOKEN})
    assert status == 201, answer
    return cluster


@pytest.fixture
def gateway(cluster: Cluster) -> LiveServer:
    return cluster.servers[0]


@pytest.fixture
def web(cluster: Cluster) -> LiveServer:
    return cluster.servers[3]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_session_of_16_through_the_gateway_is_stored(cluster: Cluster, gateway: LiveServer) -> None:
    async with station(gateway, V16) as peer:
        started = await peer.call("StartTransaction", {**START, "timestamp": at()})
        number = started["transactionId"]
        await peer.call("StopTransaction", {"transactionId": number, "meterStop": 700, "timestamp": at()})

        (row,) = cluster.transactions(peer.identity)

    assert (row["id"], row["meter_start_wh"], row["meter_stop_wh"]) == (number, 100, 700)


async def test_a_session_of_201_through_the_gateway_is_stored(cluster: Cluster, gateway: LiveServer) -> None:
    event = {
        "timestamp": at(),
        "triggerReason": "Authorized",
        "transactionInfo": {"transactionId": "tx-1"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": TOKEN, "type": "ISO14443"},
    }
    async with station(gateway, V201) as peer:
        begun = await peer.call("TransactionEvent", {**event, "eventType": "Started", "seqNo": 0})
        await peer.call(
            "TransactionEvent", {**event, "eventType": "Ended", "seqNo": 1, "triggerReason": "StopAuthorized"}
        )

        (row,) = cluster.transactions(peer.identity)

    assert begun["idTokenInfo"]["status"] == "Accepted"
    assert row["stopped_at"] is not None


async def test_a_command_over_rest_reaches_the_station_behind_the_gateway(
    gateway: LiveServer, web: LiveServer
) -> None:
    async with station(gateway) as peer:
        asking = asyncio.create_task(Operator(web).command(peer.identity, "ClearCache"))
        await peer.answer(await peer.next_call(), {"status": "Accepted"})

        status, data = await asking

    assert (status, data["response"]) == (200, {"status": "Accepted"})


async def test_16_073_a_password_is_rotated_at_a_gateway(
    cluster: Cluster, gateway: LiveServer, web: LiveServer
) -> None:
    """The processor handles the answer, and another gateway checks the new password."""
    identity = fresh()
    await Operator(web).provision(identity, password="the-old-password")
    path = f"/api/v1/chargepoints/{identity}/rotate-password"
    async with station(gateway, V16, identity, password="the-old-password") as peer:
        asking = asyncio.create_task(Operator(web).request("POST", path))
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        status, answer = await asking
    key = bytes.fromhex(call[3]["value"])

    assert (status, answer["data"]["passwordHex"]) == (200, key.hex())
    async with station(cluster.servers[1], V16, identity, password=key):
        pass
    with pytest.raises(InvalidStatus):
        async with station(gateway, V16, identity, password="the-old-password", boot=False):
            pass


async def test_a_reset_that_drops_the_line_at_one_gateway_follows_the_boot_at_another(
    cluster: Cluster, gateway: LiveServer, web: LiveServer
) -> None:
    identity, operator = fresh(), Operator(web)
    async with station(gateway, identity=identity) as peer:
        asking = asyncio.create_task(operator.command(identity, "Reset", {"type": "Hard"}))
        call = await peer.next_call()
        peer.abort()
        status, _ = await asking
    path = f"/api/v1/chargepoints/{identity}/commands/{call[1]}"

    async with station(cluster.servers[1], identity=identity):
        await eventually(lambda: web.request("GET", path)[1]["data"]["effect"]["state"] == "seen")

    assert status == 202
    assert web.request("GET", path)[1]["data"]["state"] == "accepted"


async def test_the_processor_knows_the_sessions_an_operator_settled_or_ended(
    cluster: Cluster, gateway: LiveServer, web: LiveServer
) -> None:
    operator = Operator(web)

    async def decide(number: int, decision: str, **body: object) -> None:
        path = f"/api/v1/transactions/{number}/{decision}"
        status, answer = await operator.request("POST", path, {"reason": "Seen on site.", **body})
        assert status == 200, answer

    async with station(gateway) as peer:
        # The station starts in 1970, as after a lost clock, so the session is suspect at once.
        start = {**START, "timestamp": "1970-01-01T00:00:00Z", "meterStart": 4000}
        number = (await peer.call("StartTransaction", start))["transactionId"]
        await decide(number, "settle", fix="ignore")
        await eventually(lambda: "suspect_reasons" not in shared_transactions(cluster)[str(number)])
        values = [{"timestamp": at(), "sampledValue": [{"value": "100"}]}]
        reading = {"connectorId": 1, "transactionId": number, "meterValue": values}
        await peer.call("MeterValues", reading)
        (settled,) = cluster.transactions(peer.identity)

        await decide(number, "end", force=True)
        await eventually(lambda: str(number) not in shared_transactions(cluster))
        await peer.call("MeterValues", reading)
        (ended,) = cluster.transactions(peer.identity)
        await peer.call("StopTransaction", {"transactionId": number, "meterStop": 200, "timestamp": at()})
        (amended,) = cluster.transactions(peer.identity)

    found = {reason.partition(":")[0] for reason in settled["suspect_reasons"]}
    assert found and "clock-implausible" not in found
    assert (ended["status"], ended["ended_by"]) == ("ended", "operator")
    assert (amended["ended_by"], amended["meter_stop_wh"]) == ("station", 200)


@pytest.mark.parametrize("route", [("web", "gateway", "other"), ("other", "web", "gateway")], ids="-".join)
async def test_the_newest_connection_wins_when_a_station_moves_between_gateways_and_web_processes(
    cluster: Cluster, gateway: LiveServer, web: LiveServer, route: tuple[str, str, str]
) -> None:
    """Two moves, because a third one within a minute waits (F04)."""
    identity = fresh()
    servers = {"web": web, "gateway": gateway, "other": cluster.servers[1]}
    first_home, second_home, last_home = (servers[name] for name in route)
    async with (
        station(first_home, identity=identity) as first,
        station(second_home, identity=identity) as second,
        station(last_home, identity=identity) as last,
    ):
        for old in (first, second):
            assert await old.closed() == 1001

        started = await last.call("StartTransaction", {**START, "timestamp": at()})
        asking = asyncio.create_task(Operator(web).command(identity, "ClearCache"))
        await last.answer(await last.next_call(), {"status": "Accepted"})

        assert (await asking)[0] == 200
        await eventually(lambda: identity in cluster.clients(web))
        await eventually(lambda: cluster.is_online(identity))
        await last.call(
            "StopTransaction",
            {"transactionId": started["transactionId"], "meterStop": 200, "timestamp": at()},
        )
    await eventually(lambda: not cluster.is_online(identity))
    await eventually(lambda: identity not in cluster.clients(web))


async def test_a_start_repeated_after_a_move_gets_the_same_number(
    cluster: Cluster, gateway: LiveServer, web: LiveServer
) -> None:
    identity = fresh()
    start = {**START, "timestamp": at()}
    async with station(web, identity=identity) as old:
        first = await old.call("StartTransaction", start)
        async with station(gateway, identity=identity) as new:
            again = await new.call("StartTransaction", start)
            await new.call(
                "StopTransaction",
                {"transactionId": again["transactionId"], "meterStop": 200, "timestamp": at()},
            )

    assert again == first
    assert len(cluster.transactions(identity)) == 1


async def test_S12_an_unknown_station_is_not_in_redis_before_its_first_boot_adds_it(
    cluster: Cluster, gateway: LiveServer, web: LiveServer, version: str
) -> None:
    identity = fresh("NEW")
    redis = cluster.redis.client

    def keys() -> set[str]:
        # Counters of handshakes expire within a minute.
        found: list[str] = redis.keys(f"{cluster.prefix}:*{identity}*")  # type: ignore[assignment]
        return {key for key in found if not key.startswith(f"{cluster.prefix}:recent:")}

    async with station(gateway, version, identity, boot=False) as peer:
        with pytest.raises(Refused) as refusal:
            await peer.call("Heartbeat")
        before = keys(), identity in cluster.clients(web), await Operator(web).command(identity, "ClearCache")
    async with station(gateway, version, identity, boot=False) as peer:
        answer = await peer.boot()
        await peer.heartbeat()

        assert refusal.value.code == "SecurityError"
        assert before[:2] == (set(), False)
        assert before[2][0] == 404
        assert answer["status"] == "Accepted"
        assert (cluster.is_online(identity), identity in cluster.clients(web)) == (True, True)


async def test_of_two_unknown_sockets_at_different_gateways_one_becomes_the_station(cluster: Cluster) -> None:
    identity = fresh("NEW")
    async with (
        station(cluster.servers[0], V16, identity, boot=False) as first,
        station(cluster.servers[1], V16, identity, boot=False) as second,
    ):
        await asyncio.gather(first.boot(), second.boot(), return_exceptions=True)

        ended, still_open = await asyncio.wait(
            [asyncio.ensure_future(peer.closed()) for peer in (first, second)],
            return_when=asyncio.FIRST_COMPLETED,
        )

        assert [await done for done in ended] == [1001]
        assert len(still_open) == 1
        assert cluster.is_online(identity)


async def test_the_stations_of_the_last_gateway_are_offline_when_it_is_killed(
    cluster: Cluster, web: LiveServer
) -> None:
    for dying in cluster.servers[:2]:
        async with station(dying) as orphan:
            asking = asyncio.create_task(Operator(web).command(orphan.identity, "ClearCache", timeout=30))
            await orphan.next_call()

            await asyncio.to_thread(dying.kill)

            # The caller does not wait for an answer through a dead gateway.
            assert (await asking)[0] == 503
            await eventually(lambda: not cluster.is_online(orphan.identity), 10 * LEASE_S)
            await eventually(lambda orphan=orphan: orphan.identity not in cluster.clients(web))
