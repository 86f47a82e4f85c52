"""The process of the stations without sockets."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

import pytest

from tests.conformance.every.answers import about_charging, about_stations  # noqa: F401 - they register
from tests.conformance.every.answers.bench import running

Measured = Callable[[str, int], None]


@pytest.fixture
async def process(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """A running engine that logs no error. Lines below an error cost more time than the cases."""
    logging.disable(logging.WARNING)
    try:
        async with running():
            yield
    finally:
        logging.disable(logging.NOTSET)
    errors = [one.getMessage() for one in caplog.get_records("call") if one.levelno >= logging.ERROR]
    assert not errors


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Add to a size that the run prints at its end."""

    def measure(name: str, size: int) -> None:
        record_property("size", [name, size])

    return measure
