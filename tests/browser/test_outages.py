"""The dashboard while Redis or PostgreSQL is unavailable."""

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
SET_THEME = "dark => document.documentElement.classList.toggle('dark', dark)"
# A folder for screenshots, for a person to review. Without it the tests take none.
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
    """One server with Redis and PostgreSQL, which migrates the database at its start."""
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


async def assert_fits(page: Page, name: str) -> None:
    """Check that the page does not scroll sideways at any size, in both themes."""
    for width, theme in SIZES:
        await page.set_viewport_size({"width": width, "height": 850})
        # The page chooses its theme in a script when it loads; the error page uses the media query.
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.evaluate(SET_THEME, theme == "dark")
        if PICTURES:
            await page.screenshot(path=Path(PICTURES, f"{name}-{width}-{theme}.png"))
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, (name, width, theme)


async def test_a_banner_reports_that_redis_is_away_and_disappears_when_it_is_back(
    browser: Browser, cluster: Cluster, redis: Redis
) -> None:
    page = await dashboard(browser, cluster)
    banner = page.locator("[data-troubles]")
    await expect(banner).to_be_hidden()

    redis.stop()
    try:
        await expect(banner).to_contain_text("Redis has been away since", timeout=60_000)
        await assert_fits(page, "redis")
        await page.reload()  # the page itself needs no Redis
        await expect(banner).to_contain_text("Redis has been away since")
        await assert_fits(page, "redis-reloaded")
    finally:
        redis.start()

    await expect(banner).to_be_hidden(timeout=30_000)


async def test_the_page_reports_that_the_database_is_away_and_when_it_is_back(
    browser: Browser, cluster: Cluster, postgres: Postgres
) -> None:
    page = await dashboard(browser, cluster)
    state, banner = page.locator("[data-live-state] span"), page.locator("[data-troubles]")

    postgres.stop()
    try:
        await expect(banner).to_contain_text("The database does not answer", timeout=60_000)
        await expect(state).to_contain_text("Not updated since")
        await assert_fits(page, "database")
        other = await page.context.new_page()
        await other.goto("/admin/", timeout=60_000)
        await expect(other.locator("body")).to_contain_text("The database does not answer")
        await assert_fits(other, "database-page")
    finally:
        postgres.start()

    await expect(state).to_have_text("Live", timeout=60_000)
    # An idle server notices only at its next write that the database is back.
    await expect(banner).to_be_hidden(timeout=60_000)
    await expect(other.locator("[data-live-state] span")).to_have_text("Live", timeout=60_000)
