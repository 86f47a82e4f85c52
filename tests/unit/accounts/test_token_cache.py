"""Cached tokens: which of them are dropped when a row is saved that authorization depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.signals import post_save

from accounts.models import Token, User
from accounts.services import people, token_import
from accounts.views.token_files import check
from ocpp_server import live

Commit = Callable[..., Any]


class Cache:
    """The dropped keys, "*" for all of them."""

    def __init__(self) -> None:
        self.dropped: list[str] = []

    def forget_token(self, key: str) -> None:
        self.dropped.append(key)

    def forget_tokens(self) -> None:
        self.dropped.append("*")


@pytest.fixture
def cache(db: None, monkeypatch: pytest.MonkeyPatch) -> Cache:
    made = Cache()
    monkeypatch.setattr(live, "state", lambda: made)
    return made


def test_a_new_token_drops_what_is_known_of_its_uid(
    cache: Cache, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        Token.objects.create(uid="CARD")
        assert cache.dropped == []  # not before the commit: another request would read the old row

    assert cache.dropped == ["card"]


def test_a_token_with_another_uid_drops_both(
    cache: Cache, django_capture_on_commit_callbacks: Commit
) -> None:
    token = Token.objects.create(uid="OLD")
    Token.objects.create(uid="OTHER")
    token.uid = "NEW"

    with django_capture_on_commit_callbacks(execute=True):
        token.save()

    assert sorted(cache.dropped) == ["new", "old"]


def test_a_changed_token_drops_its_uid_once(cache: Cache, django_capture_on_commit_callbacks: Commit) -> None:
    token = Token.objects.create(uid="CARD")

    with django_capture_on_commit_callbacks(execute=True):
        token.save()
        token.delete()

    assert cache.dropped == ["card", "card"]


def test_a_token_that_was_saved_under_two_uids_drops_the_last_two(
    cache: Cache, django_capture_on_commit_callbacks: Commit
) -> None:
    token = Token.objects.create(uid="A")
    token.uid = "B"
    token.save()
    token.uid = "C"

    with django_capture_on_commit_callbacks(execute=True):
        token.save()

    assert sorted(cache.dropped) == ["b", "c"]


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        (None, ["*"]),
        (["status"], ["*"]),
        (["last_login"], []),
        (["password"], []),
        (["last_login", "password"], []),
        (["last_login", "status"], ["*"]),
    ],
)
def test_a_saved_person_drops_all_tokens_unless_it_has_only_signed_in(
    cache: Cache, django_capture_on_commit_callbacks: Commit, fields: list[str] | None, dropped: list[str]
) -> None:
    user = people.create(name="Ann")

    with django_capture_on_commit_callbacks(execute=True):
        user.save(update_fields=fields)

    assert cache.dropped == dropped


def test_a_row_that_is_saved_without_named_fields_drops_all_tokens(
    cache: Cache, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        post_save.send(User, instance=User(), created=False, update_fields=frozenset())

    assert cache.dropped == ["*"]


def test_a_token_import_drops_all_tokens_once_it_is_committed(
    cache: Cache, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        token_import.start([(2, {"uid": "A"})], check=check, file_name="t", actor="a", is_preview=False)
        assert cache.dropped == []

    assert cache.dropped == ["*"]
