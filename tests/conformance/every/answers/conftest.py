"""The process of the stations without sockets."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.conformance.every.answers import (  # noqa: F401 - they register
    about_charging,
    about_device_models,
    about_displays,
    about_installed,
    about_signing,
    about_stations,
    about_tariffs,
)
from tests.conformance.every.answers.bench import running
from tests.conformance.peer import V16

Measured = Callable[[str, int], None]


def cases(pairs: Iterable[tuple[Any, str]]) -> list[ParameterSet]:
    """Parameters of a command, or an action, and a version. 2.x is for the nightly run: 1.6 has the same
    services, and the whole takes three minutes.
    """
    return [
        pytest.param(
            *pair,
            id=f"{getattr(pair[0], 'name', pair[0])}-{pair[1]}",
            marks=[] if pair[1] == V16 else [pytest.mark.nightly],
        )
        for pair in pairs
    ]


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
