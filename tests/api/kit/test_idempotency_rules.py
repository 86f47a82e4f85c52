"""The rules of an Idempotency-Key, one by one, on a store in memory and a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from ocpp_server.api import idempotency
from ocpp_server.api.idempotency import Replay, claim, finish
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
WITHOUT_EFFECT = (400, 401, 403, 404, 405, 412, 415, 422, 429, 500, 503)


@dataclass
class Row:
    pk: int
    fingerprint: str
    created_at: datetime
    status_code: int | None = None
    answer: Any = None


@dataclass
class Store:
    """The rows of requests, and what became of them."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    is_hidden: bool = False

    def delete_before(self, moment: datetime) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row.created_at >= moment}

    def insert(self, *, actor: str, key: str, fingerprint: str) -> Row | None:
        if (actor, key) in self.rows:
            return None
        row = self.rows[actor, key] = Row(len(self.rows) + 1, fingerprint, timezone.now())
        return row

    def find(self, *, actor: str, key: str) -> Row | None:
        return None if self.is_hidden else self.rows.get((actor, key))

    def take_over(self, pk: int, *, unanswered_since: datetime) -> bool:
        row = self._row(pk)
        if row.status_code is not None or row.created_at >= unanswered_since:
            return False
        row.created_at = timezone.now()
        return True

    def delete(self, pk: int) -> None:
        self.deleted.append(pk)

    def store_answer(self, pk: int, *, status_code: int, answer: Any) -> None:
        row = self._row(pk)
        row.status_code, row.answer = status_code, answer

    def _row(self, pk: int) -> Row:
        return next(row for row in self.rows.values() if row.pk == pk)


@dataclass
class User:
    pk: int


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(idempotency.port, "app", store)
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return store


def request(
    body: Any = None,
    *,
    key: str | None = "k1",
    method: str = "post",
    path: str = "/api/v1/tokens",
    user: int = 1,
    as_files: bool = False,
) -> Request:
    headers = {} if key is None else {"Idempotency-Key": key}
    make = getattr(APIRequestFactory(), method)
    content = "multipart" if as_files else "json"
    made = Request(
        make(path, {} if body is None else body, format=content, headers=headers),
        parsers=[JSONParser(), MultiPartParser()],
        negotiator=DefaultContentNegotiation(),
    )
    made.user = User(user)  # type: ignore[assignment]
    return made


def answer(status: int, data: Any = None) -> Response:
    response = Response(data, status=status)
    response.accepted_renderer = JSONRenderer()
    response.accepted_media_type = "application/json"
    response.renderer_context = {}
    return response


def first(store: Store, **more: Any) -> Row:
    row: Any = claim(request(**more))
    return row


def test_a_request_without_a_key_claims_nothing(store: Store) -> None:
    assert claim(request(key=None)) is None
    assert not store.rows


@pytest.mark.parametrize("key", ["k", "k" * 255, "a b", "ä"])
def test_a_key_has_up_to_255_printable_characters(store: Store, key: str) -> None:
    assert first(store, key=key) is store.rows["user:1", key]


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "a\tb", "a\x7f"])
def test_another_key_is_invalid(store: Store, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        claim(request(key=key))

    assert refused.value.field == "Idempotency-Key"
    assert not store.rows


def test_the_second_request_is_answered_like_the_first(store: Store) -> None:
    finish(first(store), answer(201, {"data": {"uid": "A"}}))

    with pytest.raises(Replay) as known:
        claim(request())

    response = known.value.response
    assert (response.status_code, response.data) == (201, {"data": {"uid": "A"}})
    assert response["Idempotent-Replayed"] == "true"


def test_an_answer_without_a_body_is_repeated_without_one(store: Store) -> None:
    finish(first(store), answer(204))

    with pytest.raises(Replay) as known:
        claim(request())

    assert (known.value.response.status_code, known.value.response.data) == (204, None)


def test_the_stored_answer_is_the_text_that_was_sent(store: Store) -> None:
    row = first(store)

    finish(row, answer(200, {"at": NOW}))

    assert row.answer == {"at": "2026-05-04T12:00:00Z"}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 409, 410, 502, 504])
def test_the_answer_of_a_request_that_may_have_had_an_effect_is_stored(store: Store, status: int) -> None:
    row = first(store)

    finish(row, answer(status, {"message": "M"}))

    assert (row.status_code, row.answer, store.deleted) == (status, {"message": "M"}, [])


