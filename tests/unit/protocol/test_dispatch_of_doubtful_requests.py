"""A request that is refused before its handler or repaired, and one without a conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocpp_server.protocol import dispatch
from ocpp_server.protocol.dispatch import Exchange
from ocpp_server.protocol.errors import (
    FormatViolation,
    NotImplementedAction,
    NotSupported,
    OccurrenceConstraintViolation,
    PropertyConstraintViolation,
    SecurityError,
)
from ocpp_server.protocol.frames import Call
from ocpp_server.protocol.registry import Registry
from ocpp_server.protocol.versions import V16, V201
from tests.unit.protocol.parties import Party, Work
from tests.unit.protocol.requests import BOOT, NOW, heartbeat, run, serving

# --- a request that is refused before its handler


@pytest.mark.parametrize(
    ("version", "action", "kind", "counted"),
    [
        (V16, "Nonsense", NotImplementedAction, ("unknown-action", "no version of OCPP has this action")),
        (V16, "Reset", NotSupported, ("unexpected-action", "only the server sends this action")),
        (V16, "TransactionEvent", NotSupported, ("unexpected-action", "an action of OCPP 2.0.1, 2.1")),
        (V201, "StartTransaction", NotSupported, ("unexpected-action", "an action of OCPP 1.6")),
        (V16, "DataTransfer", NotSupported, None),
        (V201, "NotifyEvent", NotSupported, None),
    ],
)
def test_an_action_that_is_not_served_is_refused_and_only_an_unexpected_one_counted(
    handlers: Registry, version: str, action: str, kind: type[Exception], counted: tuple[str, str] | None
) -> None:
    station, work = Party(version), Work()

    exchange = run(station, heartbeat(action=action), work)

    assert type(exchange.error) is kind
    assert station.deviations == ([] if counted is None else [(*counted, "")])
    assert work.steps == ["commit"], "nothing has changed that could be rolled back"


def test_a_refusal_names_the_action_and_the_version(handlers: Registry) -> None:
    error = run(Party(V16), heartbeat(action="Reset"), Work()).error

    assert error is not None
    assert error.description == "Reset is not supported by this server in OCPP 1.6."


def test_before_its_boot_is_accepted_a_station_may_only_boot(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))
    handlers.on("BootNotification", V16)(serving({**NOW, "interval": 300, "status": "Accepted"}))
    waiting, accepted = Party(V16, is_accepted=False), Party(V16)
    boot = Call(id="7", action="BootNotification", payload=BOOT)

    assert isinstance(run(waiting, heartbeat(), Work()).error, SecurityError)
    assert run(waiting, boot, Work()).error is None
    assert run(accepted, heartbeat(), Work()).error is None


def test_an_invalid_request_is_refused_before_its_handler(handlers: Registry) -> None:
    steps: list[Any] = []
    handlers.on("Authorize", V16)(serving({}, steps))
    work = Work()

    exchange = run(Party(V16), heartbeat(action="Authorize"), work)

    assert isinstance(exchange.error, OccurrenceConstraintViolation)
    assert (steps, work.steps) == ([], ["commit"])


def test_a_payload_that_is_no_object_is_refused(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))

    assert isinstance(run(Party(V16), heartbeat(payload="[]"), Work()).error, FormatViolation)


# --- what is counted of a request that is served


def test_tolerated_deviations_are_counted_and_strict_stations_refused(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))
    tolerant, strict = Party(V16), Party(V16, strict=True)
    call = heartbeat(payload='{"vendor":1}')

    assert run(tolerant, call, Work()).error is None
    assert tolerant.deviations == [("extra-property", "is not a known property", "vendor")]
    assert isinstance(run(strict, call, Work()).error, FormatViolation)


def test_the_handler_gets_the_repaired_request(handlers: Registry) -> None:
    steps: list[Any] = []
    handlers.on("Authorize", V16)(serving({"idTagInfo": {"status": "Accepted"}}, steps))
    station = Party(V201)
    handlers.on("NotifyEvent", V201)(serving({}, steps))
    payload = '{"generatedAt":"2026-01-01T00:00:00Z","seqNo":"3","eventData":null}'

    run(station, heartbeat(action="NotifyEvent", payload=payload), Work())

    assert steps[0][2] == {"generatedAt": "2026-01-01T00:00:00Z", "seqNo": 3, "eventData": []}
    assert station.request == steps[0][2]


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({}, []),
        ({"payload": "null"}, ["null-payload"]),
        ({"repairs": ("missing-payload",)}, ["missing-payload"]),
        (
            {"payload": "null", "repairs": ("unstorable-text", "control-characters")},
            ["unstorable-text", "control-characters", "null-payload"],
        ),
    ],
)
def test_repairs_of_the_frame_are_counted(
    handlers: Registry, fields: dict[str, Any], counted: list[str]
) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))
    station = Party(V16)

    assert run(station, heartbeat(**fields), Work()).error is None
    assert [kind for kind, _, _ in station.deviations] == counted


def test_the_repair_of_a_frame_is_counted_with_its_meaning(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))
    station = Party(V16)

    run(station, heartbeat(repairs=("missing-payload",)), Work())

    assert station.deviations == [("missing-payload", "the frame has no payload: read as {}", "")]


def test_a_boot_of_another_version_is_explained_and_counted_as_what_it_is(handlers: Registry) -> None:
    handlers.on("BootNotification", V201)(serving({}))
    station = Party(V201)

    error = run(station, Call(id="7", action="BootNotification", payload=BOOT), Work()).error

    assert isinstance(error, OccurrenceConstraintViolation)
    assert "OCPP 1.6" in error.description
    assert station.deviations[-1] == ("boot-of-other-version", error.description, "")


# --- requests without a conversation


def test_a_stored_request_is_read_and_repaired_again() -> None:
    text = '{"connectorId":"1","idTag":"A","meterStart":0,"timestamp":"2026-01-01T00:00:00Z","more":1}'

    assert dispatch.read_again(V16, "StartTransaction", text)["connectorId"] == 1
    with pytest.raises(OccurrenceConstraintViolation):
        dispatch.read_again(V16, "StartTransaction", "{}")


def test_a_request_that_the_server_failed_to_handle_gets_its_answer_or_an_internal_error(
    handlers: Registry,
) -> None:
    call = heartbeat()
    handlers.on("Heartbeat", V16)(serving(NOW))

    assert json.loads(dispatch.give_up(call, V16, None))[:3] == [4, "7", "InternalError"]
    assert dispatch.give_up(call, V16, NOW) == '[3,"7",{"currentTime":"2026-01-01T00:00:00Z"}]'
    with pytest.raises(ValueError, match="currentTime"):
        dispatch.give_up(call, V16, {})
    assert dispatch.give_up(call, "", {}) == '[3,"7",{}]', "a version that is not known has no schema"


def test_an_error_takes_the_place_of_an_answer() -> None:
    exchange = Exchange(heartbeat())
    exchange.answer, exchange.error = "{}", PropertyConstraintViolation("Too much.")

    assert dispatch.packed(exchange, V201) == '[4,"7","PropertyConstraintViolation","Too much.",{}]'
