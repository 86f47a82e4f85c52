"""Pages at the widths of a phone and of a small laptop: nothing leaves its place, and nothing is hidden."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from simulator import Station
from tests.browser.conftest import Problems, row_id
from tests.servers import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Elements whose text leaves them, and parts of the page beyond its right edge. What scrolls is not cut.
CUT = """() => {
  const wide = [...document.querySelectorAll("main *")].filter((one) => {
    if (!one.offsetParent || ["INPUT", "SELECT", "TEXTAREA", "OPTION"].includes(one.tagName)) return false;
    const scrolls = one.closest(".op-scroll, [data-simplebar], pre, dialog");
    if (scrolls) return scrolls.getBoundingClientRect().right > innerWidth + 1;
    const hides = !["visible", "auto", "scroll"].includes(getComputedStyle(one).overflowX);
    const leaves = one.getBoundingClientRect().right > innerWidth + 1;
    return leaves || (hides && one.scrollWidth > one.clientWidth + 1);
  });
  const main = document.querySelector("main");
  if (main.scrollWidth > main.clientWidth) wide.push(main);
  return wide.map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`);
}"""
TILES = """() => [...document.querySelectorAll(".op-tile-value")]
  .map((value) => { value.firstElementChild.textContent = "15,090.60\\u00a0kWh"; return value; })
  .filter((value) => value.scrollWidth > value.clientWidth || value.offsetHeight > 44)
  .map((value) => value.textContent)"""


@pytest.mark.parametrize("width", [390, 768, 1024, 1280, 1440])
async def test_nothing_leaves_its_place(page: Page, station: Station, server: LiveServer, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 850})
    pk = row_id(server.database, station.identity)

    for path in (
        "/admin/",
        f"/admin/chargepoints/chargepoint/{pk}/station/",
        f"/admin/chargepoints/chargepoint/{pk}/change/",
        "/admin/chargepoints/chargepoint/",
        "/admin/chargepoints/message/",
        "/admin/transactions/transaction/",
    ):
        await page.goto(path)

        assert await page.evaluate(CUT) == [], path

    await page.goto("/admin/")
    assert await page.evaluate(TILES) == []


async def test_a_phone_shows_the_logs_of_a_station(page: Page, station: Station, server: LiveServer) -> None:
    await page.set_viewport_size({"width": 390, "height": 850})
    await page.goto(f"/admin/chargepoints/chargepoint/{row_id(server.database, station.identity)}/station/")

    await expect(page.locator("[data-rows=messages] tr").first).to_be_visible()
    await expect(page.locator("#commands")).to_be_visible()
    await expect(page.locator("[data-rows=messages] td").first).to_have_attribute("data-head", "Direction")


async def dialog_on_a_phone(
    page: Page, server: LiveServer, station: Station, command: str, *, height: int
) -> Locator:
    """The opened dialog of a command on the page of the station."""
    await page.set_viewport_size({"width": 390, "height": height})
    await page.goto(f"/admin/chargepoints/chargepoint/{row_id(server.database, station.identity)}/station/")
    await page.click(f"[data-dialog=dialog-{command}]")
    return page.locator(f"#dialog-{command}")


async def test_a_phone_shows_a_new_password_without_scrolling(
    page: Page, station: Station, server: LiveServer
) -> None:
    dialog = await dialog_on_a_phone(page, server, station, "rotate-password", height=850)
    await dialog.locator("[type=submit]").click()
    await dialog.locator("[name=confirmed]").check()
    await dialog.locator("[type=submit]").click()

    await expect(page.locator("[data-shown-once] code").first).to_be_in_viewport()


async def test_a_phone_shows_the_error_of_a_long_dialog(
    page: Page, station: Station, server: LiveServer
) -> None:
    dialog = await dialog_on_a_phone(page, server, station, "set-charging-profile", height=700)
    await dialog.locator("textarea").first.fill("16 A")
    await dialog.locator("[name=stack_level]").press("Enter")

    await expect(dialog.locator("[data-error]")).to_contain_text("Not valid JSON")
    await expect(dialog.locator("[data-error]")).to_be_in_viewport(ratio=0.9)


async def test_a_keyboard_reaches_the_content_first_and_pickers_have_names(
    page: Page, problems: Problems
) -> None:
    await page.goto("/admin/transactions/accessrule/add/")

    await page.keyboard.press("Tab")
    await expect(page.locator(".op-skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()

    await expect(page.get_by_role("combobox", name="Token", exact=True)).to_be_visible()
    await expect(page.get_by_role("combobox", name="Site", exact=True)).to_be_visible()
    assert problems == []
