"""The database is away: the admin's pages say so, and their scripts hear it in JSON."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from ocpp_server.admin.middleware import DatabaseAway

AWAY = OperationalError("connection refused")


@pytest.fixture
def middleware() -> DatabaseAway:
    return DatabaseAway(lambda request: HttpResponse())


def test_a_page_says_that_the_database_is_away_and_comes_again(middleware: DatabaseAway) -> None:
    said = middleware.process_exception(RequestFactory().get("/admin/"), AWAY)

    assert said is not None
    assert (said.status_code, said["Retry-After"]) == (503, "10")
    text = said.content.decode()
    assert str(DatabaseAway.sentence) in text and 'http-equiv="refresh"' in text


def test_a_form_that_was_sent_is_not_sent_again_by_itself(middleware: DatabaseAway) -> None:
    said = middleware.process_exception(RequestFactory().post("/admin/accounts/token/add/"), AWAY)

    assert said is not None
    text = said.content.decode()
    assert "Nothing was saved" in text and "refresh" not in text


def test_a_script_of_a_page_hears_it_in_json(middleware: DatabaseAway) -> None:
    request = RequestFactory().get("/admin/live/", headers={"Accept": "application/json"})

    said = middleware.process_exception(request, AWAY)

    assert said is not None
    assert (said.status_code, said["Content-Type"]) == (503, "application/json")
    assert str(DatabaseAway.sentence) in said.content.decode()


def test_other_faults_and_other_addresses_are_not_its_business(middleware: DatabaseAway) -> None:
    make = RequestFactory()

    assert middleware.process_exception(make.get("/admin/"), IntegrityError("twice")) is None
    assert middleware.process_exception(make.get("/api/v1/tokens"), AWAY) is None
