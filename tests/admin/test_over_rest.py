"""REST can do what the admin can: each form, action and button has an operation, or a reason why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from ocpp_server import commanding
from ocpp_server.credentials import Role
from tests.admin.over_rest import ELSEWHERE, OPERATIONS, ROWS

FORMS: Final = ("add", "change", "delete")
# The URLs that Django has for every model, and those of the site itself.
_OF_A_MODEL: Final = ("changelist", "add", "history", "delete", "change")
_OF_THE_SITE: Final = {
    "index", "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n",
    "view_on_site", "app_list", "search", "toggle_sidebar",
}  # fmt: skip
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_ACTIONS: Final = {"add": "create", "change": "partial_update", "delete": "destroy"}


def request_of(role: Role, *, is_superuser: bool = False) -> Any:
    request = RequestFactory().get("/admin/")
    request.user = User(
        username="ann", is_active=True, is_staff=True, role=role.value, is_superuser=is_superuser
    )
    return request


def may(page: Any, form: str, request: Any) -> bool:
    """Whether the form is offered; some are for certain rows alone."""
    asked = getattr(page, f"has_{form}_permission")
    if form == "add" or asked(request):
        return bool(asked(request))
    row = page.model()
    if hasattr(row, "site_id"):
        row.site_id = 1  # the rule of an alert that is for one site can be deleted
    return bool(asked(request, row))


def name_of(model: Any) -> str:
    return f"{model._meta.app_label}.{model.__name__}"


def urls(patterns: Any) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from urls(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name


def of_the_admin() -> set[str]:
    """All that an administrator can open or press."""
    request, found = request_of(Role.ADMINISTRATOR, is_superuser=True), set()
    beside = set(urls(admin.site.urls[0])) - _OF_THE_SITE
    for model, page in admin.site._registry.items():
        found |= {f"{name_of(model)}: {form}" for form in FORMS if may(page, form, request)}
        # Django offers to delete the selected rows with the right to delete one.
        actions = set(page.get_actions(request)) - {"delete_selected"}
        found |= {f"{name_of(model)}: {action}" for action in actions}
        names = f"{model._meta.app_label}_{model._meta.model_name}"
        beside -= {f"{names}_{name}" for name in _OF_A_MODEL}
    return found | beside


def operations(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """The operations of the API: method and path, the view, and the name of its method."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from operations(pattern.url_patterns, route)
        elif route.startswith("api/v1/") and hasattr(pattern.callback, "cls"):
            kind = pattern.callback.cls
            known = getattr(pattern.callback, "actions", None) or {
                name: name for name in _METHODS if hasattr(kind, name)
            }
            path = re.sub("<[^>]+>", "{}", route.removeprefix("api/v1"))
            for method, action in known.items():
                yield f"{method.upper()} {path}", kind, action


OF_REST: Final = {name: (kind, action) for name, kind, action in operations()}


def test_all_that_the_admin_does_has_an_operation_or_a_reason() -> None:
    found = of_the_admin()

    assert sorted(found - set(OPERATIONS) - set(ELSEWHERE)) == []
    assert sorted((set(OPERATIONS) | set(ELSEWHERE)) - found) == []
    assert sorted(set(OPERATIONS) & set(ELSEWHERE)) == []
    assert all(reason.endswith(".") for reason in ELSEWHERE.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_operation_is_there(name: str) -> None:
    assert OPERATIONS[name] in OF_REST


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.rpartition(": ")[2] in FORMS])
def test_the_operation_of_a_form_needs_the_role_that_the_form_needs(name: str) -> None:
    label, form = name.split(": ")
    (page,) = (page for model, page in admin.site._registry.items() if name_of(model) == label)

    in_the_admin = next(role for role in Role if may(page, form, request_of(role)))

    kind, action = OF_REST[OPERATIONS[name]]
    assert Role(getattr(kind, "roles", {}).get(action) or kind.write_role) == in_the_admin


def test_the_rows_of_every_page_are_in_an_answer() -> None:
    listed = {
        kind.queryset.model
        for kind, action in OF_REST.values()
        if action == "list" and hasattr(kind, "queryset")
    }

    assert {name_of(model) for model in admin.site._registry if model not in listed} == set(ROWS)
    assert {row for row in ROWS.values() if row not in OF_REST and not row.endswith(".")} == set()


def test_every_command_of_the_station_page_has_its_endpoint() -> None:
    lacking = [
        command.name
        for command in commanding.commands()
        if f"POST /chargepoints/{{}}/{command.name}" not in OF_REST
    ]

    assert lacking == ["send"]  # POST /chargepoints/{}/commands
