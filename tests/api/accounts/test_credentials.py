"""The rights of each role: S30 to S33 of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.services import api_keys
from chargepoints.models import ChargePoint
from tests.api.conftest import Caller

OPEN = {"health"}
# The admin refuses anonymous requests itself, by a redirect to its login. A receipt is for everyone who has
# its secret, and so has the link that acknowledges an alert: see tests/api/tariffs/test_receipts.py and
# tests/api/alerts/test_acknowledging.py. A revocation list is for everyone.
PAGES = ("admin/", "static/", "receipts/", "alerts/acknowledge/", "pki/")


def addresses(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[str]:
    """Every address of the URL table, with values for its parameters."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and not route.startswith("^"):
            yield re.sub(r"<[^>]+>", "1", route)


API = sorted(path for path in addresses() if path and not path.startswith(PAGES))


def test_the_list_of_addresses_has_the_whole_api() -> None:
    assert "api/v1/chargepoints/1/commands" in API
    assert "metrics" in API
    assert len(API) > 25


@pytest.mark.parametrize("path", [path for path in API if path not in OPEN])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_address_but_health_refuses_the_anonymous(anonymous: Caller, path: str, method: str) -> None:
    response = anonymous.request(method, f"/{path}")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Api-Key"


# Reading is enough for a ticket, which is made by a POST.
@pytest.mark.parametrize("path", [path for path in API if path not in {*OPEN, "api/v1/events/tickets"}])
def test_a_viewer_changes_nothing(viewer: Caller, garage: ChargePoint, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert viewer.request(method, f"/{path}", {}).status_code in (403, 405)


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("POST chargepoints", {"clientId": "NEW", "password": "charge-me-now"}, 201),
        ("POST chargepoints", {"clientId": "NEW", "unknownTokens": "accept"}, 403),
        ("PATCH chargepoints/GARAGE%201", {"registrationStatus": "Accepted", "name": "Yard"}, 200),
        ("PATCH chargepoints/GARAGE%201", {"name": "Yard", "password": "charge-me-now"}, 403),
        ("PATCH chargepoints/GARAGE%201", {"securityProfile": 0}, 403),
        ("PATCH chargepoints/GARAGE%201", {"checksUsername": False}, 403),
        ("DELETE chargepoints/GARAGE%201", {}, 403),
        ("POST tokens", {"uid": "T-1"}, 201),
        ("PATCH tokens/1", {"name": "X"}, 404),
        ("POST users", {"name": "Ann"}, 201),
        ("POST contracts", {}, 403),
        ("POST chargepoints/GARAGE%201/reset", {}, 503),
    ],
)
def test_an_operator_does_the_daily_work_and_no_more(
    operator: Caller, garage: ChargePoint, call: str, body: dict[str, object], status: int
) -> None:
    method, path = call.split()

    response = operator.request(method, f"/api/v1/{path}", body)

    assert response.status_code == status
    if status == 403:
        assert "administrator" in response.json()["message"]
        garage.refresh_from_db()
        assert garage.name == ""


def test_the_documents_redirect_a_browser_to_the_login(anonymous: Caller) -> None:
    response = anonymous.get("/api/docs/", Accept="text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")

    assert response.status_code == 302
    assert response.headers["Location"] == "/admin/login/?next=%2Fapi%2Fdocs%2F"


@pytest.mark.parametrize(
    ("headers", "word"),
    [({}, "/admin/"), ({"Accept": "text/html", "Authorization": "Api-Key wrong"}, "unknown")],
)
def test_the_documents_return_the_required_credentials_to_a_program(
    anonymous: Caller, headers: dict[str, str], word: str
) -> None:
    response = anonymous.get("/api/docs/", **headers)

    assert response.status_code == 401
    assert word in response.answer["message"]


@pytest.mark.parametrize("header", ["Api-Key", "Api-Key ", "Api-Key wrong", "Api-Key \xff", "api-key wrong"])
def test_a_wrong_key_is_401(anonymous: Caller, header: str) -> None:
    assert anonymous.get("/clients", Authorization=header).status_code == 401


def test_a_key_in_the_query_string_is_no_credential(viewer: Caller, anonymous: Caller) -> None:
    assert anonymous.get(f"/clients?api_key={viewer.key}&key={viewer.key}").status_code == 401


def test_a_revoked_or_expired_key_is_401_at_once(caller: Callable[[str], Caller]) -> None:
    someone = caller(User.Role.VIEWER)
    assert someone.get("/clients").status_code == 200

    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expired = someone.get("/clients").status_code
    ApiKey.objects.update(expires_at=None)
    api_keys.revoke(ApiKey.objects.get())

    assert expired == 401
    assert someone.get("/clients").status_code == 401


def test_the_admins_session_reads_and_needs_the_csrf_token_to_change(db: None, garage: ChargePoint) -> None:
    user = User.objects.create_user("olga", password="x", role=User.Role.OPERATOR)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    path = "/api/v1/chargepoints/GARAGE%201/reset"

    without = client.post(path, data=b"{}", content_type="application/json")
    client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    with_token = client.post(
        path, data=b"{}", content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )

    assert client.get("/api/v1/chargepoints").status_code == 200
    assert without.status_code == 403
    assert without.json()["success"] is False
    assert with_token.status_code == 503


def test_a_superuser_is_an_administrator(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="x"))

    response = client.post("/api/v1/tokens", data=b'{"uid": "A"}', content_type="application/json")

    assert response.status_code == 201


def test_too_many_requests_are_429_with_the_time_to_wait(
    viewer: Caller, caller: Callable[[str], Caller]
) -> None:
    other = caller(User.Role.OPERATOR)
    with override_settings(API_REQUESTS_PER_MINUTE=3):
        statuses = [viewer.get("/clients").status_code for _ in range(3)]
        refused = viewer.get("/clients")
        neighbour = other.get("/clients")

    assert statuses == [200, 200, 200]
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert neighbour.status_code == 200
    assert refused["RateLimit-Policy"] == neighbour["RateLimit-Policy"] == '"minute";q=3;w=60'
    assert refused["RateLimit"].startswith('"minute";r=0;t=')
    assert neighbour["RateLimit"].startswith('"minute";r=2;t=')
