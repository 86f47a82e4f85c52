"""Commands of all stations: found by id alone, filtered by state and batch, and awaited."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, ChargePoint, Command, Site
from chargepoints.models.command import campaign_actor
from tests.api.conftest import NOON, Caller
from tests.conformance.peer import V16, station
from tests.servers import LiveServer

COMMANDS = "/api/v1/commands"


def a_command(charge_point: ChargePoint, id: str, **columns: Any) -> Command:
    values: dict[str, Any] = {"action": "Reset", "state": "accepted", "created_at": NOON}
    return Command.objects.create(
        id=id, charge_point=charge_point, payload={}, deadline_at=NOON, **values | columns
    )


@pytest.fixture
def yard(garage: ChargePoint) -> ChargePoint:
    site = Site.objects.create(name="Yard")
    return ChargePoint.objects.create(identity="YARD", site=site)


def test_a_command_is_found_by_its_id_alone(viewer: Caller, garage: ChargePoint) -> None:
    a_command(garage, "c-1", actor="key ci")

    found = viewer.get(f"{COMMANDS}/c-1")

    assert found.status_code == 200
    assert (found.info["requestId"], found.info["clientId"]) == ("c-1", garage.identity)
    assert found.info["campaignId"] is None
    assert found.answer["message"] == f"Reset to {garage.identity} is accepted."


@pytest.mark.parametrize("id", ["c-2", "%00", "x" * 300])
def test_an_unknown_id_is_404(viewer: Caller, garage: ChargePoint, id: str) -> None:
    assert viewer.get(f"{COMMANDS}/{id}").status_code == 404


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "1.5", ""])
def test_a_bad_wait_is_400_and_named(viewer: Caller, garage: ChargePoint, wait: str) -> None:
    a_command(garage, "c-1")

    refused = viewer.get(f"{COMMANDS}/c-1?wait={wait}")

    assert refused.status_code == 400
    assert refused.info["param"] == "wait"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["yard-2", "yard-1", "garage-1"]),
        ("state=queued", ["yard-2"]),
        ("isFinished=false", ["yard-2"]),
        ("isFinished=true", ["yard-1", "garage-1"]),
        ("clientId=yard", ["yard-2", "yard-1"]),
        ("clientId=UNKNOWN", []),
        ("action=Reset", ["yard-1", "garage-1"]),
        ("actor=key%20ci", ["yard-2"]),
        ("from=2026-05-04T12:00:01Z", ["yard-2"]),
        ("clientId=YARD&isFinished=true", ["yard-1"]),
        ("ordering=createdAt", ["garage-1", "yard-1", "yard-2"]),
    ],
)
def test_the_list_has_filters(
    viewer: Caller, garage: ChargePoint, yard: ChargePoint, query: str, ids: list[str]
) -> None:
    a_command(garage, "garage-1")
    a_command(yard, "yard-1")
    later = NOON + timedelta(seconds=5)
    a_command(yard, "yard-2", state="queued", action="ClearCache", actor="key ci", created_at=later)

    found = viewer.get(f"{COMMANDS}?{query}")

    assert [one["requestId"] for one in found.info["commands"]] == ids
    assert found.info["total"] == len(ids)


def test_the_list_of_a_site(viewer: Caller, garage: ChargePoint, yard: ChargePoint) -> None:
    a_command(garage, "garage-1")
    a_command(yard, "yard-1")

    found = viewer.get(f"{COMMANDS}?siteId={yard.site_id}")

    assert [one["requestId"] for one in found.info["commands"]] == ["yard-1"]


def test_the_list_of_a_batch(viewer: Caller, garage: ChargePoint) -> None:
    campaign = Campaign.objects.create(name="Resets", kind="command", arguments={}, deadline_at=NOON)
    Campaign.objects.filter(pk=campaign.pk).update(created_at=NOON, finished_at=NOON + timedelta(hours=1))
    mine = {"actor": campaign_actor(campaign.pk), "created_at": NOON + timedelta(minutes=1)}
    a_command(garage, "first", **mine)
    a_command(garage, "again", **mine | {"created_at": NOON + timedelta(minutes=2)})
    a_command(garage, "other", actor=campaign_actor(campaign.pk + 1))
    a_command(garage, "alone", actor="key campaign 1")

    found = viewer.get(f"{COMMANDS}?campaignId={campaign.pk}")
    of_a_deleted_one = viewer.get(f"{COMMANDS}?campaignId={campaign.pk + 1}")

    assert [one["requestId"] for one in found.info["commands"]] == ["again", "first"]
    assert {one["campaignId"] for one in found.info["commands"]} == {campaign.pk}
    assert [one["requestId"] for one in of_a_deleted_one.info["commands"]] == ["other"]


@pytest.mark.slow
async def test_a_request_waits_for_the_answer_of_the_station(server: LiveServer) -> None:
    async with station(server, V16, "WAITED") as peer:
        reset = "/api/v1/chargepoints/WAITED/clear-cache?wait=false"
        _, sent = await asyncio.to_thread(server.request, "POST", reset, {})
        path = f"{COMMANDS}/{sent['data']['requestId']}"
        _, early = await asyncio.to_thread(server.request, "GET", f"{path}?wait=0")
        waiting = [
            asyncio.create_task(asyncio.to_thread(server.request, "GET", f"{path}?wait=30")) for _ in range(5)
        ]
        asked = await peer.next_call()
        await asyncio.sleep(0.5)
        assert not any(one.done() for one in waiting)

        await peer.answer(asked, {"status": "Accepted"})
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*waiting)

    assert early["data"]["state"] in ("queued", "sent")
    assert {answer["data"]["state"] for _, answer in answers} == {"accepted"}
