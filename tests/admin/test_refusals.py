"""A refused request is one line in the log, without a traceback; a bug keeps its traceback."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from chargepoints.models import ChargePoint
from ocpp_server.observability.logs import RefusalInOneLine

Answered = Callable[[Client, ChargePoint], Any]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The lines of the server's own log handler."""
    (handler,) = (
        one
        for one in logging.getLogger().handlers
        if isinstance(one, logging.StreamHandler)
        and any(isinstance(f, RefusalInOneLine) for f in one.filters)
    )
    text = io.StringIO()
    before = handler.setStream(text)
    yield text
    handler.setStream(before)


def missing_permission(viewer: Client, station: ChargePoint) -> Any:
    return viewer.get(reverse("admin:chargepoints_chargepoint_delete", args=[station.pk]) + "?token=SECRET")


def unknown_page(viewer: Client, station: ChargePoint) -> Any:
    return viewer.get("/admin/nothing/?token=SECRET")


def missing_csrf_token(viewer: Client, station: ChargePoint) -> Any:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = viewer.cookies
    return strict.post(reverse("admin:station-accept", args=[station.pk]))


def wrong_host(viewer: Client, station: ChargePoint) -> Any:
    return viewer.get("/admin/", headers={"Host": "evil.example"})


def broken_form(viewer: Client, station: ChargePoint) -> Any:
    return viewer.post("/admin/login/", data=b"--x", content_type="multipart/form-data; boundary=")


def too_many_fields(viewer: Client, station: ChargePoint) -> Any:
    return viewer.post("/admin/login/", {f"f{number}": "x" for number in range(1001)})


@pytest.mark.parametrize(
    ("request_page", "status"),
    [
        (missing_permission, 403),
        (unknown_page, 404),
        (missing_csrf_token, 403),
        (wrong_host, 400),
        (broken_form, 400),
        (too_many_fields, 400),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_refused_request_is_one_line(
    viewer: Client, station: ChargePoint, log: io.StringIO, request_page: Answered, status: int
) -> None:
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        answer = request_page(viewer, station)

    lines = [line for line in log.getvalue().splitlines() if "http.request" not in line]
    assert answer.status_code == status
    assert len(lines) == 1, lines
    assert "[warning" in lines[0] or "[error" in lines[0]
    assert "SECRET" not in lines[0]


def test_a_bug_keeps_its_traceback() -> None:
    error = ValueError("bug")
    info = (ValueError, error, None)
    record = logging.LogRecord("django.request", logging.ERROR, "", 1, "Internal Server Error", (), info)
    record.status_code = 500

    assert RefusalInOneLine().filter(record)
    assert record.exc_info == info
