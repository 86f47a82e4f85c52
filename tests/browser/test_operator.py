"""An operator watches a station and sends it commands, in a real browser."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, expect

from simulator import Station
from tests.browser.conftest import Problems, row_id
from tests.servers import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "/admin/",
    "/admin/chargepoints/chargepoint/",
    "/admin/chargepoints/chargepoint/add/",
    "/admin/chargepoints/connector/",
    "/admin/chargepoints/message/",
    "/admin/chargepoints/command/",
    "/admin/chargepoints/refusedconnection/",
    "/admin/transactions/transaction/",
    "/admin/transactions/reading/",
    "/admin/accounts/token/",
    "/admin/accounts/token/add/",
    "/admin/accounts/token/import/",
    "/admin/accounts/unknowntoken/",
    "/admin/accounts/user/",
    "/admin/accounts/apikey/add/",
)


async def test_the_dashboard_updates_without_a_reload_when_a_vehicle_charges(
    page: Page, station: Station, problems: Problems
) -> None:
    await expect(page.locator("[data-value=online]")).to_have_text("1", timeout=10_000)
    charging = asyncio.create_task(station.charge(connector=1, token="BROWSER-CARD", duration_s=8))

    await expect(page.locator("[data-rows=tokens]")).to_contain_text("BROWSER-CARD", timeout=10_000)

    charging.cancel()
    await asyncio.gather(charging, return_exceptions=True)
    assert problems == []


async def test_a_command_is_sent_and_its_result_is_shown(
    page: Page, station: Station, server: LiveServer, problems: Problems
) -> None:
    await page.goto(f"/admin/chargepoints/chargepoint/{row_id(server.database, station.identity)}/station/")
    await expect(page.locator("[data-value=online]")).to_have_text("Online")

    await page.click("[data-dialog=dialog-send]")
    dialog = page.locator("#dialog-send")
    await dialog.locator("[name=action]").select_option("TriggerMessage")
    await dialog.locator("[name=payload]").fill('{"requestedMessage": "Heartbeat"}')
    await dialog.locator("[type=submit]").click()

    await expect(page.locator("[data-result]")).to_have_text(
        "TriggerMessage: Accepted; the message was received", timeout=10_000
    )
    await expect(page.locator("[data-rows=commands]")).to_contain_text("TriggerMessage")
    assert problems == []


async def test_a_payload_the_schema_refuses_is_explained_in_the_dialog(
    page: Page, station: Station, server: LiveServer
) -> None:
    await page.goto(f"/admin/chargepoints/chargepoint/{row_id(server.database, station.identity)}/station/")

    await page.click("[data-dialog=dialog-send]")
    dialog = page.locator("#dialog-send")
    await dialog.locator("[name=action]").select_option("Reset")
    await dialog.locator("[type=submit]").click()

    await expect(dialog.locator("[data-error]")).to_contain_text("Not sent: The payload is not a valid Reset")


async def test_the_page_shows_when_the_server_is_gone_and_when_it_is_back(
    page: Page, server: LiveServer
) -> None:
    state = page.locator("[data-live-state] span")
    await expect(state).to_have_text("Live")

    server.kill()
    await expect(state).to_contain_text("No answer from the server since", timeout=15_000)
    server.start()

    await expect(state).to_have_text("Live", timeout=15_000)


@pytest.mark.parametrize("size", [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")])
async def test_every_page_fits_its_screen_without_browser_errors(
    page: Page, station: Station, server: LiveServer, problems: Problems, size: tuple[int, str]
) -> None:
    width, theme = size
    await page.set_viewport_size({"width": width, "height": 850})
    await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    own = f"/admin/chargepoints/chargepoint/{row_id(server.database, station.identity)}"

    for path in (*PAGES, f"{own}/station/", f"{own}/change/"):
        await page.goto(path)

        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert problems == [], path


async def test_the_login_page_loads_nothing_from_another_server(
    browser: Browser, server: LiveServer, problems: Problems
) -> None:
    base = f"http://127.0.0.1:{server.port}"
    page = await browser.new_page()
    problems.watch(page, base)

    await page.goto(f"{base}/admin/login/")

    await expect(page.locator("[name=username]")).to_be_visible()
    assert problems == []
