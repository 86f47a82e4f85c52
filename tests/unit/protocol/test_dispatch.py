"""A request that is served: its handler, its reactions, its commit and its failures."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.protocol import dispatch
from ocpp_server.protocol.dispatch import CommitRefused, Exchange, StorageUnavailable
from ocpp_server.protocol.errors import (
    InternalError,
    NotSupported,
)
from ocpp_server.protocol.frames import Call, Send
from ocpp_server.protocol.registry import Registry
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.protocol.parties import Party, Work
from tests.unit.protocol.requests import NOW, heartbeat, run, serving

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
