"""An operator watches a campaign, pauses and resumes it, and lets failed stations try again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Page, expect

from simulator import V16, V201, Misbehaviour, Station
from tests.browser.conftest import Problems
from tests.browser.test_many_stations import assert_fits
from tests.servers import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
async def fleet(server: LiveServer) -> AsyncIterator[dict[str, Station]]:
    """A station for each end of a request for a log; one of them is offline."""
    behaviours = {
        "UPLOADS": (V16, Misbehaviour()),
        "REJECTS": (V201, Misbehaviour(rejects_logs=True)),
        "BREAKS": (V201, Misbehaviour(stops_uploads=True)),
        "SILENT": (V16, Misbehaviour(never_answers=True)),
        "GONE": (V16, Misbehaviour()),
    }
    async with AsyncExitStack() as stack:
        stations = {}
        for name, (version, misbehaviour) in behaviours.items():
            one = Station(f"LOGS-{name}", version, server.ocpp, speed=100, misbehaviour=misbehaviour)
            await one.start()
            stack.push_async_callback(one.stop)
            stations[name] = one
        await stations["GONE"].stop()
        yield stations


def create(server: LiveServer, stations: list[Station], **options: Any) -> int:
    """The number of a new campaign that asks these stations for their logs."""
    status, answer = server.request(
        "POST",
        "/api/v1/campaigns",
        {
            "name": "Logs of the depot",
            "kind": "logs",
            "arguments": {"logType": "DiagnosticsLog"},
            "stations": {"clientIds": [one.identity for one in stations]},
            "canary": False,
            "failureLimitPercent": 100,
            **options,
        },
    )
    assert status == 201, answer
    return int(answer["data"]["id"])


async def test_a_campaign_is_watched_paused_and_resumed(
    page: Page, server: LiveServer, fleet: dict[str, Station], problems: Problems
) -> None:
    stations = list(fleet.values())
    number = create(server, stations, startsAt="2099-01-01T00:00:00Z", deadlineAt="2099-02-01T00:00:00Z")
    await page.goto(f"/admin/chargepoints/campaign/{number}/change/")

    await expect(page.locator("[data-value=progress]")).to_have_text("0 of 5 stations have a result")
    await expect(page.locator("[data-value=state]")).to_have_text("Running")
    await expect(page.get_by_role("button", name="Resume")).to_be_hidden()
    await expect(page.get_by_role("button", name="Delete")).to_be_hidden()
    await page.get_by_role("button", name="Pause").click()

    await expect(page.locator("[data-value=state]")).to_have_text("Paused")
    await expect(page.locator("[data-value=reason]")).to_have_text("Paused by admin.")
    await assert_fits(page, "campaign-paused")
    await page.get_by_role("button", name="Resume").click()
    dialog = page.locator("#dialog-resume")
    await expect(dialog).to_contain_text("The failures so far do not pause it again.")
    await assert_fits(page, "campaign-dialog")
    await dialog.get_by_role("button", name="Back").click()
    await expect(page.locator("[data-value=state]")).to_have_text("Paused")
    await page.get_by_role("button", name="Resume").click()
    await dialog.get_by_role("button", name="Resume").click()

    await expect(page.locator("[data-value=state]")).to_have_text("Running")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    # The page follows without a reload, the buttons too.
    server.request("POST", f"/api/v1/campaigns/{number}/pause")
    await expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=15_000)
    await expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    assert problems == []


async def test_the_results_of_the_stations_are_shown_as_they_come(
    page: Page, server: LiveServer, fleet: dict[str, Station], problems: Problems
) -> None:
    number = create(server, list(fleet.values()))
    await page.goto(f"/admin/chargepoints/campaign/{number}/change/")

    def row(name: str) -> Any:
        return page.locator("[data-rows=stations] tr", has_text=fleet[name].identity)

    # The silent station has the time of a command.
    await expect(row("SILENT")).to_contain_text("No answer in time", timeout=60_000)
    await expect(row("UPLOADS")).to_contain_text("bytes")
    await expect(row("REJECTS")).to_contain_text("Rejected by the station")
    await expect(row("BREAKS")).to_contain_text("Failed")
    await expect(row("GONE")).to_contain_text("Waiting")
    await expect(page.locator("[data-value=progress]")).to_have_text("4 of 5 stations have a result")
    await expect(page.locator("[data-value=failed]")).to_have_text("3")
    share = await page.locator("progress[data-share]").evaluate("bar => bar.position")
    assert share == pytest.approx(0.8)
    await assert_fits(page, "campaign-results")

    await page.get_by_role("button", name="Cancel campaign").click()
    await assert_fits(page, "campaign-cancel")
    await page.locator("#dialog-cancel").get_by_role("button", name="Cancel campaign").click()
    await expect(page.locator("[data-value=state]")).to_have_text("Cancelled")
    await expect(row("GONE")).to_contain_text("Campaign cancelled")
    await expect(page.get_by_role("button", name="Retry failed stations")).to_be_hidden()
    await assert_fits(page, "campaign-ended")

    await page.get_by_role("button", name="Delete").click()
    await page.locator("#dialog-delete").get_by_role("button", name="Delete").click()
    await expect(page).to_have_url(f"http://127.0.0.1:{server.port}/admin/chargepoints/campaign/")
    await expect(page.locator("main")).to_contain_text("Campaign Logs of the depot deleted.")
    assert problems == []


async def test_failed_stations_try_again(
    page: Page, server: LiveServer, fleet: dict[str, Station], problems: Problems
) -> None:
    station = fleet["REJECTS"]
    number = create(server, [station])
    await page.goto(f"/admin/chargepoints/campaign/{number}/change/")
    await expect(page.locator("[data-value=state]")).to_have_text("Finished", timeout=30_000)
    await expect(page.locator("[data-live-state] span")).to_have_text("Ended")

    station.misbehaviour.rejects_logs = False
    await page.get_by_role("button", name="Retry failed stations").click()
    await page.locator("#dialog-retry-failed").get_by_role("button", name="Retry failed stations").click()

    await expect(page.locator("[data-value=done]")).to_have_text("1", timeout=30_000)
    await expect(page.locator("[data-value=state]")).to_have_text("Finished")
    assert problems == []
