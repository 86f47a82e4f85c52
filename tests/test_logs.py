"""One structured line for each event, with nothing secret in it."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
import structlog

from ocpp_server.observability import logs


class Lines(io.StringIO):
    def only(self) -> dict[str, object]:
        (line,) = self.getvalue().splitlines()
        parsed: dict[str, object] = json.loads(line)
        return parsed


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the JSON formatter of the settings writes, of the loggers below `probe`."""
    configured = logs.configure(level="INFO", form="json")
    written = Lines()
    handler = logging.StreamHandler(written)
    handler.setFormatter(
        logging.config.DictConfigurator(configured).configure_formatter(configured["formatters"]["line"])
    )
    logger = logging.getLogger("probe")
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


def test_a_line_begins_with_the_keys_one_greps_for(lines: Lines) -> None:
    logger = structlog.get_logger("probe")

    logger.info(
        "answered", ms=1.5, version="1.6", detail="x", action="Heartbeat", message_id="7", station="CP1"
    )

    line = lines.only()
    assert list(line)[:5] == ["station", "message_id", "action", "version", "ms"]
    assert line["event"] == "answered"


def test_passwords_and_keys_are_masked_and_tokens_keep_their_end(
    lines: Lines,
) -> None:
    logger = structlog.get_logger("probe")

    logger.info("seen", password="hunter2", api_key="ocs_x", id_tag="04A1B2C3D4", token="1234")

    line = lines.only()
    assert (line["password"], line["api_key"], line["id_tag"], line["token"]) == (
        "***",
        "***",
        "***C3D4",
        "***",
    )


def test_lines_of_other_libraries_look_the_same(lines: Lines) -> None:
    logging.getLogger("probe.library").warning("%s is slow", "disk")

    line = lines.only()
    assert (line["event"], line["level"], line["logger"]) == ("disk is slow", "warning", "probe.library")
