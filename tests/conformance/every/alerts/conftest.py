"""A server that judges the rules of alerts all the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import LiveServer


@pytest.fixture(scope="package")
def quick(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    fast = {"ALERT_INTERVAL": "200ms", "ALERT_WARMUP": "0s"}
    running = LiveServer(tmp_path_factory.mktemp("alerts"), template=migrated_database, **fast)
    yield running.start()
    assert running.stop() == 0
