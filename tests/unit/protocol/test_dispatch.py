"""The path of a station's request: checks, handler, reactions, commit and answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.protocol import dispatch
from ocpp_server.protocol.dispatch import CommitRefused, Exchange, StorageUnavailable
from ocpp_server.protocol.errors import (
    FormatViolation,
    InternalError,
    NotImplementedAction,
    NotSupported,
    OccurrenceConstraintViolation,
    PropertyConstraintViolation,
    SecurityError,
)
from ocpp_server.protocol.frames import Call, Send
from ocpp_server.protocol.registry import Registry
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.protocol.parties import Party, Work

NOW = {"currentTime": "2026-01-01T00:00:00Z"}
BOOT = '{"chargePointVendor":"V","chargePointModel":"M"}'


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The handlers of one test."""
    registry = Registry()
    monkeypatch.setattr(dispatch, "registry", registry)
    return registry


def heartbeat(**fields: Any) -> Call:
    return Call(**{"id": "7", "action": "Heartbeat", "payload": "{}"} | fields)


def serving(result: Any, order: list[Any] | None = None) -> Callable[..., Any]:
    """A handler that returns a value, or raises it."""

    async def handler(station: Any, request: Any) -> Any:
        if order is not None:
            order.append(("handler", station, request))
        if isinstance(result, BaseException):
            raise result
        return result

    return handler


def run(station: Party, call: Call | Send, work: Work) -> Exchange:
    return asyncio.run(dispatch.dispatch(station, call, work))


# --- a request that is served


def test_the_handler_and_then_the_reactions_get_the_request_and_the_commit_comes_last(
    handlers: Registry,
) -> None:
    steps: list[Any] = []
    handlers.on("Authorize", V16)(serving({"idTagInfo": {"status": "Accepted"}}, steps))
    for name in ("first", "second"):

        async def react(station: Any, request: Any, name: str = name) -> None:
            steps.append((name, station, request))

        handlers.also("Authorize", V16)(react)
    station, work = Party(V16), Work(steps)

    exchange = run(station, Call(id="7", action="Authorize", payload='{"idTag":"A"}'), work)

    request = {"idTag": "A"}
    assert steps == [
        *((name, station, request) for name in ("handler", "first", "second")),
        ("commit", exchange),
    ]
    assert station.request is exchange.payload
    assert exchange.error is None
    assert dispatch.packed(exchange, V16) == '[3,"7",{"idTagInfo":{"status":"Accepted"}}]'
    assert station.deviations == []


def test_a_handler_serves_its_version_only(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))

    assert isinstance(run(Party(V201), heartbeat(), Work()).error, NotSupported)


def test_a_send_is_handled_without_an_answer(handlers: Registry) -> None:
    steps: list[Any] = []
    handlers.on("NotifyPeriodicEventStream", V21)(serving(None, steps))
    payload = '{"id":1,"pending":0,"basetime":"2026-01-01T00:00:00Z","data":[{"t":0,"v":"1"}]}'
    work = Work()

    exchange = run(Party(V21), Send(id="7", action="NotifyPeriodicEventStream", payload=payload), work)

    assert len(steps) == 1
    assert (work.steps, exchange.error, exchange.answer) == (["commit"], None, "")
    assert dispatch.packed(exchange, V21) is None


def test_a_failed_send_is_not_answered_either(handlers: Registry) -> None:
    exchange = run(Party(V21), Send(id="7", action="NotifyPeriodicEventStream", payload="[]"), Work())

    assert exchange.error is not None
    assert dispatch.packed(exchange, V21) is None


def test_the_time_of_an_exchange_is_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange(heartbeat())
    exchange.started = 10.0
    monkeypatch.setattr(dispatch, "time", SimpleNamespace(perf_counter=lambda: 12.5))

    assert exchange.ms == 2_500.0


def test_an_exchange_begins_without_payload_answer_and_error() -> None:
    exchange = Exchange(heartbeat())

    assert (exchange.payload, exchange.answer, exchange.error) == ({}, "", None)


