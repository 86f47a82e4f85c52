"""The rows of the message log: which messages get one, and what it contains."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import Exchange
from ocpp_server.protocol.errors import OcppError, RpcFrameworkError, SecurityError
from ocpp_server.protocol.frames import Call
from ocpp_server.protocol.tolerance import EXTRA_PROPERTY
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import message_log, station_store

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _logged(settings: Any) -> None:
    settings.OCPP_MESSAGE_LOG, settings.OCPP_LOG_HEARTBEATS = True, False


def station(version: str = "ocpp1.6") -> Station:
    made = Station(pk=7, identity="CP-1", version=version)
    made.frame, made.received_at = "x" * 20, NOW
    return made


def exchange(action: str = "StatusNotification", payload: str = '{"a":1}', answer: str = "{}") -> Exchange:
    made = Exchange(Call(id="m1", action=action, payload=payload))
    made.answer = answer
    return made


def rows(unit: Unit) -> list[dict[str, Any]]:
    """The rows of the unit, as the columns of the table."""
    table = station_store.port.app.messages
    found = []
    for used, row in unit.inserts:
        assert used is table
        found.append(dict(zip(table.names, row, strict=True)))
    return found


def incoming(used: Station, given: Exchange) -> list[dict[str, Any]]:
    message_log.record_incoming(used, given)
    return rows(used.unit)


def test_a_request_of_a_station_is_stored_with_its_answer() -> None:
    (row,) = incoming(station(), exchange())

    assert row.pop("duration_ms") >= 0
    assert row == {
        "charge_point_id": 7,
        "direction": "in",
        "message_id": "m1",
        "action": "StatusNotification",
        "request": '{"a":1}',
        "response": "{}",
        "error_code": "",
        "error_description": "",
        "size": 20,
        "at": NOW,
    }


@pytest.mark.parametrize(
    ("version", "code"), [("ocpp1.6", "FormationViolation"), ("ocpp2.0.1", "RpcFrameworkError")]
)
def test_a_refused_request_is_stored_with_the_error_as_its_version_spells_it(version: str, code: str) -> None:
    given = exchange("A" * 65)
    given.error = RpcFrameworkError("d" * 1001)

    (row,) = incoming(station(version), given)

    assert (row["action"], row["error_code"]) == ("A" * 64, code)
    assert row["error_description"] == "d" * 1000


@pytest.mark.parametrize(
    ("action", "error", "logged", "is_stored"),
    [
        ("StatusNotification", None, (True, False), True),
        ("StatusNotification", None, (False, True), False),
        ("Heartbeat", None, (True, False), False),
        ("Heartbeat", None, (True, True), True),
        ("Heartbeat", SecurityError("no"), (True, False), False),
        ("Heartbeat", RpcFrameworkError("broken"), (True, False), True),
        ("Heartbeat", RpcFrameworkError("broken"), (False, False), False),
    ],
)
def test_heartbeats_are_stored_on_demand_or_when_their_frame_is_broken(
    settings: Any, action: str, error: OcppError | None, logged: tuple[bool, bool], is_stored: bool
) -> None:
    settings.OCPP_MESSAGE_LOG, settings.OCPP_LOG_HEARTBEATS = logged
    given = exchange(action)
    given.error = error

    assert bool(incoming(station(), given)) is is_stored


SECRET = '{"password":"hunter2"}'


@pytest.mark.parametrize(
    ("has_unknown_field", "is_refused", "is_masked"),
    [(False, False, False), (True, False, True), (False, True, True)],
)
def test_only_a_valid_request_with_known_fields_needs_no_search_for_secrets(
    has_unknown_field: bool, is_refused: bool, is_masked: bool
) -> None:
    used, given = station(), exchange(payload=SECRET)
    if has_unknown_field:
        used.deviation(EXTRA_PROPERTY, path="password")
    given.error = SecurityError("no") if is_refused else None

    (row,) = incoming(used, given)

    assert ("hunter2" not in row["request"]) is is_masked


@pytest.mark.parametrize(("action", "is_masked"), [("DataTransfer", True), ("StatusNotification", False)])
def test_answers_are_masked_for_the_actions_that_may_hold_secrets(action: str, is_masked: bool) -> None:
    (row,) = incoming(station(), exchange(action, answer=SECRET))

    assert ("hunter2" not in row["response"]) is is_masked


# -- commands ------------------------------------------------------------------------------------------------


def outgoing(**changes: Any) -> list[dict[str, Any]]:
    unit = Unit()
    values: dict[str, Any] = {
        "message_id": "c1",
        "action": "Reset",
        "request": '{"type":"Hard"}',
        "response": '{"status":"Accepted"}',
        "duration_ms": 12.5,
    }
    message_log.record_outgoing(station(), unit, **values | changes)
    return rows(unit)


def test_a_command_is_stored_with_its_answer() -> None:
    before = datetime.now(UTC)

    (row,) = outgoing()

    assert before <= row.pop("at") <= datetime.now(UTC)
    assert row == {
        "charge_point_id": 7,
        "direction": "out",
        "message_id": "c1",
        "action": "Reset",
        "request": '{"type":"Hard"}',
        "response": '{"status":"Accepted"}',
        "error_code": "",
        "error_description": "",
        "size": 15,
        "duration_ms": 12.5,
    }


def test_a_failed_command_is_stored_with_a_short_form_of_its_error() -> None:
    (row,) = outgoing(error_code="c" * 65, error_description="d" * 1001)

    assert (row["error_code"], row["error_description"]) == ("c" * 64, "d" * 1000)


def test_the_secrets_of_a_command_are_masked_in_its_answer_too() -> None:
    (row,) = outgoing(
        action="ChangeConfiguration",
        request='{"key":"AuthorizationKey","value":"hunter2hunter2"}',
        response='{"status":"no hunter2hunter2"}',
        echoes=["hunter2hunter2"],
    )

    assert "hunter2" not in row["request"] + row["response"]


def test_no_command_is_stored_without_a_message_log(settings: Any) -> None:
    settings.OCPP_MESSAGE_LOG = False

    assert outgoing() == []
