"""The console writes the audit log and shows it to administrators."""

from __future__ import annotations

import pytest
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Person, User
from ocpp_server.admin import auditing

PERSON = {"name": "Bob", "email": "bob@example.com", "phone": "", "language": "", "status": "active"}


def noted() -> list[tuple[str, int]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "status"))


def test_forms_actions_and_exports_are_noted(administrator: Client) -> None:
    administrator.get(reverse("admin:accounts_person_add"))
    administrator.post(reverse("admin:accounts_person_add"), {**PERSON, "email": "no"})
    administrator.post(reverse("admin:accounts_person_add"), PERSON)
    bob = Person.objects.get(name="Bob")
    administrator.get(reverse("admin:person-export", args=[bob.pk]))
    administrator.post(reverse("admin:person-erase", args=[bob.pk]))
    administrator.post(
        reverse("admin:accounts_token_changelist"), {"action": "block", "_selected_action": ["1"]}
    )

    assert noted()[:4] == [
        ("accounts_person_add", 200),
        ("accounts_person_add", 302),
        ("person-export", 200),
        ("person-erase", 302),
    ]
    assert noted()[4][0] == "accounts_token_changelist:block"
    entry = AuditEntry.objects.order_by("pk")[1]
    assert entry.sent_fields == list(PERSON)
    assert (entry.door, entry.path, entry.address) == ("admin", "/admin/accounts/person/add/", "127.0.0.1")
    assert entry.actor == User.objects.get(is_staff=True).username
    assert entry.request_id


def test_an_export_of_tokens_is_noted(administrator: Client) -> None:
    assert administrator.get(reverse("admin:token-export", args=["csv"])).status_code == 200

    assert noted() == [("token-export", 200)]


def test_who_is_not_signed_in_is_not_noted(db: None) -> None:
    Client().post(reverse("admin:accounts_person_add"), PERSON)
    Client().post(reverse("admin:login"), {"username": "x", "password": "y"})
    Client().post("/admin/nothing/")

    assert noted() == []


def test_a_form_that_could_not_be_read_is_noted_without_its_fields(
    administrator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(request: HttpRequest) -> HttpResponse:
        raise RequestDataTooBig("too big")

    monkeypatch.setattr(HttpRequest, "_load_post_and_files", unreadable)
    response = administrator.post(reverse("admin:accounts_person_add"), PERSON)

    assert response.status_code in (400, 413)
    assert [status for _, status in noted()] == [response.status_code]
    assert AuditEntry.objects.get().sent_fields == []


def test_fields_of_the_framework_are_no_values() -> None:
    names = ["csrfmiddlewaretoken", "_save", "name", "members-TOTAL_FORMS", "action"]

    assert [name for name in names if auditing._is_value(name)] == ["name", "action"]


def test_the_page_is_for_administrators(administrator: Client, operator: Client) -> None:
    AuditEntry.objects.create(
        actor="ann", door="rest", action="eraseUser", path="/", status=200, sent_fields=["name"]
    )
    page = reverse("admin:accounts_auditentry_changelist")

    assert "eraseUser" in administrator.get(page).content.decode()
    assert operator.get(page).status_code == 403
    one = reverse("admin:accounts_auditentry_change", args=[AuditEntry.objects.get().pk])
    assert "eraseUser" in administrator.get(one).content.decode()
    assert administrator.post(one, {"actor": "bob"}).status_code == 403