# --- a request that fails


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (NotSupported("Not now."), NotSupported),
        (ValueError("a fault of the handler"), InternalError),
        ({"currentTime": 5}, InternalError),
        ({}, InternalError),
    ],
    ids=["refusal", "exception", "invalid answer", "missing field"],
)
def test_a_failed_handler_is_rolled_back_and_its_error_is_committed(
    handlers: Registry, failure: Any, expected: type[Exception]
) -> None:
    handlers.on("Heartbeat", V16)(serving(failure))
    work = Work()

    exchange = run(Party(V16), heartbeat(), work)

    assert work.steps == ["roll_back", "commit"]
    assert type(exchange.error) is expected
    assert exchange.answer == ""
    assert json.loads(str(dispatch.packed(exchange, V16)))[:3] == [4, "7", expected.code]  # type: ignore[attr-defined]


def test_a_refusal_of_the_handler_reaches_the_station_as_it_is(handlers: Registry) -> None:
    refusal = NotSupported("Not now.", {"until": "noon"})
    handlers.on("Heartbeat", V16)(serving(refusal))

    exchange = run(Party(V16), heartbeat(), Work())

    assert exchange.error is refusal
    assert dispatch.packed(exchange, V16) == '[4,"7","NotSupported","Not now.",{"until":"noon"}]'


def test_a_failed_reaction_undoes_the_message(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))
    handlers.also("Heartbeat", V16)(serving(RuntimeError("the reaction fails")))
    work = Work()

    exchange = run(Party(V16), heartbeat(), work)

    assert work.steps == ["roll_back", "commit"]
    assert isinstance(exchange.error, InternalError)
    assert exchange.answer == ""


@pytest.mark.parametrize(
    "failure", [StorageUnavailable(), asyncio.CancelledError()], ids=["storage", "cancelled"]
)
def test_without_storage_nothing_is_committed_and_nothing_answered(
    handlers: Registry, failure: BaseException
) -> None:
    handlers.on("Heartbeat", V16)(serving(failure))
    work = Work()

    with pytest.raises(type(failure)):
        run(Party(V16), heartbeat(), work)

    assert work.steps == []


# --- a refused commit


def test_after_a_refused_commit_the_message_is_handled_again(handlers: Registry) -> None:
    answers = iter([{"currentTime": "2026-01-01T00:00:00Z"}, {"currentTime": "2026-01-01T00:00:01Z"}])

    async def handler(station: Any, request: Any) -> Any:
        return next(answers)

    handlers.on("Heartbeat", V16)(handler)
    work = Work(refused=1)

    exchange = run(Party(V16), heartbeat(), work)

    assert work.steps == ["commit", "roll_back", "commit"]
    assert exchange.error is None
    assert json.loads(exchange.answer) == {"currentTime": "2026-01-01T00:00:01Z"}


@pytest.mark.parametrize(
    ("first", "second", "has_error"), [(NOW, ValueError("x"), True), (ValueError("x"), NOW, False)]
)
def test_the_second_attempt_keeps_nothing_of_the_first(
    handlers: Registry, first: Any, second: Any, has_error: bool
) -> None:
    results = iter([first, second])

    async def handler(station: Any, request: Any) -> Any:
        return await serving(next(results))(station, request)

    handlers.on("Heartbeat", V16)(handler)

    exchange = run(Party(V16), heartbeat(), Work(refused=1))

    assert (exchange.error is not None, exchange.answer == "") == (has_error, has_error)


def test_a_request_that_is_refused_twice_is_committed_as_an_internal_error(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))
    work = Work(refused=2)

    exchange = run(Party(V16), heartbeat(), work)

    assert work.steps == ["commit", "roll_back", "commit", "roll_back", "commit"]
    assert isinstance(exchange.error, InternalError)
    assert exchange.answer == ""


def test_a_refusal_of_the_error_itself_reaches_the_caller(handlers: Registry) -> None:
    handlers.on("Heartbeat", V16)(serving(NOW))
    work = Work(refused=3)

    with pytest.raises(CommitRefused):
        run(Party(V16), heartbeat(), work)


def test_a_row_that_is_refused_within_the_handler_counts_as_a_refused_commit(handlers: Registry) -> None:
    results = iter([CommitRefused(), NOW])

    async def handler(station: Any, request: Any) -> Any:
        return await serving(next(results))(station, request)

    handlers.on("Heartbeat", V16)(handler)
    work = Work()

    assert run(Party(V16), heartbeat(), work).error is None
    assert work.steps == ["roll_back", "commit"]


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
