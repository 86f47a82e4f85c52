"""The simulator keeps a local list of the server, and decides by it while it is offline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from simulator import Misbehaviour, Station
from tests.conformance.peer import Operator, fresh
from tests.servers import LiveServer

Make = Callable[..., Awaitable[Station]]


@pytest.fixture
async def make_station(server: LiveServer, version: str) -> AsyncIterator[Make]:
    made: list[Station] = []

    async def make(**options: Any) -> Station:
        made.append(Station(fresh("SIM"), version.removeprefix("ocpp"), server.ocpp, speed=100.0, **options))
        await made[-1].start()
        return made[-1]

    yield make
    for one in made:
        await one.stop(grace_s=1)


async def update(operator: Operator, station: Station) -> dict[str, Any]:
    path = f"/api/v1/chargepoints/{station.identity}/sync-local-list"
    _, answer = await operator.request("POST", path, {})
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_station_authorizes_offline_by_the_list_that_it_got(
    operator: Operator, make_station: Make
) -> None:
    station = await make_station(settings={"list_items": 2, "offline_unknown": "false"})

    data = await update(operator, station)

    assert data["version"] == station.local_list_version == -(-len(station.local_list) // 2)
    assert (data["listed"], data["reason"]) == (len(station.local_list), "")
    await station.go_offline()
    found = [await station.authorize(uid) for uid in ("alice0001", "BLOCKED1", "NEVER-SEEN")]
    assert found == ["Accepted", "Invalid", "Invalid"]


@pytest.mark.parametrize("refusal", ["Failed", "VersionMismatch", "InternalError"])
async def test_a_list_that_stops_half_way_is_failed_and_then_replaced(
    operator: Operator, make_station: Make, refusal: str
) -> None:
    behaviour = Misbehaviour(local_list=refusal, local_list_after=1)
    station = await make_station(settings={"list_items": 1}, misbehaviour=behaviour)

    failed = await update(operator, station)
    behaviour.local_list = ""
    data = await update(operator, station)

    assert failed["state" if "state" in failed else "errorCode"] in ("failed", refusal)
    assert (data["reason"], data["listed"]) == ("", len(station.local_list))
    assert data["version"] == station.local_list_version
