"""Every list of the admin and a page of its newest row, with the rows of the recorded scenario.

With SCREENSHOTS the pages are also written to this folder as pictures, to look at.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.async_api import Browser, Page
from pytest_django.plugin import DjangoDbBlocker

from tests.api.recorded import seed
from tests.api.recorded.playing import Player
from tests.api.recorded.test_answers import ENVIRONMENT, SCENARIO
from tests.browser.conftest import Problems, signed_in
from tests.browser.test_layout import CUT
from tests.servers import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
LOOKS = [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")]
ROW = "table td a[href*='/change/'], table th a[href*='/change/'], table a[href*='/station/']"


@pytest.fixture
def planted(
    tmp_path: Path, migrated_database: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[LiveServer]:
    running = LiveServer(tmp_path / "recorded", template=migrated_database, **ENVIRONMENT)
    # Without credentials: the ids of the rows that are made first are part of the recording.
    shutil.copy(migrated_database, running.database)
    with django_db_blocker.unblock():
        seed.plant(running.database)
    yield running.start()
    running.stop()


@pytest.fixture
async def recorded(planted: LiveServer) -> LiveServer:
    """A server with the rows of all nouns."""
    player = Player(planted)
    for part in SCENARIO:
        await part.play(player)
    return planted


async def picture(page: Page, name: str) -> None:
    if SCREENSHOTS:
        await page.screenshot(path=Path(SCREENSHOTS, f"{name}.png"), full_page=True)


async def test_every_list_and_row_fits(browser: Browser, recorded: LiveServer, problems: Problems) -> None:
    lists = {
        model._meta.label_lower: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }
    cut: dict[str, list[str]] = {}
    empty = []
    for width, scheme in LOOKS:
        async with signed_in(browser, recorded, problems, width=width, scheme=scheme) as page:
            for label, path in lists.items():
                name = f"{label}-{width}-{scheme}"
                await page.goto(path)
                cut[f"{name} list"] = await page.evaluate(CUT)
                await picture(page, f"{name}-list")
                row = page.locator(ROW).first
                if await row.count() == 0:
                    empty.append(label)
                    continue
                await page.goto(str(await row.get_attribute("href")))
                assert not re.search(r"/login/", page.url)
                cut[f"{name} row"] = await page.evaluate(CUT)
                await picture(page, f"{name}-row")

    assert [f"{name}: {found}" for name, found in cut.items() if found] == []
    assert problems == []
    assert len(set(empty)) < len(lists) // 3, empty
