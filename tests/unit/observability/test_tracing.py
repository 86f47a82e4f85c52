"""One id in the log joins request, command, frame and answer, across processes too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.peer import V16, V201, eventually, station
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.servers import API_KEY, LiveServer
from tests.unit.observability.lines import about, lines, post

CARD = "04A1B2C3D4E5F6"
REMOTE_START = "/api/v1/transactions/remote-start"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("traced")
    live = LiveServer(folder, template=migrated_database, LOG_FORMAT="json", LOG_LEVEL="DEBUG").start()
    yield live
    assert live.stop() == 0


@pytest.mark.parametrize(
    ("version", "action"), [(V16, "RemoteStartTransaction"), (V201, "RequestStartTransaction")]
)
async def test_one_id_leads_from_the_request_to_the_answer(
    server: LiveServer, version: str, action: str
) -> None:
    async with station(server, version) as peer:
        body = {"clientId": peer.identity, "connectorId": 1, "idTag": CARD}
        asking = asyncio.create_task(asyncio.to_thread(post, server, REMOTE_START, body))
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        status, answer, headers = await asking

    assert status == 200, answer
    name = call[1]
    assert answer["data"]["requestId"] == headers["x-request-id"] == name
    found = await eventually(lambda: len(rows := about(server, name)) >= 6 and rows)
    # The line of the frame may be written before or after the line of the command.
    assert sorted(line["event"] for line in found) == [
        "command.finished",
        "command.queued",
        "command.sent",
        "frame.in",
        "frame.out",
        "http.request",
    ]
    for line in found:
        if line["event"].startswith("command."):
            assert (line["station"], line["message_id"], line["action"]) == (peer.identity, name, action)
    (finished,) = [line for line in found if line["event"] == "command.finished"]
    assert (finished["state"], finished["version"]) == ("accepted", version)
    (request,) = [line for line in found if line["event"] == "http.request"]
    assert (request["request_id"], request["status"], request["path"]) == (name, 200, REMOTE_START)
    # A request has one line: the access log of uvicorn would repeat it.
    assert not [line for line in lines(server) if line["event"] == "http.access"]


async def test_the_request_id_of_a_caller_is_logged_beside_the_own_id(server: LiveServer) -> None:
    _, _, headers = await asyncio.to_thread(
        post, server, REMOTE_START, {"clientId": "NOBODY", "idTag": CARD}, **{"X-Request-ID": "proxy-7/abc"}
    )
    await asyncio.to_thread(
        post, server, REMOTE_START, {"clientId": "NOBODY", "idTag": CARD}, **{"X-Request-ID": 'x"\u00e9 {}'}
    )

    (line,) = await eventually(lambda: about(server, "proxy-7/abc"))
    assert line["caller_request_id"] == "proxy-7/abc"
    assert line["request_id"] == headers["x-request-id"]
    assert len([line for line in lines(server) if "caller_request_id" in line]) == 1


async def test_nothing_secret_is_in_the_log_even_where_frames_are_shown(server: LiveServer) -> None:
    secret = "0123456789abcdefABCD"
    async with station(server) as peer:
        change = {"action": "ChangeConfiguration", "payload": {"key": "WifiPSK", "value": secret}}
        path = f"/api/v1/chargepoints/{peer.identity}/commands"
        asking = asyncio.create_task(asyncio.to_thread(post, server, path, change))
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        await asking
        await peer.call("Authorize", {"idTag": CARD})

    await eventually(lambda: "***E5F6" in server.log.read_text("utf-8"))
    text = server.log.read_text("utf-8")
    assert "WifiPSK" in text
    assert CARD not in text and secret not in text and API_KEY not in text


async def test_the_id_is_the_same_in_the_process_of_the_request_and_in_the_process_of_the_socket(
    make_cluster: MakeCluster,
) -> None:
    cluster: Cluster = make_cluster(2, LOG_FORMAT="json")
    asked, holder = cluster.servers
    async with station(holder) as peer:
        body = {"clientId": peer.identity, "connectorId": 1, "idTag": CARD}
        asking = asyncio.create_task(asyncio.to_thread(post, asked, REMOTE_START, body))
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        _, answer, _ = await asking
        name = answer["data"]["requestId"]
        await eventually(lambda: len(about(asked, name)) == len(about(holder, name)) == 2)

    assert [line["event"] for line in about(asked, name)] == ["command.queued", "http.request"]
    assert [line["event"] for line in about(holder, name)] == ["command.sent", "command.finished"]
    pids = {line["pid"] for server in (asked, holder) for line in about(server, name)}
    assert len(pids) == 2
    everything = cluster.log()
    assert CARD not in everything and "connectorId" not in everything  # no payload above DEBUG


async def test_the_id_is_the_same_behind_a_gateway(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0, LOG_FORMAT="json", OCPP_UNKNOWN_STATIONS="accept")
    (web,), (processor,), (gateway,) = (cluster.add(role=role) for role in ("web", "processor", "gateway"))
    async with station(gateway) as peer:
        body = {"clientId": peer.identity, "connectorId": 1, "idTag": CARD}
        asking = asyncio.create_task(asyncio.to_thread(post, web, REMOTE_START, body))
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        status, answer, _ = await asking
        name = answer["data"]["requestId"]
        await eventually(lambda: len([*about(web, name), *about(processor, name)]) == 4)

    assert (status, call[1]) == (200, name)
    by_event = {line["event"]: line for server in (web, processor) for line in about(server, name)}
    assert set(by_event) == {"command.queued", "command.sent", "command.finished", "http.request"}
    assert by_event["command.finished"]["role"] == "processor"
    for event in ("command.queued", "command.sent", "command.finished"):
        line = by_event[event]
        assert (line["station"], line["message_id"], line["action"]) == (
            peer.identity,
            name,
            "RemoteStartTransaction",
        )
    assert CARD not in cluster.log()
