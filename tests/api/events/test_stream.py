"""The stream of events on a real socket: new events, resuming, filters, heartbeats and ends."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conformance.peer import fresh
from tests.servers import API_KEY, LiveServer

PATH = "/api/v1/events/stream"
TICKETS = "/api/v1/events/tickets"


class Record(NamedTuple):
    """A record of Server-Sent Events; comments are left out."""

    id: str
    event: str
    data: Any


class Stream:
    """A client of the stream."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer

    def records(self) -> Iterator[Record]:
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "id" in fields or "event" in fields:
                data = fields.get("data")
                yield Record(fields.get("id", ""), fields.get("event", ""), data and json.loads(data))
                fields = {}
            else:
                fields = {}

    def next(self) -> Record:
        return next(self.records())


@contextmanager
def streaming(server: LiveServer, query: str = "", **headers: str) -> Iterator[Stream]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", f"{PATH}{query}", headers={"Authorization": f"Api-Key {API_KEY}", **named})
    answer = connection.getresponse()
    try:
        assert answer.status == 200, answer.read()
        yield Stream(answer)
    finally:
        answer.close()
        connection.close()


def add_token(server: LiveServer) -> str:
    uid = fresh()
    status, answer = server.request("POST", "/api/v1/tokens", {"uid": uid, "type": "RFID"})
    assert status == 201, answer
    return uid


def last_position(server: LiveServer) -> int:
    return int(server.request("GET", "/api/v1/events?after=latest")[1]["data"]["next"])


def test_a_client_gets_new_events_as_they_are_in_the_list(server: LiveServer) -> None:
    with streaming(server) as stream:
        assert stream.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.answer.headers["Cache-Control"] == "no-store"
        assert stream.answer.headers["X-Accel-Buffering"] == "no"
        assert stream.answer.headers["Content-Length"] is None
        assert stream.answer.readline() == b"retry: 3000\n"
        add_token(server)
        record = stream.next()

    listed = server.request("GET", f"/api/v1/events/{record.data['id']}")[1]["data"]
    assert record == (str(listed["position"]), "token.created", listed)


def test_a_client_that_returns_gets_what_it_missed(server: LiveServer) -> None:
    before = last_position(server)
    uids = [add_token(server) for _ in range(3)]

    with streaming(server, "?types=token.*", Last_Event_ID=str(before)) as stream:
        missed = [stream.next() for _ in uids]
        add_token(server)
        new = stream.next()
    # The header counts more than the parameter: a browser keeps the parameter when it connects again.
    with streaming(server, f"?types=token.*&after={before}", Last_Event_ID=missed[1].id) as stream:
        again = [stream.next() for _ in range(2)]

    assert [one.data["data"]["uid"][:4] for one in missed] == [uid[:4] for uid in uids]
    assert again == [missed[2], new]


def test_a_position_that_the_stream_has_not_reached_begins_with_a_reset(server: LiveServer) -> None:
    with streaming(server, "?after=999999999") as stream:
        record = stream.next()

    assert record.event == "stream.reset"
    assert record.data == {"reason": "unknown", "position": int(record.id)}


@pytest.mark.parametrize(
    ("query", "headers", "status", "field"),
    [
        ("?types=nothing.*", {}, 400, "types"),
        ("?after=x", {}, 400, "after"),
        ("", {"Last-Event-ID": "evt_1"}, 400, "Last-Event-ID"),
        ("?limit=5", {}, 400, "limit"),
        ("", {"Authorization": ""}, 401, None),
    ],
)
def test_what_the_stream_refuses(
    server: LiveServer, query: str, headers: dict[str, str], status: int, field: str | None
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    given = {"Authorization": f"Api-Key {API_KEY}"} | headers
    connection.request("GET", f"{PATH}{query}", headers=given)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()

    assert answer.status == status
    assert [one["field"] for one in body["data"].get("errors", ())] == ([field] if field else [])


def test_streams_of_one_caller_are_limited_and_their_places_are_freed(server: LiveServer) -> None:
    with ExitStack() as open_streams:
        for _ in range(10):
            open_streams.enter_context(streaming(server))
        status, answer = server.request("GET", PATH)
        assert (status, answer["data"]["code"]) == (429, "too-many-streams")
    eventually(lambda: gauge(server) == 0)
    with streaming(server):
        assert gauge(server) == 1


def test_a_head_request_ends(server: LiveServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("HEAD", PATH, headers={"Authorization": f"Api-Key {API_KEY}"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.close()


def test_a_ticket_opens_one_stream_with_its_filters(server: LiveServer) -> None:
    status, answer = server.request("POST", f"{TICKETS}", {"types": ["token.*"], "tokens": "whole"})
    assert status == 201, answer
    url = answer["data"]["url"]
    before = last_position(server)
    uid = add_token(server)

    with streaming(server, f"{url.removeprefix(PATH)}&after={before}", Authorization="") as stream:
        assert stream.answer.headers["Access-Control-Allow-Origin"] == "*"
        assert stream.next().data["data"]["uid"] == uid
        add_token(server)
        assert stream.next().event == "token.created"

    status, refused = server.request("GET", url)
    assert (status, refused["data"]["code"]) == (401, "invalid-credentials")


def test_what_tickets_refuse(server: LiveServer) -> None:
    status, answer = server.request("POST", TICKETS, {"types": ["nothing"]})
    assert (status, answer["data"]["errors"][0]["field"]) == (400, "types")
    ticket = server.request("POST", TICKETS, {})[1]["data"]["ticket"]
    status, answer = server.request("GET", f"{PATH}?ticket={ticket}&types=token.*")
    assert (status, answer["data"]["errors"][0]["field"]) == (400, "ticket")
    assert server.request("GET", f"{PATH}?ticket=")[0] == 401


def test_a_shutdown_ends_the_streams_in_order(tmp_path: Path, migrated_database: Path) -> None:
    server = LiveServer(tmp_path, template=migrated_database).start()
    with streaming(server) as stream:
        assert stream.answer.readline() == b"retry: 3000\n"
        began = time.monotonic()
        status = server.stop()
        assert stream.answer.read() == b": connected\n\n"
    assert (status, time.monotonic() - began < 8) == (0, True)
    assert "Traceback" not in server.log.read_text()


def gauge(server: LiveServer) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/metrics", headers={"Authorization": f"Api-Key {API_KEY}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return float(text.split("\nocpp_sse_clients{")[1].split("} ")[1].split("\n")[0])


def eventually(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # poll: another process makes it true
