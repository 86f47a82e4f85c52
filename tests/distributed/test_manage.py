"""`manage.py` with a distributed server: a process without sockets sends commands through Redis."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from tests.conformance.peer import V201, Peer, at, station
from tests.distributed.cluster import Cluster
from tests.processes import output_of
from tests.servers import free_port

pytestmark = pytest.mark.slow


async def manage(cluster: Cluster, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run a command as on a machine without a server; return its exit code, stdout and stderr."""
    nowhere = {"HTTP_PORT": str(free_port()), "DATA_DIR": str(cluster.folder / "operator")}
    known = {**os.environ, "ENV_FILE": os.devnull, **cluster.environment, **nowhere, **environment}
    return await output_of("manage", *words, environment=known)


async def answering(peer: Peer, payload: dict[str, object]) -> list[object]:
    """Answer the next call of the server, and return its action and payload."""
    call = await peer.next_call(120)
    await peer.answer(call, payload)
    return call[2:]


async def test_trigger_and_send_reach_a_station_whichever_process_holds_it(shared: Cluster) -> None:
    async with station(shared.servers[2]) as peer, station(shared.servers[3], V201) as other:
        serving = asyncio.create_task(answering(peer, {"status": "Accepted"}))
        code, out, err = await manage(shared, "trigger", peer.identity, "Heartbeat")

        assert (code, err) == (0, "")
        assert await serving == ["TriggerMessage", {"requestedMessage": "Heartbeat"}]
        assert '{"status": "Accepted"}' in out

        serving = asyncio.create_task(answering(other, {"status": "Rejected"}))
        code, out, _ = await manage(shared, "send", other.identity, "ClearCache", "{}", "--json")

        answer = json.loads(out)
        assert await serving == ["ClearCache", {}]
        assert code == 1 == answer["exitCode"]
        assert answer["command"]["response"] == {"status": "Rejected"}
        assert answer["command"]["actor"].startswith("key manage.py (")


async def test_a_declared_command_reaches_several_stations_at_once(shared: Cluster) -> None:
    async with station(shared.servers[2]) as peer, station(shared.servers[3], V201) as other:
        serving = [asyncio.create_task(answering(one, {"status": "Accepted"})) for one in (peer, other)]
        code, out, err = await manage(shared, "station", "clear-cache", peer.identity, other.identity)

        assert [await one for one in serving] == [["ClearCache", {}], ["ClearCache", {}]]
        # A path with a query string.
        listed = await manage(shared, "stations", "list", "--search", other.identity, "--json")

    assert listed[0] == 0 and json.loads(listed[1])["isOnline"] is True
    assert (code, err) == (0, "")
    assert f"{other.identity} answered ClearCache: Accepted." in out and len(out.splitlines()) == 2


async def test_remote_start_reports_the_transaction_and_remote_stop_finds_its_station(
    shared: Cluster,
) -> None:
    async with station(shared.servers[1]) as peer:

        async def start_session() -> int:
            await answering(peer, {"status": "Accepted"})
            start = {"connectorId": 1, "idTag": "FRIEND", "meterStart": 100, "timestamp": at()}
            return int((await peer.call("StartTransaction", start))["transactionId"])

        starting = asyncio.create_task(start_session())
        code, out, err = await manage(shared, "remote_start", peer.identity, "FRIEND", "--connector", "1")
        number = await starting
        stopping = asyncio.create_task(answering(peer, {"status": "Accepted"}))
        stopped = await manage(shared, "remote_stop", "-", str(number))

        assert (code, err) == (0, "")
        assert f"transaction {number} began" in out
        assert stopped[0] == 0
        assert await stopping == ["RemoteStopTransaction", {"transactionId": number}]


async def test_offline_and_unknown_stations_give_one_line_and_an_exit_code(shared: Cluster) -> None:
    async with station(shared.servers[0]) as peer:
        pass

    offline = await manage(shared, "trigger", peer.identity, "Heartbeat")
    unknown = await manage(shared, "trigger", "NEVER-SEEN", "Heartbeat")

    assert offline[0] == 3 and "offline" in offline[2] and offline[2].count("\n") == 1
    assert unknown[0] == 2 and "NEVER-SEEN" in unknown[2] and unknown[2].count("\n") == 1


async def test_without_redis_or_database_a_command_prints_one_line_and_exits_with_3(shared: Cluster) -> None:
    unused = f"127.0.0.1:{free_port()}"

    no_redis = await manage(shared, "trigger", "CP-1", "Heartbeat", REDIS_ADDR=unused)
    no_database = await manage(
        shared, "trigger", "CP-1", "Heartbeat", DATABASE_URL=f"postgresql://postgres@{unused}/x"
    )

    assert no_redis[0] == 3 and no_redis[2].startswith("REDIS_ADDR: ") and no_redis[2].count("\n") == 1
    assert no_database[0] == 3 and no_database[2].startswith("DATABASE_URL: ")
    assert no_database[2].count("\n") == 1


async def test_a_command_never_becomes_the_housekeeper(shared: Cluster) -> None:
    key = f"{shared.prefix}:server:housekeeper"
    before = shared.redis.client.get(key)

    await manage(shared, "trigger", "NEVER-SEEN", "Heartbeat")

    assert before is not None and shared.redis.client.get(key) == before
