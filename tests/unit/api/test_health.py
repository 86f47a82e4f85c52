"""Liveness, readiness and the connected stations: what each answers while a part of the server is away."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from ocpp_server import live
from ocpp_server.api import health, server
from ocpp_server.api.health import RUNNING, ClientsView, HealthView, MetricsView, ReadyView, state_of_parts

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SHOWN = "2026-05-04T12:00:00.000Z"
UP, DOWN = {"ok": True, "detail": "It answers."}, {"ok": False, "detail": "It does not answer."}


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


class Engine:
    """The port of the server: an engine that runs or not, with the state of its parts."""

    def __init__(self, parts: dict[str, Any] | None = None) -> None:
        self.parts = parts

    def is_running(self) -> bool:
        return self.parts is not None

    async def status(self) -> dict[str, Any]:
        assert self.parts is not None
        return self.parts


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine of this process, which has not started yet."""
    made = Engine()
    monkeypatch.setattr(server.port, "app", made)
    return made


def got(view: Any) -> Response:
    """The answer of a view without the permissions around it."""
    answer: Response = view().get(Request(APIRequestFactory().get("/")))
    return answer


def test_a_living_server_answers_the_text_that_older_clients_compare() -> None:
    response = got(HealthView)

    assert (response.status_code, RUNNING) == (200, "OCPP Server is running")
    assert response.data == {"success": True, "message": RUNNING, "data": {"timestamp": SHOWN}}


def test_a_server_is_ready_while_all_of_its_parts_are(engine: Engine) -> None:
    engine.parts = {"database": UP, "journal": UP}

    response = got(ReadyView)

    assert (response.status_code, response.data["success"]) == (200, True)
    assert response.data["data"] == {"timestamp": SHOWN, "parts": engine.parts}


def test_a_server_that_is_not_ready_names_each_part_that_is_down(engine: Engine) -> None:
    engine.parts = {"redis": DOWN, "database": UP, "disk": DOWN}

    response = got(ReadyView)

    assert (response.status_code, response.data["message"]) == (503, "Not ready: disk, redis.")
    data = response.data["data"]
    assert (data["code"], data["timestamp"], data["parts"]) == ("not-ready", SHOWN, engine.parts)


@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("closed")])
def test_a_probe_whose_key_can_not_be_checked_learns_only_that_the_database_is_away(error: Exception) -> None:
    response = refused(error)

    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert response.data["message"] == "Not ready: database."
    assert response.data["data"] == {
        "code": "database-away",
        "timestamp": SHOWN,
        "parts": {"database": {"ok": False, "detail": "The database does not answer."}},
    }


def test_another_refusal_of_a_probe_says_nothing_about_the_database() -> None:
    response = refused(Http404("Nothing here."))

    assert (response.status_code, response.data["message"]) == (404, "Nothing here.")
    assert "parts" not in response.data["data"]


def refused(error: Exception) -> Response:
    view = ReadyView()
    view.request = Request(APIRequestFactory().get("/health/ready"))
    view.headers = {}
    return view.handle_exception(error)


def test_the_connected_stations_are_named_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "state", lambda: SimpleNamespace(connected=lambda: ["CP-1", "CP-2"]))

    response = got(ClientsView)

    assert response.data["message"] == "2 stations are connected."
    assert response.data["data"] == {"clients": ["CP-1", "CP-2"], "count": 2}


def test_metrics_are_in_the_format_that_they_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.metrics, "exposition", lambda: (b"up 1\n", "text/plain; version=9"))

    response = got(MetricsView)

    assert (response.content, response["Content-Type"]) == (b"up 1\n", "text/plain; version=9")


@pytest.mark.parametrize("view", [ReadyView, MetricsView])
def test_a_probe_is_answered_without_database_and_redis(
    view: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key comes from a cache, and its requests are not counted."""
    engine.parts = {}
    monkeypatch.setattr(health.metrics, "exposition", lambda: (b"", "text/plain"))

    assert got(view).status_code == 200
    assert view.is_probed is True
    assert view().get_throttles() == []


def test_only_the_state_of_being_alive_needs_no_credentials() -> None:
    assert (HealthView().get_authenticators(), HealthView().get_permissions()) == ([], [])
    assert ClientsView().get_authenticators() and ClientsView().get_permissions()


def test_the_engine_reports_its_parts_itself_once_it_runs(engine: Engine, db: None) -> None:
    engine.parts = {"database": DOWN}

    assert state_of_parts() == {"database": DOWN}


def test_before_the_first_station_only_the_database_is_asked(engine: Engine, db: None) -> None:
    parts = state_of_parts()

    assert {name: part["ok"] for name, part in parts.items()} == {"database": True, "journal": True}
    assert parts["database"]["detail"] == "The database answers."
    assert parts["journal"]["detail"] == "Starts with the first station."


def test_before_the_first_station_a_database_that_does_not_answer_is_named(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(sql: str) -> Any:
        raise DatabaseError("no route")

    cursor = nullcontext(SimpleNamespace(execute=refuse))
    monkeypatch.setattr(health, "connection", SimpleNamespace(cursor=lambda: cursor))

    assert state_of_parts() == {"database": {"ok": False, "detail": "no route"}}


def test_the_connection_is_returned_before_the_parts_are_asked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []
    monkeypatch.setattr(health, "release_connection", lambda: closed.append(1))
    engine.parts = {"database": UP}

    state_of_parts()

    assert closed == [1]
