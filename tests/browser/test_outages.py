"""What an operator sees on the dashboard while Redis or PostgreSQL is away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD
from tests.distributed.cluster import Cluster
from tests.distributed.engines import Postgres, Redis

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZES = [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")]
TURN = "dark => document.documentElement.classList.toggle('dark', dark)"
# A folder for pictures of what was seen, to be looked at.
PICTURES = os.environ.get("BROWSER_PICTURES", "")


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    engine = Redis()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    engine = Postgres()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, redis: Redis, postgres: Postgres) -> Iterator[Cluster]:
    """One server with both, which migrates at its start; it is killed at the end, whatever state it is in."""
    cluster = Cluster(tmp_path_factory.mktemp("away"), redis, postgres.create("away"))
    cluster.add(1)
    yield cluster
    cluster.stop()


async def dashboard(browser: Browser, cluster: Cluster) -> Page:
    base = f"http://127.0.0.1:{cluster.servers[0].port}"
    context = await browser.new_context(base_url=base, viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto("/admin/login/")
    await page.fill("[name=username]", "admin")
    await page.fill("[name=password]", PASSWORD)
    await page.click("[type=submit]")
    await expect(page.locator("[data-live-state] span")).to_have_text("Live")
    return page


async def look(page: Page, name: str) -> None:
    """At each size, in both themes: nothing sticks out."""
    for width, theme in SIZES:
        await page.set_viewport_size({"width": width, "height": 850})
        # As the page itself does when it is loaded; a plain page follows the medium.
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.evaluate(TURN, theme == "dark")
        if PICTURES:
            await page.screenshot(path=Path(PICTURES, f"{name}-{width}-{theme}.png"))
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, (name, width, theme)


async def test_a_banner_says_that_redis_is_away_and_goes_when_it_is_back(
    browser: Browser, cluster: Cluster, redis: Redis
) -> None:
    page = await dashboard(browser, cluster)
    banner = page.locator("[data-troubles]")
    await expect(banner).to_be_hidden()

    redis.stop()
    try:
        await expect(banner).to_contain_text("Redis has been away since", timeout=60_000)
        await look(page, "redis")
        await page.reload()  # the page itself needs no Redis
        await expect(banner).to_contain_text("Redis has been away since")
        await look(page, "redis-reloaded")
    finally:
        redis.start()

    await expect(banner).to_be_hidden(timeout=30_000)


async def test_the_page_says_that_the_database_is_away_and_when_it_is_back(
    browser: Browser, cluster: Cluster, postgres: Postgres
) -> None:
    page = await dashboard(browser, cluster)
    state, banner = page.locator("[data-live-state] span"), page.locator("[data-troubles]")

    postgres.stop()
    try:
        await expect(banner).to_contain_text("The database does not answer", timeout=60_000)
        await expect(state).to_contain_text("Not updated since")
        await look(page, "database")
        other = await page.context.new_page()
        await other.goto("/admin/", timeout=60_000)
        await expect(other.locator("body")).to_contain_text("The database does not answer")
        await look(other, "database-page")
    finally:
        postgres.start()

    await expect(state).to_have_text("Live", timeout=60_000)
    # An idle server has to write something first, to know.
    await expect(banner).to_be_hidden(timeout=60_000)
    await expect(other.locator("[data-live-state] span")).to_have_text("Live", timeout=60_000)
