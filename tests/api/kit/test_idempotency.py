"""A request with an Idempotency-Key takes effect once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import IdempotentRequest, Token
from chargepoints.models import ChargePoint
from tests.api.conftest import Caller

TOKENS = "/api/v1/tokens"


def test_the_same_request_again_gets_the_first_answer(administrator: Caller) -> None:
    first = administrator.post(TOKENS, {"uid": "A", "name": "Alice"}, Idempotency_Key="k1")

    again = administrator.post(TOKENS, b'{ "name": "Alice", "uid": "A" }', Idempotency_Key="k1")

    assert again.status_code == first.status_code == 201
    assert again.answer == first.answer
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Token.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [(TOKENS, {"uid": "B"}), ("/api/v1/chargepoints", {"clientId": "B"}), (f"{TOKENS}?x=1", {"uid": "A"})],
)
def test_the_same_key_with_another_request_is_409(
    administrator: Caller, path: str, body: dict[str, Any]
) -> None:
    administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1")

    response = administrator.post(path, body, Idempotency_Key="k1")

    assert response.status_code == 409
    assert not Token.objects.filter(uid="B").exists()
    assert not ChargePoint.objects.exists()


def test_callers_do_not_share_keys(administrator: Caller, caller: Any) -> None:
    other = caller("administrator")

    administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1")
    response = other.post(TOKENS, {"uid": "B"}, Idempotency_Key="k1")

    assert response.status_code == 201


@pytest.mark.parametrize("body", [{"uid": 7}, {}])
def test_a_request_without_effect_frees_its_key(administrator: Caller, body: dict[str, Any]) -> None:
    refused = administrator.post(TOKENS, body, Idempotency_Key="k1")
    mended = administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1")

    assert (refused.status_code, mended.status_code) == (400, 201)


def test_a_command_to_an_offline_station_may_be_retried(operator: Caller, garage: ChargePoint) -> None:
    path = "/api/v1/chargepoints/GARAGE%201/reset"

    statuses = [operator.post(path, {}, Idempotency_Key="k1").status_code for _ in range(2)]

    assert statuses == [503, 503]
    assert not IdempotentRequest.objects.exists()


def test_the_second_of_two_at_once_is_409_until_the_first_has_its_answer(administrator: Caller) -> None:
    administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1")
    IdempotentRequest.objects.update(status_code=None, answer=None)

    response = administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1")

    assert (response.status_code, response.info["code"]) == (409, "idempotency-in-progress")
    assert "still" in response.answer["message"]


def test_a_claim_of_a_dead_process_is_taken_over(administrator: Caller) -> None:
    administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1")
    long_ago = timezone.now() - timedelta(minutes=6)
    IdempotentRequest.objects.update(status_code=None, answer=None, created_at=long_ago)
    Token.objects.all().delete()

    assert administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1").status_code == 201


def test_a_key_expires_after_a_day(administrator: Caller) -> None:
    administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key="k1")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert administrator.post(TOKENS, {"uid": "B"}, Idempotency_Key="k1").status_code == 201
    assert IdempotentRequest.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "a\tb"])
def test_an_invalid_key_is_400(administrator: Caller, key: str) -> None:
    response = administrator.post(TOKENS, {"uid": "A"}, Idempotency_Key=key)

    assert response.status_code == 400
    assert not Token.objects.exists()


def test_a_key_is_ignored_on_reads(viewer: Caller) -> None:
    assert viewer.get(TOKENS, Idempotency_Key="k1").status_code == 200
    assert not IdempotentRequest.objects.exists()
