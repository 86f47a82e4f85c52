"""The live pages show what has changed within seconds, and request nothing while they are hidden."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from simulator import V16, Station
from tests.browser.conftest import Problems, row_id
from tests.servers import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HIDE, SHOW = (
    f"""() => {{
        Object.defineProperty(document, "hidden", {{ configurable: true, get: () => {hidden} }});
        document.dispatchEvent(new Event("visibilitychange"));
    }}"""
    for hidden in ("true", "false")
)


def station_page(server: LiveServer, station: Station) -> str:
    return f"/admin/chargepoints/chargepoint/{row_id(server.database, station.identity)}/station/"


async def test_a_status_appears_within_three_seconds(
    page: Page, station: Station, server: LiveServer, problems: Problems
) -> None:
    await page.goto(station_page(server, station))
    row = page.locator("[data-rows=connectors] tr").first
    await expect(row).to_contain_text("Available")

    await station.set_status(station.connector(1), "Preparing")

    await expect(row).to_contain_text("Preparing", timeout=3_000)
    assert problems == []
    await station.set_status(station.connector(1), "Available")


async def test_energy_rises_without_a_snapshot(page: Page, server: LiveServer) -> None:
    card = {"uid": "BROWSER-DRIVER", "type": "RFID"}
    status, answer = await asyncio.to_thread(server.request, "POST", "/api/v1/tokens", card)
    assert status == 201, answer
    station = Station("BROWSER-2", V16, server.ocpp, settings={"sample_interval": 1})
    await station.start()
    session = station.begin(1, "BROWSER-DRIVER", duration_s=600)
    try:
        await page.goto(station_page(server, station))
        energy = page.locator("[data-rows=sessions] [data-reading$='.energy']")
        before = await energy.inner_text(timeout=10_000)

        await page.route("**/station/live/", lambda route: route.abort())
        await expect(energy).not_to_have_text(before, timeout=15_000)
    finally:
        session.cancel()
        await station.stop()


async def test_a_hidden_page_requests_nothing_and_its_first_request_is_the_snapshot(
    page: Page, station: Station, server: LiveServer
) -> None:
    await page.clock.install()
    await page.goto(station_page(server, station))
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    async with page.expect_response("**/admin/changes/**"):
        await page.clock.run_for(2_100)

    await page.evaluate(HIDE)
    await expect(page.locator("[data-live-state] span")).to_have_text("Paused")
    requested.clear()
    await page.clock.run_for(60_000)
    assert requested == []

    async with page.expect_response("**/station/live/"):
        await page.evaluate(SHOW)
    assert len(requested) == 1
    await expect(page.locator("[data-live-state] span")).to_have_text("Live")
