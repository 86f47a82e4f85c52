"""The lines that the project logs while a test runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict):
            self.found.append(record.msg | {"log_level": record.msg.get("level")})


@contextmanager
def captured_logs() -> Iterator[list[dict[str, Any]]]:
    """Collect the fields of every line.

    `structlog.testing.capture_logs` misses the lines of loggers that have been used before, because these
    keep the processors of their first use.
    """
    handler, root = _Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.found
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
