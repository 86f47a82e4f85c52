"""Swagger UI and the OpenAPI document: who may read them, and where a browser without a session is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from ocpp_server.api.pages import DOCS_POLICY, DocsView, SchemaView, document
from ocpp_server.credentials import Role

urlpatterns: list[Any] = []  # of a server without the admin
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def login(role: str = Role.VIEWER) -> Any:
    """The user of a session of the admin."""
    return SimpleNamespace(
        pk=3, is_authenticated=True, is_active=True, is_superuser=False, role=role,
        site_ids=None,
        get_username=lambda: "olga",
    )  # fmt: skip


def asked(*, query: str = "", user: Any = None, **headers: str) -> Any:
    plain = RequestFactory().get(f"/api/docs/{query}", headers=headers)
    if user is not None:
        plain.user = user
    plain.scope = {"headers": [], "extensions": {}}  # type: ignore[attr-defined]
    response = DocsView.as_view()(plain)
    return response.render() if hasattr(response, "render") else response


def test_a_browser_without_a_session_signs_in_first_and_returns() -> None:
    response = asked(accept=BROWSER)

    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=%2Fapi%2Fdocs%2F")


@pytest.mark.parametrize(
    "headers",
    [{"accept": "application/json"}, {}, {"accept": BROWSER, "authorization": "Basic x"}],
)
def test_a_program_without_credentials_is_refused_in_the_envelope(headers: dict[str, str]) -> None:
    assert_refused(asked(**headers), 401, "not-authenticated")


@pytest.mark.urls(__name__)
def test_without_the_admin_a_browser_is_refused_too() -> None:
    assert_refused(asked(accept=BROWSER), 401, "not-authenticated")


def test_a_login_of_a_lower_role_is_refused_and_not_sent_to_the_login_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DocsView, "read_role", Role.OPERATOR)

    assert_refused(asked(user=login(), accept=BROWSER), 403, "permission-denied")


def assert_refused(response: Any, status: int, code: str) -> None:
    shown = orjson.loads(response.content)

    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    assert (shown["success"], shown["data"]["code"]) == (False, code)
    assert response["Content-Security-Policy"] == DOCS_POLICY


def test_the_page_reads_the_document_and_its_script_from_this_server() -> None:
    page, script = asked(user=login()), asked(user=login(), query="?script=")

    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b'src="/api/docs/?script="' in page.content
    assert b'"/api/schema/"' in script.content
    for response in (page, script):
        assert response["Content-Security-Policy"] == DOCS_POLICY


def test_the_document_is_built_once() -> None:
    document.cache_clear()

    first = document()

    assert first["openapi"].startswith("3.")
    assert document() is first
    view = SchemaView()
    assert view.get(Request(APIRequestFactory().get("/api/schema/"))).data is first


def test_the_document_has_the_endpoints_that_need_credentials() -> None:
    assert {"/health", "/clients", "/metrics"} <= set(document()["paths"])
    assert set(document()["components"]["securitySchemes"]) == {"apiKey", "session"}
