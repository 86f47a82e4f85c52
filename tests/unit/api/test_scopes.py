"""Scopes of API keys: every endpoint belongs to a group, and a key with scopes uses only theirs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.api import scopes
from ocpp_server.api.views import ApiView
from ocpp_server.credentials import Role
from tests.unit.house.test_sites import views


def test_every_endpoint_belongs_to_a_group() -> None:
    found = {
        route: attributes.get("scope_group") or scopes.group_of(route)
        for route, _, attributes in views()
        if not route.startswith("^")
    }

    assert len(found) > 80
    without = sorted(route for route, group in found.items() if group not in {*scopes.GROUPS, scopes.OPEN})
    assert without == [], (
        "Add the path to PATHS in ocpp_server/api/scopes.py; a part of a station as chargepoints/*/<name>."
    )


@pytest.mark.parametrize(
    ("route", "group"),
    [
        ("api/v1/chargepoints", "chargepoints"),
        ("api/v1/chargepoints/<str:client_id>", "chargepoints"),
        ("api/v1/chargepoints/<str:client_id>/commands/<str:request_id>", "commands"),
        ("api/v1/chargepoints/<str:client_id>/something-new", ""),
        ("api/v1/transactions/<str:transaction_id>/meter-values", "transactions"),
        ("api/v1/transactions/remote-start", "commands"),
        ("api/v1/something-new", ""),
        ("api/schema/", "open"),
        ("health/ready", "open"),
        ("metrics", "metrics"),
    ],
)
def test_the_longest_beginning_of_a_path_counts(route: str, group: str) -> None:
    assert scopes.group_of(route) == group


@pytest.mark.parametrize(
    ("granted", "scope", "is_enough"),
    [
        (None, "tokens:write", True),
        ([], "", True),
        ([], "tokens:read", False),
        (["tokens:read"], "tokens:read", True),
        (["tokens:read"], "tokens:write", False),
        (["tokens:write"], "tokens:read", True),
        (["tokens:write"], "users:read", False),
        (["tokens:read"], ":read", False),
    ],
)
def test_write_includes_read_and_no_group_is_no_scope(granted: Any, scope: str, is_enough: bool) -> None:
    assert scopes.allows(SimpleNamespace(scopes=granted), scope) is is_enough


def test_a_login_has_no_scopes() -> None:
    assert scopes.allows(SimpleNamespace(role="viewer"), "tokens:write")


@pytest.mark.parametrize(
    ("group", "method", "scope"),
    [
        ("sites", "GET", "sites:read"),
        ("sites", "PATCH", "sites:write"),
        ("open", "GET", ""),
        ("", "GET", ":read"),
    ],
)
def test_a_method_reads_or_writes(group: str, method: str, scope: str) -> None:
    assert scopes.needed(group, method) == scope


def test_a_post_for_viewers_needs_the_scope_to_read() -> None:
    class Tickets(ApiView):
        write_role = Role.VIEWER

    def scope_of(view: ApiView) -> str:
        match = SimpleNamespace(route="api/v1/events/tickets")
        view.request = SimpleNamespace(method="POST", resolver_match=match)  # type: ignore[assignment]
        return view.needed_scope()

    assert (scope_of(Tickets()), scope_of(ApiView())) == ("events:read", "events:write")


def test_every_group_of_a_path_is_explained() -> None:
    assert set(scopes.PATHS.values()) - {scopes.OPEN} <= set(scopes.GROUPS)


def test_the_document_of_scopes_is_current() -> None:
    page = scopes.PAGE.read_text()

    assert scopes.written(page) == page
