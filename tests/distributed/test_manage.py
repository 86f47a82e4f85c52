"""manage.py against a distributed server: from a process without sockets, through Redis, to the station."""

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
    """Exit code, stdout and stderr of a command on a machine where no server runs."""
    nowhere = {"HTTP_PORT": str(free_port()), "DATA_DIR": str(cluster.folder / "operator")}
    known = {**os.environ, "ENV_FILE": os.devnull, **cluster.environment, **nowhere, **environment}
    return await output_of("manage", *words, environment=known)


async def answering(peer: Peer, payload: dict[str, object]) -> list[object]:
    """The next call of the server, answered."""
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
        assert answer["command"]["actor"].endswith("manage.py")


async def test_remote_start_sees_the_transaction_and_remote_stop_finds_its_station(shared: Cluster) -> None:
    async with station(shared.servers[1]) as peer:

        async def drive() -> int:
            await answering(peer, {"status": "Accepted"})
            start = {"connectorId": 1, "idTag": "FRIEND", "meterStart": 100, "timestamp": at()}
            return int((await peer.call("StartTransaction", start))["transactionId"])

        driving = asyncio.create_task(drive())
        code, out, err = await manage(shared, "remote_start", peer.identity, "FRIEND", "--connector", "1")
        number = await driving
        stopping = asyncio.create_task(answering(peer, {"status": "Accepted"}))
        stopped = await manage(shared, "remote_stop", "-", str(number))

        assert (code, err) == (0, "")
        assert f"transaction {number} began" in out
        assert stopped[0] == 0
        assert await stopping == ["RemoteStopTransaction", {"transactionId": number}]


async def test_offline_and_unknown_stations_are_one_sentence_and_their_exit_codes(shared: Cluster) -> None:
    async with station(shared.servers[0]) as peer:
        pass

    offline = await manage(shared, "trigger", peer.identity, "Heartbeat")
    unknown = await manage(shared, "trigger", "NEVER-SEEN", "Heartbeat")

    assert offline[0] == 3 and "offline" in offline[2] and offline[2].count("\n") == 1
    assert unknown[0] == 2 and "NEVER-SEEN" in unknown[2] and unknown[2].count("\n") == 1


async def test_without_redis_or_database_it_is_one_sentence_and_exit_3(shared: Cluster) -> None:
    nobody = f"127.0.0.1:{free_port()}"

    no_redis = await manage(shared, "trigger", "CP-1", "Heartbeat", REDIS_ADDR=nobody)
    no_database = await manage(
        shared, "trigger", "CP-1", "Heartbeat", DATABASE_URL=f"postgresql://postgres@{nobody}/x"
    )

    assert no_redis[0] == 3 and no_redis[2].startswith("REDIS_ADDR: ") and no_redis[2].count("\n") == 1
    assert no_database[0] == 3 and no_database[2].startswith("DATABASE_URL: ")
    assert no_database[2].count("\n") == 1


async def test_a_command_never_becomes_the_housekeeper(shared: Cluster) -> None:
    office = f"{shared.prefix}:server:housekeeper"
    before = shared.redis.client.get(office)

    await manage(shared, "trigger", "NEVER-SEEN", "Heartbeat")

    assert before is not None and shared.redis.client.get(office) == before
