"""While the database is away, pages of the admin show an error, and their scripts get it in JSON."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from ocpp_server.admin.middleware import DATABASE_AWAY, DatabaseAway, LimitedToSites

AWAY = OperationalError("connection refused")


@pytest.fixture
def middleware() -> DatabaseAway:
    return DatabaseAway(lambda request: HttpResponse())


def test_a_page_shows_that_the_database_is_away_and_reloads(middleware: DatabaseAway) -> None:
    answer = middleware.process_exception(RequestFactory().get("/admin/"), AWAY)

    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    text = answer.content.decode()
    assert str(DATABASE_AWAY) in text and 'http-equiv="refresh"' in text


def test_a_sent_form_is_not_sent_again_by_itself(middleware: DatabaseAway) -> None:
    answer = middleware.process_exception(RequestFactory().post("/admin/accounts/token/add/"), AWAY)

    assert answer is not None
    text = answer.content.decode()
    assert "Nothing was saved" in text and "refresh" not in text


def test_a_script_of_a_page_gets_the_error_in_json(middleware: DatabaseAway) -> None:
    request = RequestFactory().get("/admin/live/", headers={"Accept": "application/json"})

    answer = middleware.process_exception(request, AWAY)

    assert answer is not None
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/json")
    assert str(DATABASE_AWAY) in answer.content.decode()


def test_other_errors_and_other_addresses_are_left_alone(middleware: DatabaseAway) -> None:
    make = RequestFactory()

    assert middleware.process_exception(make.get("/admin/"), IntegrityError("twice")) is None
    assert middleware.process_exception(make.get("/api/v1/tokens"), AWAY) is None


def test_a_page_whose_login_cannot_be_read_does_not_wait_for_the_database_twice() -> None:
    reads = 0

    class Login:
        @property
        def is_authenticated(self) -> bool:
            nonlocal reads
            reads += 1
            raise AWAY

    def view(request: object) -> HttpResponse:
        raise AssertionError("the view would read the login again")

    request = RequestFactory().get("/admin/changes/", headers={"Accept": "application/json"})
    request.user = Login()  # type: ignore[assignment]

    assert (LimitedToSites(view)(request).status_code, reads) == (503, 1)
