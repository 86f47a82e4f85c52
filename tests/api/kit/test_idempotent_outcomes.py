"""The answers that keep an Idempotency-Key, and those that free it: a key is free only without any effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.models import IdempotentRequest
from ocpp_server.api import idempotency
from ocpp_server.domain import Conflict, StationOffline

pytestmark = pytest.mark.django_db

# Every status that the document of the API lists.
KEPT = (200, 201, 202, 204, 408, 409, 502)
FREED = (400, 401, 403, 404, 405, 412, 415, 422, 429, 500, 503)


def claimed() -> IdempotentRequest:
    return IdempotentRequest.objects.create(actor="key:1", key="k1", fingerprint="f")


def rendered(status: int, body: Any = None) -> Response:
    response = Response(body, status=status)
    response.accepted_renderer = JSONRenderer()  # type: ignore[attr-defined]
    response.accepted_media_type = "application/json"  # type: ignore[attr-defined]
    response.renderer_context = {}  # type: ignore[attr-defined]
    return response.render()  # type: ignore[return-value]


def refused(data: dict[str, Any]) -> dict[str, Any]:
    return {"success": False, "message": "No.", "data": data}


@pytest.mark.parametrize("status", KEPT)
def test_an_answer_after_an_effect_is_stored(status: int) -> None:
    body = None if status == 204 else {"success": True, "message": "Done.", "data": {"id": 1.10}}

    idempotency.finish(claimed(), rendered(status, body))

    row = IdempotentRequest.objects.get()
    assert (row.status_code, row.answer) == (status, body)


@pytest.mark.parametrize("status", FREED)
@pytest.mark.parametrize("data", [{}, {"errors": []}, {"status": "requestId"}])
def test_a_request_without_an_effect_frees_its_key(status: int, data: dict[str, Any]) -> None:
    idempotency.finish(claimed(), rendered(status, refused(data)))

    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize("status", FREED)
@pytest.mark.parametrize("sent", [{"requestId": "c1"}, {"requestIds": ["c1", "c2"]}])
def test_a_failure_after_a_command_was_sent_keeps_the_key(status: int, sent: dict[str, Any]) -> None:
    idempotency.finish(claimed(), rendered(status, refused(sent)))

    row = IdempotentRequest.objects.get()
    assert (row.status_code, row.answer) == (status, refused(sent))


@pytest.mark.parametrize("body", [None, [], "text", {"data": None}, {"data": ["requestId"]}])
def test_an_answer_that_is_no_envelope_names_no_command(body: Any) -> None:
    idempotency.finish(claimed(), rendered(503, body))

    assert not IdempotentRequest.objects.exists()


def test_an_error_between_the_parts_of_a_command_names_the_parts_that_were_sent() -> None:
    from ocpp_server.api.errors import handle

    error = StationOffline("CP-1 is known but offline.")
    error.data |= {"requestIds": ["c1"]}

    response = handle(error, {})

    assert response.status_code == 503
    assert response.data["data"]["requestIds"] == ["c1"]


@pytest.mark.parametrize(("minutes", "is_taken"), [(4.9, False), (5.1, True)])
def test_a_claim_without_an_answer_is_taken_over_once_after_five_minutes(
    minutes: float, is_taken: bool
) -> None:
    row = claimed()
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(minutes=minutes))

    outcomes = []
    for _ in range(2):
        try:
            outcomes.append(idempotency._known("key:1", "k1", "f").pk)
        except Conflict:
            outcomes.append(None)

    assert outcomes == [row.pk if is_taken else None, None]


def test_a_stored_answer_is_never_taken_over() -> None:
    row = claimed()
    idempotency.finish(row, rendered(503, refused({"requestId": "c1"})))
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(minutes=30))

    with pytest.raises(idempotency.Replay) as replay:
        idempotency._known("key:1", "k1", "f")

    assert replay.value.response.status_code == 503
    assert replay.value.response.data == refused({"requestId": "c1"})
    assert replay.value.response.headers["Idempotent-Replayed"] == "true"


def test_another_request_never_gets_the_answer_of_a_key() -> None:
    idempotency.finish(claimed(), rendered(201, {"data": {}}))

    with pytest.raises(Conflict, match="used for another request"):
        idempotency._known("key:1", "k1", "g")
