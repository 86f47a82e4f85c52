"""Events of stations at every process are one stream, whichever process numbers and returns them."""

from __future__ import annotations

from tests.conformance.messages import status
from tests.conformance.peer import V16, Operator, eventually, fresh, station
from tests.distributed.cluster import Cluster

PATH = "/api/v1/events"


async def test_a_station_that_moves_between_processes_has_one_sequence(shared: Cluster) -> None:
    reader = Operator(shared.servers[0])
    _, answer = await reader.request("GET", f"{PATH}?after=latest")
    start = answer["data"]["next"]
    identity = fresh()
    words = ["Available", "Preparing", "Charging", "Finishing"]
    for server, word in zip(shared.servers, words, strict=True):
        async with station(server, V16, identity) as peer:
            await peer.call("StatusNotification", status(1, word))
            await eventually(lambda word=word: _last(shared, identity) == word)

    found = []
    while True:
        _, answer = await reader.request("GET", f"{PATH}?after={start}&station={identity}")
        found += answer["data"]["events"]
        start = answer["data"]["next"]
        if not answer["data"]["more"]:
            break

    assert [each["sequence"] for each in found] == list(range(1, len(found) + 1))
    changes = [each["data"] for each in found if each["type"] == "connector.status_changed"]
    assert [each["status"] for each in changes] == words
    assert [each["previousStatus"] for each in changes] == ["", *words[:-1]]


def _last(cluster: Cluster, identity: str) -> str | None:
    rows = cluster.rows(
        "SELECT data::json->>'status' AS status FROM api_events "
        "WHERE station = %s AND position IS NOT NULL AND type = 'connector.status_changed' "
        "ORDER BY position DESC LIMIT 1",
        identity,
    )
    return rows[0]["status"] if rows else None
