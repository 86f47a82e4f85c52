"""Written rows and events of a token import, and its files between preview and import."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Contract, Member, Token, TokenImport, TokenUpload, UnknownToken, User
from accounts.services import contracts, membership, token_import, token_uploads, tokens
from accounts.views.token_files import check
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from tests.unit.accounts.emitted import events
from tests.unit.accounts.test_imports import NOON, imported, plan


def test_every_written_token_is_an_event_and_leaves_the_inbox(db: None) -> None:
    for uid in ("new", "stays"):
        UnknownToken.objects.create(uid=uid, uid_key=uid, first_seen_at=NOON, last_seen_at=NOON)
    for uid in ("NAMED", "BLOCKED", "LOST", "SAME"):
        tokens.create(uid=uid, status="blocked" if uid == "LOST" else "active")
    Token.objects.update(updated_at=NOON)
    events()

    imported("uid,name,status\nNEW,,\nNAMED,x,\nBLOCKED,y,blocked\nLOST,,lost\nSAME,,active")

    found = [(name, data["token_id"], data.get("changed")) for name, data in events()]
    number = dict(Token.objects.values_list("uid", "pk"))
    assert sorted(found) == [
        ("token.blocked", number["BLOCKED"], None),
        ("token.created", number["NEW"], None),
        ("token.updated", number["NAMED"], ["name"]),
        ("token.updated", number["LOST"], ["status"]),
    ]
    assert UnknownToken.objects.get().uid == "stays"
    written = set(Token.objects.filter(updated_at__gt=NOON).values_list("uid", flat=True))
    assert written == {"NEW", "NAMED", "BLOCKED", "LOST"}


def test_many_tokens_are_written_with_their_own_values(db: None) -> None:
    for number in range(120):
        tokens.create(uid=f"T{number}")

    imported("uid,name\n" + "\n".join(f"T{number},n{number}" for number in range(1, 140)))

    names = dict(Token.objects.values_list("uid", "name"))
    assert names == {"T0": ""} | {f"T{number}": f"n{number}" for number in range(1, 140)}


def test_a_plan_is_refused_when_a_token_was_added_meanwhile(db: None) -> None:
    planned = plan("uid\nA\nB")
    tokens.create(uid="b")

    with pytest.raises(Conflict) as refused:
        token_import.write(planned)

    assert (refused.value.field, refused.value.code) == ("uid", Code.DUPLICATE)
    assert Token.objects.count() == 1


def test_a_plan_is_refused_when_a_token_was_changed_meanwhile(db: None) -> None:
    for uid in ("A", "B"):
        tokens.create(uid=uid)
    planned = plan("uid,name\nA,x\nB,x")
    Token.objects.filter(uid="B").update(updated_at=NOON)

    with pytest.raises(Conflict) as refused:
        token_import.write(planned)

    assert refused.value.field == "uid"
    assert set(Token.objects.values_list("name", flat=True)) == {""}


@pytest.mark.parametrize(
    ("row", "meanwhile", "is_refused"),
    [
        ("NEW,{bob},{contract},", membership.remove, True),
        ("OLD,{bob},{contract},", membership.remove, True),
        ("NEW,{bob},{contract},", lambda bob: membership.change(bob, role="viewer"), True),
        ("NEW,{bob},{contract},", lambda bob: membership.change(bob, status="invited"), False),
        ("NEW,{bob},{contract},false", membership.remove, False),
        ("NEW,,{contract},", membership.remove, False),
        ("NEW,{bob},,", membership.remove, False),
        ("NEW,{bob},{contract},", lambda bob: None, False),
    ],
)
def test_a_plan_is_refused_when_a_holder_may_no_longer_charge(  # noqa: PLR0917 - pytest passes by name
    family: Contract, bob: User, max_: User, row: str, meanwhile: Any, is_refused: bool
) -> None:
    contracts.create(contract_id="C-2", owner=max_)
    tokens.create(uid="OLD")
    text = row.format(bob=bob.pk, contract=family.contract_id)
    planned = plan(f"uid,user_id,contract_id,valid\nMAX,{max_.pk},C-2,\n{text}")
    meanwhile(Member.objects.get(user=bob))

    if is_refused:
        with pytest.raises(Conflict) as refused:
            token_import.write(planned)
        assert refused.value.field == "user_id"
        assert Token.objects.get().user is None
    else:
        token_import.write(planned)
        assert Token.objects.filter(uid="MAX", user=max_).exists()


# -- files between preview and import ------------------------------------------------------------------------


def previewed(text: str = "uid\nA", size: int = 5) -> TokenImport:
    return token_uploads.preview(io.BytesIO(text.encode()), size=size, check=check, name="t.csv", actor="ann")


def apply(job: TokenImport) -> TokenImport:
    return token_uploads.apply(job, check=check, actor="bea")


def test_the_previewed_file_is_imported_once(db: None) -> None:
    job = previewed()
    was_stored = token_uploads.is_stored(job)
    done = apply(job)

    assert (job.is_preview, job.file_name, job.actor, was_stored) == (True, "t.csv", "ann", True)
    assert (done.is_preview, done.file_name, done.actor, done.state) == (False, "t.csv", "bea", "done")
    assert Token.objects.get().uid == "A"
    assert not token_uploads.is_stored(job)
    with pytest.raises(Conflict):
        apply(job)


@pytest.mark.parametrize(("minutes", "is_stored"), [(59, True), (61, False)])
def test_a_previewed_file_is_stored_for_an_hour(db: None, minutes: int, is_stored: bool) -> None:
    job, other = previewed(), previewed("uid\nB")
    TokenUpload.objects.filter(preview=job).update(created_at=timezone.now() - timedelta(minutes=minutes))

    assert token_uploads.is_stored(job) is is_stored
    token_uploads.forget_old()
    assert TokenUpload.objects.filter(preview=job).exists() is is_stored
    assert token_uploads.is_stored(other)


def test_the_file_of_another_preview_is_neither_imported_nor_dropped(db: None) -> None:
    first, second = previewed("uid\nA"), previewed("uid\nB")

    apply(second)

    assert Token.objects.get().uid == "B"
    assert token_uploads.is_stored(first)


def test_of_two_requests_that_read_the_file_at_once_one_imports_it(db: None) -> None:
    job = previewed()

    def other_request(execute: Any, sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if sql.startswith("SELECT"):
            TokenUpload.objects.all()._raw_delete(using="default")
        return result

    with connection.execute_wrapper(other_request), pytest.raises(Conflict):
        apply(job)

    assert not Token.objects.exists()


def test_an_expired_file_is_not_imported(db: None) -> None:
    job = previewed()
    TokenUpload.objects.update(created_at=timezone.now() - timedelta(minutes=61))

    with pytest.raises(Conflict):
        apply(job)

    assert not Token.objects.exists()


@pytest.mark.parametrize(
    "change", [{"is_preview": False}, {"state": "running"}, {"state": "failed"}, {"problem_count": 1}]
)
def test_only_a_complete_preview_without_problems_is_imported(db: None, change: dict[str, Any]) -> None:
    job = previewed()
    TokenImport.objects.update(**change)
    job.refresh_from_db()

    with pytest.raises(Conflict):
        apply(job)

    assert not Token.objects.exists() and TokenUpload.objects.exists()


def test_a_file_with_problems_is_not_stored(db: None) -> None:
    job = previewed("uid,status\nA,asleep")

    assert (job.problem_count, job.state, token_uploads.is_stored(job)) == (1, "done", False)


def test_a_file_may_be_as_large_as_the_setting_and_needs_a_row(db: None, settings: Any) -> None:
    settings.HTTP_MAX_UPLOAD = 100

    assert previewed(size=100).state == "done"
    for text, size in (("uid\nA", 101), ("uid\n", 5)):
        with pytest.raises(Invalid) as refused:
            previewed(text, size)
        assert refused.value.field == "file"


def test_old_reports_are_deleted_and_running_imports_are_not(db: None) -> None:
    for name, state, at in (
        ("old", "done", NOON - timedelta(seconds=1)),
        ("failed", "failed", NOON - timedelta(seconds=1)),
        ("running", "running", NOON - timedelta(days=9)),
        ("new", "done", NOON),
    ):
        job = TokenImport.objects.create(file_name=name, actor="a", state=state)
        TokenImport.objects.filter(pk=job.pk).update(created_at=at)

    token_uploads.forget_reports(NOON)

    assert set(TokenImport.objects.values_list("file_name", flat=True)) == {"running", "new"}
