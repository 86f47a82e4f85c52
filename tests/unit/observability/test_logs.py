"""One structured line for each event, with nothing secret in it."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ocpp_server.observability import frame_log, logs


class Lines(io.StringIO):
    def only(self) -> dict[str, Any]:
        (line,) = self.getvalue().splitlines()
        parsed: dict[str, Any] = json.loads(line)
        return parsed


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The output of the JSON formatter of the settings, for the loggers below `probe`."""
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


def test_a_line_begins_with_the_keys_that_a_user_searches_for(lines: Lines) -> None:
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


def test_secrets_inside_of_values_are_masked_too(lines: Lines) -> None:
    structlog.get_logger("probe").info(
        "seen",
        wifi_psk="hunter2",
        tokens=3,
        error="can't reach ftp://user:hunter2@example.com/x",
        payload={"key": "SimPin", "value": "hunter2", "retries": 3},
    )

    assert "hunter2" not in lines.getvalue()
    line = lines.only()
    assert (line["tokens"], line["payload"]["retries"]) == (3, 3)
    assert line["error"] == "can't reach ftp://***@example.com/x"


def test_lines_of_other_libraries_have_the_same_form(lines: Lines) -> None:
    logging.getLogger("probe.library").warning("%s is slow", "disk")

    line = lines.only()
    assert (line["event"], line["level"], line["logger"]) == ("disk is slow", "warning", "probe.library")


def test_an_exception_is_fields_and_never_the_values_of_variables(lines: Lines) -> None:
    password = "hunter2-in-a-variable"

    try:
        try:
            raise KeyError("7")
        except KeyError as error:
            raise ValueError("no such row") from error
    except ValueError:
        structlog.get_logger("probe").exception("failed", station="CP1", message_id="7", action="Authorize")

    line = lines.only()
    assert (line["station"], line["message_id"], line["action"]) == ("CP1", "7", "Authorize")
    raised, cause = line["exception"]
    assert (raised["exc_type"], raised["exc_value"], cause["exc_type"]) == (
        "ValueError",
        "no such row",
        "KeyError",
    )
    assert raised["frames"][-1]["name"] == "test_an_exception_is_fields_and_never_the_values_of_variables"
    assert password not in lines.getvalue()


def test_exceptions_of_other_libraries_are_fields_too(lines: Lines) -> None:
    try:
        raise OSError(28, "No space left on device")
    except OSError:
        logging.getLogger("probe.library").exception("%s failed", "disk")

    line = lines.only()
    assert line["event"] == "disk failed"
    assert line["exception"][0]["exc_type"] == "OSError"


def test_every_line_names_the_process_that_wrote_it(lines: Lines) -> None:
    structlog.get_logger("probe").info("seen")

    line = lines.only()
    assert (line["role"], line["pid"]) == ("server", os.getpid())


def test_uvicorns_access_lines_have_fields_and_no_query() -> None:
    record = logging.LogRecord(
        "uvicorn.access",
        logging.INFO,
        __file__,
        1,
        '%s - "%s %s HTTP/%s" %d',
        ("192.0.2.7:51000", "GET", "/api/v1/transactions?idTag=04A1B2C3D4", "1.1", 200),
        None,
    )

    assert logs.AccessFields().filter(record)

    fields = {name: getattr(record, name) for name in ("address", "method", "path", "status")}
    assert record.getMessage() == "http.access"
    assert fields == {
        "address": "192.0.2.7",
        "method": "GET",
        "path": "/api/v1/transactions",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (
            '[2,"7","Authorize",{"idTag":"04A1B2C3D4"}]',
            '[2,"7","Authorize",{"idTag":"***C3D4"}]',
        ),
        (
            '[2,"7","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789abcdef"}]',
            '[2,"7","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]',
        ),
        (
            '[2,"7","SetNetworkProfile",{"connectionData":{"vpn":{"user":"u","key":"k-of-vpn"}}}]',
            '[2,"7","SetNetworkProfile",{"connectionData":{"vpn":{"user":"u","key":"***"}}}]',
        ),
        (
            '[3,"7",{"configurationKey":[{"key":"WifiPSK","readonly":false,"value":"hunter2"}]}]',
            '[3,"7",{"configurationKey":[{"key":"WifiPSK","readonly":false,"value":"***"}]}]',
        ),
        ('[2,"7","DataTransfer",{"data":"psk=hunter2', '[2,"7","DataTransfer",{"data":…'),
        ("[2,7,", "[2,7,"),
    ],
)
def test_a_frame_in_the_log_keeps_its_secrets(frame: str, shown: str) -> None:
    assert frame_log.shown(frame) == shown
