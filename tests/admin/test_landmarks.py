"""Every page has one main part, one first heading and a skip link first, and every control has a name."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from tests.admin.announced import announced
from tests.admin.rows import a_session, a_station
from tests.admin.test_pages import OURS, address


def test_forms_to_add_and_to_delete_are_announced(superuser: Client, hostile_rows: dict[type, Any]) -> None:
    request: Any = RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    paths = []
    for model in OURS:
        registered = admin.site._registry[model]
        if registered.has_add_permission(request):
            paths.append(address(model, "add"))
        if registered.has_delete_permission(request, hostile_rows[model]):
            paths.append(address(model, "delete", hostile_rows[model].pk))

    for path in paths:
        answer = superuser.get(path)

        assert answer.status_code == 200, path
        announced(answer.content.decode(), path)


def test_the_operators_own_pages_are_announced(superuser: Client) -> None:
    station = a_station("CP-1")
    a_session(station, 1000, suspect=True)
    paths = [
        "/admin/",
        reverse("admin:station", args=[station.pk]),
        reverse("admin:station-command", args=[station.pk, "reset"]),
        reverse("admin:station-command", args=[station.pk, "send"]),
        reverse("admin:session-settle", args=[1000, "end"]),
        reverse("admin:token-import"),
        "/admin/transactions/transaction/1000/change/",
        "/admin/password_change/",
    ]

    for path in paths:
        answer = superuser.get(path)

        assert answer.status_code == 200, path
        announced(answer.content.decode(), path)


def test_the_page_to_sign_in_is_announced(client: Client, db: None) -> None:
    announced(client.get("/admin/login/").content.decode(), "/admin/login/")
