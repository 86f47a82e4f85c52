"""A log that one process asks for, whose file arrives at another and is read at a third."""

from __future__ import annotations

import asyncio
import urllib.request

from tests.conformance.peer import V201, Operator, station
from tests.conformance.uploading import ask, in_state, upload
from tests.distributed.cluster import Cluster
from tests.servers import API_KEY


async def test_a_log_may_be_asked_for_uploaded_and_read_at_different_processes(shared: Cluster) -> None:
    asking, serving, receiving = shared.servers[:3]
    async with station(serving, V201) as peer:
        asked = await ask(Operator(asking), peer, "get-log", {"status": "Accepted"})
        await peer.call("LogStatusNotification", {"status": "Uploading", "requestId": asked.id})
        await in_state(Operator(receiving), peer, asked.id, "uploading")
        path = asked.url[asked.url.index("/uploads/") :]
        answer = await upload(f"http://127.0.0.1:{receiving.port}{path}", b"boot ok")
        row = await in_state(Operator(asking), peer, asked.id, "received")
    file = f"/api/v1/chargepoints/{peer.identity}/logs/{asked.id}/file"
    read = await asyncio.to_thread(downloaded, serving.port, file)

    assert (answer.status, row["size"], read) == (200, 7, b"boot ok")


def downloaded(port: int, path: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    request.add_header("Authorization", f"Api-Key {API_KEY}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        body: bytes = answer.read()
    return body
