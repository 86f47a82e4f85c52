"""A request that waits for a change runs twice, and holds nothing meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator
from typing import Any

import pytest
import structlog
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from ocpp_server.bounds import long_polls
from ocpp_server.bounds.long_polls import Watch, wait_for, waiting, waits
from ocpp_server.observability.access import RUN, AccessLog, Run
from ocpp_server.transport import shutdown


class Things:
    """Things whose changes are awaited, and the requests for their states."""

    def __init__(self) -> None:
        self.unchanged = {"a", "b"}
        self.asked: list[set[str]] = []
        self.failures = 0
        self.watch = Watch(self.look)
        self.calls: list[bool] = []

    def look(self, keys: Collection[str]) -> Collection[str]:
        self.asked.append(set(keys))
        if self.failures:
            self.failures -= 1
            raise OperationalError("the database is away")
        return self.unchanged & set(keys)

    async def application(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        request = HttpRequest()
        request.scope = scope  # type: ignore[attr-defined]
        self.calls.append(long_polls.is_repeated(request))
        assert (await receive())["type"] == "http.request"
        key = scope["path"].strip("/")
        is_changed = key not in self.unchanged
        if not is_changed:
            wait_for(request, self.watch, key, seconds=scope["seconds"], caller=scope["caller"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"changed" if is_changed else b"same"})


class Client:
    """One request and its answer. The client goes when `gone` is set."""

    def __init__(self, key: str, *, seconds: float = 5.0, caller: str = "user:1") -> None:
        self.scope = {"type": "http", "path": f"/{key}", "seconds": seconds, "caller": caller}
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self._has_sent_body = False

    async def receive(self) -> dict[str, Any]:
        if not self._has_sent_body:
            self._has_sent_body = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def answer(self, things: Things) -> str:
        await waits(things.application)(self.scope, self.receive, self.send)
        return b"".join(message.get("body", b"") for message in self.sent).decode()


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> Iterator[Things]:
    monkeypatch.setattr(long_polls, "PAUSE_S", 0.01)
    yield Things()
    assert waiting() == 0


async def until_waiting(number: int) -> None:
    async with asyncio.timeout(5):
        while waiting() != number:
            await asyncio.sleep(0.001)


async def test_the_answer_is_that_after_the_change(things: Things) -> None:
    client = Client("a")
    answer = asyncio.create_task(client.answer(things))
    await until_waiting(1)

    things.unchanged.discard("a")

    assert await answer == "changed"
    assert [message["type"] for message in client.sent] == ["http.response.start", "http.response.body"]
    assert things.calls == [False, True]


async def test_the_answer_after_the_time_is_the_present_state(things: Things) -> None:
    assert await Client("a", seconds=0.05).answer(things) == "same"
    assert things.calls == [False, True]


async def test_a_changed_thing_and_no_seconds_are_answered_at_once(things: Things) -> None:
    assert await Client("c").answer(things) == "changed"
    assert await Client("a", seconds=0).answer(things) == "same"
    assert things.calls == [False, False]
    assert things.asked == []


async def test_all_that_wait_are_looked_at_by_one_query(things: Things) -> None:
    answers = [asyncio.create_task(Client(key).answer(things)) for key in "aabb"]
    await until_waiting(4)

    things.unchanged.clear()

    assert await asyncio.gather(*answers) == ["changed"] * 4
    assert {frozenset(keys) for keys in things.asked} <= {frozenset("ab"), frozenset("a"), frozenset("b")}
    assert frozenset("ab") in {frozenset(keys) for keys in things.asked}


async def test_a_client_that_leaves_gets_no_second_call(things: Things) -> None:
    client = Client("a")
    answer = asyncio.create_task(client.answer(things))
    await until_waiting(1)

    client.gone.set()

    assert await answer == ""
    assert things.calls == [False]


async def test_one_that_leaves_does_not_end_the_wait_of_another(things: Things) -> None:
    leaving, staying = Client("a"), Client("a")
    answers = [asyncio.create_task(one.answer(things)) for one in (leaving, staying)]
    await until_waiting(2)
    leaving.gone.set()
    await answers[0]

    things.unchanged.discard("a")

    assert await answers[1] == "changed"


async def test_an_outage_of_the_database_ends_no_wait(things: Things) -> None:
    things.failures = 2
    answer = asyncio.create_task(Client("a").answer(things))
    await until_waiting(1)

    things.unchanged.discard("a")

    assert await answer == "changed"
    assert len(things.asked) > 2


async def test_a_shutdown_ends_the_wait(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = asyncio.create_task(Client("a").answer(things))
    await until_waiting(1)

    monkeypatch.setattr(shutdown, "is_under_way", lambda: True)

    assert await answer == "same"
    assert await Client("b").answer(things) == "same"
    assert things.calls == [False, True, False]


@pytest.mark.parametrize(("limit", "caller"), [("MOST_OF_A_CALLER", "user:1"), ("MOST_WAITING", "user:2")])
async def test_beyond_a_limit_the_answer_comes_at_once(
    things: Things, monkeypatch: pytest.MonkeyPatch, limit: str, caller: str
) -> None:
    monkeypatch.setattr(long_polls, limit, 1)
    first = asyncio.create_task(Client("a").answer(things))
    await until_waiting(1)

    assert await Client("b", caller=caller).answer(things) == "same"

    things.unchanged.clear()
    assert await first == "changed"


async def test_the_limit_of_a_caller_is_its_own(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_polls, "MOST_OF_A_CALLER", 1)
    answers = [asyncio.create_task(Client("a", caller=f"user:{one}").answer(things)) for one in (1, 2)]
    await until_waiting(2)

    things.unchanged.clear()

    assert await asyncio.gather(*answers) == ["changed"] * 2


def test_a_request_without_the_middleware_does_not_wait(things: Things) -> None:
    request = HttpRequest()

    wait_for(request, things.watch, "a", seconds=5, caller="user:1")

    assert not long_polls.is_repeated(request)


async def test_only_the_call_with_the_answer_is_logged_with_the_whole_time(things: Things) -> None:
    runs: list[Run] = []
    clock: Any = things.application

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        runs.append(scope[RUN])
        await clock(scope, receive, send)

    things.application = application  # type: ignore[method-assign]
    answer = asyncio.create_task(Client("a").answer(things))
    await until_waiting(1)
    things.unchanged.clear()
    await answer

    assert [run.is_dropped for run in runs] == [True, False]
    assert runs[0].began == runs[1].began


def test_the_access_log_leaves_out_a_dropped_answer() -> None:
    request = HttpRequest()
    request.method, request.path = "GET", "/api/v1/commands/1"
    for is_dropped in (True, False):
        request.scope = {RUN: Run(time.perf_counter() - 5, is_dropped)}  # type: ignore[attr-defined]
        with structlog.testing.capture_logs() as lines:
            response = AccessLog(lambda _: HttpResponse())(request)
        assert response["X-Request-ID"]
        assert [line["event"] for line in lines] == ([] if is_dropped else ["http.request"])

    assert lines[0]["ms"] > 4900
