"""The audit log: an entry for each changing request, without values, for administrators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.db import OperationalError
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.services import audit_log
from ocpp_server import audit
from tests.api.conftest import Caller
from tests.direct.accounts import a_token

LOG = "/api/v1/audit-log"
SITES = "/api/v1/sites"
YESTERDAY = (timezone.now() - timedelta(days=1)).date()


def test_a_change_is_noted_with_its_caller_and_its_result(operator: Caller, administrator: Caller) -> None:
    made = operator.post(SITES, {"name": "Yard", "city": "Graz"})

    (entry,) = administrator.get(LOG).info["audit_entries"]
    assert entry | {"id": 0, "at": ""} == {
        "id": 0,
        "at": "",
        "actor": "key operator",
        "door": "rest",
        "action": "createSite",
        "path": SITES,
        "sent_fields": ["name", "city"],
        "status": 201,
        "address": "127.0.0.1",
        "request_id": made["X-Request-ID"],
    }
    assert administrator.get(f"{LOG}/{entry['id']}").info == entry


def test_refused_changes_are_noted_too(viewer: Caller, operator: Caller) -> None:
    viewer.post(SITES, {"name": "Yard"})
    operator.post(SITES, {"name": ""})

    found = AuditEntry.objects.order_by("pk").values_list("actor", "action", "status")
    assert list(found) == [("key viewer", "createSite", 403), ("key operator", "createSite", 400)]


def test_reads_strangers_and_repeats_are_not_noted(operator: Caller, anonymous: Caller) -> None:
    anonymous.post(SITES, {"name": "Yard"})
    operator.get(SITES)
    operator.post("/api/v1/authorize", {"id_tag": "A"})
    operator.put(SITES, {})
    for _ in range(2):
        operator.post(SITES, {"name": "Yard"}, Idempotency_Key="k")

    assert [entry.action for entry in AuditEntry.objects.all()] == ["createSite"]


def test_no_value_and_no_uid_is_stored(operator: Caller) -> None:
    token = a_token("SECRET-UID")

    operator.patch(f"/api/v1/tokens/{token.pk}", {"name": "Secret name"})
    operator.post("/api/v1/tokens/by-uid/SECRET-UID/block", {})
    operator.post(SITES, {f"field{number}" * 20: 1 for number in range(60)})

    entries = list(AuditEntry.objects.order_by("pk"))
    assert [entry.path for entry in entries[:2]] == [
        f"/api/v1/tokens/{token.pk}",
        "/api/v1/tokens/by-uid/••••/block",
    ]
    assert entries[0].sent_fields == ["name"]
    assert len(entries[2].sent_fields) == audit.MOST_FIELDS
    assert {len(name) for name in entries[2].sent_fields} == {audit.FIELD_LENGTH}
    assert "ecret" not in str(list(AuditEntry.objects.values_list("action", "sent_fields", "path")))


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("actor=ann", ["b", "a"]),
        ("action=a", ["a"]),
        (f"status=409&from={YESTERDAY}", ["c"]),
        (f"door=admin&from={YESTERDAY}", ["c"]),
        (f"search=/users/17/&from={YESTERDAY}", ["b"]),
        ("ordering=id", ["a", "b", "c"]),
        ("to=2026-01-01", []),
    ],
)
def test_the_list_has_filters(administrator: Caller, query: str, actions: list[str]) -> None:
    for actor, action, path, status, door in (
        ("ann", "a", "/api/v1/sites", 200, "rest"),
        ("ann", "b", "/api/v1/users/17/erase", 200, "rest"),
        ("bob", "c", "/admin/accounts/person/1/change/", 409, "admin"),
    ):
        AuditEntry.objects.create(actor=actor, action=action, path=path, status=status, door=door)

    found = administrator.get(f"{LOG}?{query}").info["audit_entries"]

    assert [entry["action"] for entry in found] == actions


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("search=users", "from"),
        ("door=rest&to=2026-01-01", "from"),
        ("status=409&from=2026-01-01&to=2026-06-01", "to"),
        ("status=409&from=2000-01-01", "from"),
    ],
)
def test_filters_without_an_index_need_a_period(administrator: Caller, query: str, field: str) -> None:
    refused = administrator.get(f"{LOG}?{query}")

    assert (refused.status_code, refused.info["param"]) == (400, field)
    assert "at most 92 days" in str(refused.answer)


def test_exports_of_tokens_and_transactions_are_noted(administrator: Caller) -> None:
    for kind in ("tokens", "transactions"):
        assert administrator.get(f"/api/v1/{kind}/export").status_code == 200
        administrator.get(f"/api/v1/{kind}")

    found = AuditEntry.objects.order_by("pk").values_list("path", "status")
    assert list(found) == [("/api/v1/tokens/export", 200), ("/api/v1/transactions/export", 200)]


def test_characters_that_the_database_refuses_are_replaced(db: None) -> None:
    fields = audit.names(["\ud800 and \0", "name"])
    audit.note(audit.Entry("ann", audit.Door.REST, "a", audit.clean("/\udfff"), fields, 200, "", ""))

    entry = AuditEntry.objects.get()
    assert (entry.path, entry.sent_fields) == ("/?", ["? and ", "name"])


def test_only_administrators_read_it(viewer: Caller, operator: Caller, administrator: Caller) -> None:
    assert [caller.get(LOG).status_code for caller in (viewer, operator, administrator)] == [403, 403, 200]
    assert administrator.delete(f"{LOG}/1").status_code == 405


def test_a_change_whose_entry_cannot_be_stored_is_in_the_servers_log(
    operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(entry: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(audit_log, "store", away)
    with structlog.testing.capture_logs() as lines:
        assert operator.post(SITES, {"name": "Yard"}).status_code == 201

    (line,) = [line for line in lines if line["event"] == "audit.not_stored"]
    assert (line["actor"], line["action"], line["fields"]) == ("key operator", "createSite", ("name",))


def test_old_entries_are_deleted(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    for days in (20, 10, 1):
        AuditEntry.objects.create(
            actor="a", action=f"{days}", path="/", status=200, door="rest", at=now - timedelta(days=days)
        )
    settings.AUDIT_RETENTION = 0
    assert audit_log.delete_some() is False

    settings.AUDIT_RETENTION = 5 * 86400
    monkeypatch.setattr(audit_log, "DELETE_AT_ONCE", 2)
    assert audit_log.delete_some() is True
    assert audit_log.delete_some() is False

    assert [entry.action for entry in AuditEntry.objects.all()] == ["1"]
    assert str(AuditEntry.objects.get()) == "a: 1"


def test_a_session_of_the_console_is_named_by_its_login(db: None) -> None:
    caller = Caller()
    caller.client.force_login(User.objects.create_superuser("root"))

    assert caller.post(SITES, {"name": "Yard"}).status_code == 201

    assert AuditEntry.objects.get().actor == "root"
