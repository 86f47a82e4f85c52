"""Campaigns by the API, and the results of their stations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tests.conformance.peer import Operator, Records, eventually

CAMPAIGNS: Final = "/api/v1/campaigns"


def a_campaign(
    kind: str, arguments: dict[str, Any], stations: Iterable[str], **options: Any
) -> dict[str, Any]:
    """The body that creates a campaign for all these stations at once."""
    return {
        "name": "Campaign",
        "kind": kind,
        "arguments": arguments,
        "stations": {"clientIds": list(stations)},
        "canary": False,
        "failureLimitPercent": 100,
        **options,
    }


async def created(
    operator: Operator, kind: str, arguments: dict[str, Any], stations: Iterable[str], **options: Any
) -> str:
    """Create a campaign and return its URL."""
    body = a_campaign(kind, arguments, stations, **options)
    status, answer = await operator.request("POST", CAMPAIGNS, body)
    assert status == 201, answer
    return f"{CAMPAIGNS}/{answer['data']['id']}"


async def rows(operator: Operator, one: str) -> dict[str, dict[str, Any]]:
    """The row of each station, by identity."""
    _, answer = await operator.request("GET", f"{one}/stations?limit=200")
    return {row["clientId"]: row for row in answer["data"]["stations"]}


async def results(operator: Operator, one: str) -> dict[str, str]:
    """The state and reason of each station, by identity."""
    found = await rows(operator, one)
    return {name: f"{row['state']} {row['reason']}".strip() for name, row in found.items()}


async def details(operator: Operator, one: str) -> dict[str, str]:
    """The sentence of each station's result, by identity."""
    return {name: row["detail"] for name, row in (await rows(operator, one)).items()}


async def ended(operator: Operator, one: str, records: Records) -> dict[str, Any]:
    """The campaign when all its stations have a result."""
    number = int(one.rpartition("/")[2])
    sql = "SELECT finished_at FROM chargepoints_campaign WHERE id = ?"
    await eventually(lambda: records.rows(sql, number)[0]["finished_at"], timeout=60)
    _, answer = await operator.request("GET", one)
    data: dict[str, Any] = answer["data"]
    return data
