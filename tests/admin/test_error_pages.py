"""The pages of errors: what happened, what to do, for a login, for everyone else, and without a database."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db import DatabaseError
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import UnknownToken, User
from chargepoints.models import ChargePoint
from ocpp_server.admin import error_pages
from tests.admin.rows import NOON, a_session

PASSWORD = "correct-horse-7"


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.parametrize(
    "address", ["accounts_token_add", "accounts_user_changelist", "accounts_contract_add"]
)
def test_a_refused_role_reads_which_role_may(viewer: Client, address: str) -> None:
    answer = viewer.get(reverse(f"admin:{address}"))

    needed = "Operator" if address == "accounts_token_add" else "Administrator"
    assert answer.status_code == 403
    assert "You are signed in as viewer, with the role Viewer." in words(answer)
    assert f"This needs the role {needed}." in words(answer)
    assert 'id="nav-sidebar' in words(answer) or "Stations" in words(answer)


def test_a_refused_button_reads_which_role_may(viewer: Client, station: ChargePoint) -> None:
    row = UnknownToken.objects.create(uid="X", uid_key="x", first_seen_at=NOON, last_seen_at=NOON)
    add = reverse("admin:unknown-token-add", args=[row.pk])

    page = viewer.post(add)
    script = viewer.post(
        reverse("admin:station-send", args=[station.pk, "reset"]), HTTP_ACCEPT="application/json"
    )

    assert "This needs the role Operator." in words(page)
    assert script.status_code == 403
    assert "This needs the role Operator." in script.json()["sentence"]


def test_what_no_role_may_do_names_no_role(superuser: Client, station: ChargePoint) -> None:
    a_session(station, 1000)

    answer = superuser.get("/admin/transactions/transaction/1000/delete/")

    assert answer.status_code == 403
    assert "No role may do this here." in words(answer)


def test_an_unknown_page_leads_back(viewer: Client, client: Client, station: ChargePoint) -> None:
    inside = viewer.get(reverse("admin:station", args=[station.pk + 1]))
    outside = client.get("/no/such/page")

    assert (inside.status_code, outside.status_code) == (404, 404)
    assert "Page not found" in words(inside) and reverse("admin:index") in words(inside)
    assert "Page not found" in words(outside) and reverse("admin:login") in words(outside)
    assert "Stations" not in words(outside)


def test_the_api_answers_with_json(client: Client) -> None:
    assert client.get("/api/no/such").json()["success"] is False


def test_a_form_without_its_token_says_what_to_do(station: ChargePoint) -> None:
    strict = Client(enforce_csrf_checks=True)

    signed_out = strict.post(reverse("admin:login"), {"username": "x"})
    strict.force_login(User.objects.create_user("desk", is_staff=True, role="operator"))
    signed_in = strict.post(reverse("admin:accounts_token_add"), {"uid": "X"})

    for answer in (signed_out, signed_in):
        assert answer.status_code == 403
        assert "nothing was saved" in words(answer) and "CSRF cookie not set" in words(answer)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@override_settings(AXES_FAILURE_LIMIT=2)
def test_a_lockout_says_until_when(client: Client, db: None) -> None:
    User.objects.create_user("desk", password=PASSWORD, is_staff=True)
    login, wrong = reverse("admin:login"), {"username": "desk", "password": "wrong"}
    client.post(login, wrong)
    client.post(login, wrong)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=10))

    answer = client.post(login, {"username": "desk", "password": PASSWORD})

    assert answer.status_code == 429
    assert "Sign-in is locked" in words(answer)
    assert re.search(r"Try again in (5|15) minutes, at \d\d:\d\d \(UTC\)\.", words(answer))
    assert int(answer.headers["Retry-After"]) <= 900


def test_the_address_of_a_button_is_not_an_empty_page(operator: Client, station: ChargePoint) -> None:
    answer = operator.get(reverse("admin:station-accept", args=[station.pk]))

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "This is the address of a button" in words(answer)


def test_a_fault_needs_no_database(rf: RequestFactory) -> None:
    answer = error_pages.fault(rf.get("/admin/"))  # a database query fails this test: it has no `db`

    assert answer.status_code == 500
    assert "Internal error" in words(answer) and "prefers-color-scheme" in words(answer)


def test_a_page_without_the_database_is_the_plain_one(rf: RequestFactory) -> None:
    class Away:
        @property
        def is_active(self) -> bool:
            raise DatabaseError("away")

    request = rf.get("/admin/x/")
    request.user = Away()  # type: ignore[assignment]

    answer = error_pages.not_found(request)

    assert answer.status_code == 404
    assert "prefers-color-scheme" in words(answer)


@override_settings(ALLOWED_HOSTS=["here.example"])
def test_an_unknown_host_name_is_explained(client: Client) -> None:
    answer = client.get("/admin/", HTTP_HOST="elsewhere.example")

    assert answer.status_code == 400
    assert "ALLOWED_HOSTS" in words(answer)
