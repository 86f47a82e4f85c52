"""One server that knows a price, and sends drivers to a payment service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import LiveServer


@pytest.fixture(scope="package")
def selling(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    live = LiveServer(
        tmp_path_factory.mktemp("selling"),
        template=migrated_database,
        OCPP_PRICE="docs.examples.price_per_kwh.total",
        OCPP_WEB_PAYMENTS="docs.examples.web_payments.open_payment",
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")
