"""Tokens over REST, in snake_case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Token, UnknownToken
from accounts.services import unknown_tokens
from ocpp_server.domain import Conflict
from tests.api.conftest import Caller

LIST = "/api/v1/tokens"


def test_a_token_is_added_with_its_defaults(administrator: Caller) -> None:
    response = administrator.post(LIST, {"uid": "  04A2B3  "})

    assert response.status_code == 201
    assert response.info["uid"] == "04A2B3"
    assert (response.info["type"], response.info["status"], response.info["valid"]) == (
        "RFID",
        "active",
        True,
    )
    assert response.info["group_id"] == ""
    assert response.info["expires_at"] is None


def test_a_token_is_added_with_every_field(administrator: Caller) -> None:
    body = {
        "uid": "X1",
        "type": "APP",
        "status": "blocked",
        "valid": False,
        "group_id": "FAMILY",
        "name": "Alice",
        "expires_at": "2030-01-01T00:00:00+01:00",
    }

    response = administrator.post(LIST, body)

    assert response.info["type"] == "APP_USER"
    assert response.info["expires_at"] == "2029-12-31T23:00:00.000Z"
    assert {name: response.info[name] for name in ("status", "valid", "group_id", "name")} == {
        "status": "blocked",
        "valid": False,
        "group_id": "FAMILY",
        "name": "Alice",
    }


@pytest.mark.parametrize("kind", ["VEHICLE", "AUTOCHARGE"])
@pytest.mark.parametrize(
    "mac", ["aa:bb:cc:00:11:22", "AABBCC001122", "VID:aabbcc001122", "aa-bb-cc-00-11-22"]
)
def test_a_vehicle_is_identified_by_its_mac(administrator: Caller, kind: str, mac: str) -> None:
    response = administrator.post(LIST, {"uid": mac, "type": kind})

    assert response.info["uid"] == "VID:AABBCC001122"
    assert response.info["type"] == "OTHER"


def test_the_same_uid_of_another_case_is_409_and_of_another_type_is_not(administrator: Caller) -> None:
    first = administrator.post(LIST, {"uid": "card-1"})
    again = administrator.post(LIST, {"uid": "CARD-1"})
    other = administrator.post(LIST, {"uid": "CARD-1", "type": "APP_USER"})

    assert [first.status_code, again.status_code, other.status_code] == [201, 409, 201]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "uid"),
        ({"uid": "   "}, "uid"),
        ({"uid": 7}, "uid"),
        ({"uid": "A" * 256}, "uid"),
        ({"uid": "A", "type": "CREDIT_CARD"}, "type"),
        ({"uid": "A", "status": "Accepted"}, "status"),
        ({"uid": "A", "valid": "perhaps"}, "valid"),
        ({"uid": "A", "valid": 1}, "valid"),
        ({"uid": "A", "group_id": "G" * 37}, "group_id"),
        ({"uid": "A", "expires_at": "soon"}, "expires_at"),
        ({"uid": "A", "id": 5}, "id"),
        ({"uid": "no mac", "type": "VEHICLE"}, "uid"),
    ],
)
def test_an_invalid_token_is_400_with_field_and_reason(
    administrator: Caller, body: dict[str, Any], field: str
) -> None:
    response = administrator.post(LIST, body)

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]


def test_a_token_is_changed_and_never_deleted(administrator: Caller) -> None:
    token = Token.objects.create(uid="A", name="Alice")

    changed = administrator.patch(f"{LIST}/{token.pk}", {"status": "lost", "valid": False})
    deleted = administrator.delete(f"{LIST}/{token.pk}")

    assert (changed.info["status"], changed.info["valid"], changed.info["name"]) == ("lost", False, "Alice")
    assert (deleted.status_code, deleted.info["valid"]) == (200, False)
    assert administrator.get(f"{LIST}/{token.pk}").info["status"] == "invalid"


def test_a_change_into_another_tokens_uid_is_409(administrator: Caller) -> None:
    Token.objects.create(uid="A")
    other = Token.objects.create(uid="B")

    assert administrator.patch(f"{LIST}/{other.pk}", {"uid": "a"}).status_code == 409


@pytest.mark.parametrize(("number", "status"), [("abc", 400), ("0", 400), ("9" * 30, 400), ("4711", 404)])
def test_a_bad_number_is_400_and_an_unknown_one_404(administrator: Caller, number: str, status: int) -> None:
    assert administrator.get(f"{LIST}/{number}").status_code == status
    assert administrator.patch(f"{LIST}/{number}", {}).status_code == status


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ali", ["CARD-1"]),
        ("search=card", ["CARD-1", "CARD-2"]),
        ("uid=card-2", ["CARD-2"]),
        ("status=blocked", ["CARD-2"]),
        ("valid=false", []),
        ("group_id=FAMILY", ["CARD-1"]),
        ("ordering=-uid", ["CARD-2", "CARD-1"]),
        ("limit=1&offset=1", ["CARD-2"]),
    ],
)
def test_tokens_are_filtered_searched_and_sorted(viewer: Caller, query: str, found: list[str]) -> None:
    Token.objects.create(uid="CARD-1", name="Alice", group_id="FAMILY")
    Token.objects.create(uid="CARD-2", status="blocked")

    response = viewer.get(f"{LIST}?{query}")

    assert [row["uid"] for row in response.info["tokens"]] == found


def test_tokens_are_found_by_their_last_change(viewer: Caller) -> None:
    Token.objects.create(uid="OLD")
    Token.objects.update(updated_at=timezone.now() - timedelta(days=2))
    Token.objects.create(uid="NEW")
    moment = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert [row["uid"] for row in viewer.get(f"{LIST}?updated_from={moment}").info["tokens"]] == ["NEW"]
    assert [row["uid"] for row in viewer.get(f"{LIST}?updated_to={moment}").info["tokens"]] == ["OLD"]


def test_an_unknown_token_leaves_the_inbox_when_it_is_added(db: None) -> None:
    now = timezone.now()
    unknown = UnknownToken.objects.create(
        uid="VID:AABBCC001122", uid_key="vid:aabbcc001122", first_seen_at=now, last_seen_at=now
    )

    token = unknown_tokens.add(unknown, name="Bob's car")

    assert (token.uid, token.type, token.name) == ("VID:AABBCC001122", "OTHER", "Bob's car")
    assert not UnknownToken.objects.exists()
    with pytest.raises(Conflict):
        unknown_tokens.add(unknown)


def test_every_create_answers_with_the_location_of_the_new_row(administrator: Caller) -> None:
    where = "/api/v1"
    user = administrator.post(f"{where}/users", {"name": "Ann"})
    guest = administrator.post(f"{where}/users", {"name": "Bob"})
    contract = administrator.post(f"{where}/contracts", {"contract_id": "C/1", "owner": user.info["id"]})
    member = administrator.post(f"{contract['Location']}/members", {"user_id": guest.info["id"]})
    token = administrator.post(f"{where}/tokens", {"uid": "A B"})
    group = administrator.post(f"{where}/token-groups", {"contract_id": "C/1", "group_id": "G 1"})

    for made in (user, guest, contract, member, token, group):
        assert made.status_code == 201
        shown = administrator.get(made["Location"]).info
        assert shown["created_at"] == made.info["created_at"]


def test_a_uid_named_as_an_action_is_found(administrator: Caller) -> None:
    administrator.post("/api/v1/tokens", {"uid": "block"})

    assert administrator.get("/api/v1/tokens/by-uid/block").info["uid"] == "block"
    assert administrator.post("/api/v1/tokens/by-uid/block/block").info["status"] == "blocked"