@pytest.mark.parametrize("status", WITHOUT_EFFECT)
@pytest.mark.parametrize("data", [None, "text", {"data": None}, {"data": {}}, {"data": ["requestId"]}])
def test_a_request_without_effect_frees_its_key(store: Store, status: int, data: Any) -> None:
    row = first(store)

    finish(row, answer(status, data))

    assert (row.status_code, store.deleted) == (None, [row.pk])


def test_a_command_that_was_sent_keeps_its_key_although_its_answer_is_503(store: Store) -> None:
    row = first(store)

    finish(row, answer(503, {"data": {"requestId": "c1"}}))

    assert (row.status_code, store.deleted) == (503, [])


def test_a_key_that_was_freed_just_now_may_be_sent_again(store: Store) -> None:
    first(store)
    store.is_hidden = True

    with pytest.raises(Conflict) as refused:
        claim(request())

    assert refused.value.code == Code.IDEMPOTENCY_IN_PROGRESS


@pytest.mark.parametrize(
    "other",
    [{"method": "put"}, {"path": "/api/v1/users"}, {"path": "/api/v1/tokens?dry=1"}, {"body": {"uid": "B"}}],
)
def test_another_request_with_the_key_is_a_conflict(store: Store, other: dict[str, Any]) -> None:
    finish(first(store, body={"uid": "A"}), answer(201))

    with pytest.raises(Conflict) as refused:
        claim(request(**({"body": {"uid": "A"}} | other)))

    assert refused.value.code == Code.IDEMPOTENCY_CONFLICT
    assert "Idempotency-Key" in refused.value.sentence


def test_the_order_of_the_fields_makes_no_difference(store: Store) -> None:
    finish(first(store, body={"a": 1, "b": 2}), answer(201))

    with pytest.raises(Replay):
        claim(request({"b": 2, "a": 1}))


def test_another_caller_has_keys_of_its_own(store: Store) -> None:
    finish(first(store), answer(201))

    assert claim(request(user=2)) is store.rows["user:2", "k1"]


def test_the_fingerprint_can_not_be_computed_without_the_secret(store: Store, settings: Any) -> None:
    before = first(store).fingerprint
    settings.SECRET_KEY = "another"

    assert first(store, key="k2").fingerprint != before
    assert len(before) == 64 and int(before, 16)


def test_an_uploaded_file_counts_by_its_content(store: Store) -> None:
    def upload(content: bytes, name: str = "a.csv") -> dict[str, Any]:
        return {"file": SimpleUploadedFile(name, content)}

    made = request(upload(b"x" * 100_000 + b"1"), as_files=True)
    row = claim(made)
    assert row is not None
    # The view reads the file after this.
    assert made.data["file"].read() == b"x" * 100_000 + b"1"
    finish(row, answer(201))

    with pytest.raises(Replay):
        claim(request(upload(b"x" * 100_000 + b"1", "b.csv"), as_files=True))
    with pytest.raises(Conflict):
        claim(request(upload(b"x" * 100_000 + b"2"), as_files=True))


def test_what_is_neither_json_nor_a_file_has_no_fingerprint(store: Store) -> None:
    made = request()
    made._full_data = {"value": object()}  # type: ignore[attr-defined]

    with pytest.raises(TypeError):
        claim(made)


@pytest.mark.parametrize(("minutes", "is_taken_over"), [(4.99, False), (5, False), (5.01, True)])
def test_an_unanswered_request_is_taken_over_after_five_minutes(
    store: Store, minutes: float, is_taken_over: bool
) -> None:
    row = first(store)
    row.created_at -= timedelta(minutes=minutes)

    if is_taken_over:
        assert claim(request()) is row
    with pytest.raises(Conflict) as refused:
        claim(request())
    assert refused.value.code == Code.IDEMPOTENCY_IN_PROGRESS
    assert "Idempotency-Key" in refused.value.sentence


@pytest.mark.parametrize(("hours", "is_kept"), [(23.9, True), (24, True), (24.1, False)])
def test_an_answer_is_kept_for_a_day(store: Store, hours: float, is_kept: bool) -> None:
    row = first(store)
    finish(row, answer(201))
    row.created_at -= timedelta(hours=hours)

    if is_kept:
        with pytest.raises(Replay):
            claim(request())
    else:
        assert claim(request()) is not row
