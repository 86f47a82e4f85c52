"""Tokens and token groups over REST, beyond the cases of `tests/api/accounts/test_accounts.py`."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Contract, Token, TokenGroup, UnknownToken, User
from accounts.services import contracts, tokens
from tests.unit.accounts.conftest import Caller, fields

LIST = "/api/v1/tokens"
GROUPS = "/api/v1/token-groups"


def test_a_token_is_added_with_all_of_ocpis_fields(
    administrator: Caller, family: Contract, bob: User
) -> None:
    body = {
        "uid": "04A2B3C4",
        "type": "RFID",
        "user_id": bob.pk,
        "contract_id": "DE8AA0012345670",
        "visual_number": "0001",
        "issuer": "Acme",
        "country_code": "DE",
        "party_id": "8AA",
        "language": "de",
        "whitelist": "ALWAYS",
        "default_profile_type": "GREEN",
        "energy_contract": {"supplier_name": "Sun"},
        "is_master": False,
        "valid_from": "2026-01-01T00:00:00.000Z",
        "expires_at": "2027-01-01T00:00:00.000Z",
        "energy_wh_per_month": 100000,
        "cost_per_day": 9.99,
    }

    response = administrator.post(LIST, body)

    assert response.status_code == 201
    assert {name: response.info[name] for name in body} == body
    assert (response.info["method"], response.info["cost_per_month"]) == ("RFID", None)


@pytest.mark.parametrize(
    ("body", "type", "method"),
    [
        ({"uid": "A"}, "RFID", "RFID"),
        ({"uid": "A", "type": "APP"}, "APP_USER", "App"),
        ({"uid": "A", "type": "AD_HOC_USER"}, "AD_HOC_USER", "Ad hoc"),
        ({"uid": "aabb.cc00.1122", "type": "VEHICLE"}, "OTHER", "Vehicle autocharge"),
        ({"uid": "vid:AA:BB:CC:00:11:22", "type": "AUTOCHARGE"}, "OTHER", "Vehicle autocharge"),
        ({"uid": "A", "type": "OTHER"}, "OTHER", "Other"),
    ],
)
def test_the_method_follows_from_the_type(
    administrator: Caller, body: dict[str, str], type: str, method: str
) -> None:
    response = administrator.post(LIST, body)

    assert (response.info["type"], response.info["method"]) == (type, method)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": 4711}, "user_id"),
        ({"user_id": "{vera}", "contract_id": "DE8AA001234567"}, "user_id"),
        ({"user_id": "{max}", "contract_id": "DE8AA001234567"}, "user_id"),
        ({"contract_id": "nothing"}, "contract_id"),
        ({"whitelist": "SOMETIMES"}, "whitelist"),
        ({"default_profile_type": "CHEAPEST"}, "default_profile_type"),
        ({"is_master": "perhaps"}, "is_master"),
        ({"valid_from": "2026-01-02T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"}, "expires_at"),
        ({"cost_per_day": -1}, "cost_per_day"),
        ({"cost_per_day": 0.0001}, "cost_per_day"),
        ({"uid": "ß" * 200}, "uid"),
        ({"method": "RFID"}, "method"),
    ],
)
def test_bad_input_names_its_field(
    administrator: Caller, *, family: Contract, vera: User, max_: User, change: dict[str, Any], field: str
) -> None:
    people = {"{vera}": vera.pk, "{max}": max_.pk}
    change = {
        name: people.get(value, value) if isinstance(value, str) else value for name, value in change.items()
    }

    response = administrator.post(LIST, {"uid": "X", **change})

    assert response.status_code == 400
    assert fields(response) == [field]
    assert not Token.objects.exists()


def test_a_token_is_blocked_and_unblocked(administrator: Caller) -> None:
    token = tokens.create(uid="Card 1")

    blocked = administrator.post(f"{LIST}/{token.pk}/block")
    again = administrator.post(f"{LIST}/by-uid/CARD 1/block".replace(" ", "%20"))
    active = administrator.post(f"{LIST}/by-uid/card%201/unblock")
    Token.objects.update(status="lost")
    refused = administrator.post(f"{LIST}/{token.pk}/unblock")

    assert [one.info["status"] for one in (blocked, again, active)] == ["blocked", "blocked", "active"]
    assert (refused.status_code, fields(refused)) == (409, ["status"])
    assert administrator.post(f"{LIST}/{token.pk}/block", {"why": "lost"}).status_code == 400


def test_a_token_is_found_by_its_uid_and_type(viewer: Caller) -> None:
    tokens.create(uid="A")
    tokens.create(uid="a", type="APP")

    assert viewer.get(f"{LIST}/by-uid/a").info["type"] == "RFID"
    assert viewer.get(f"{LIST}/by-uid/A?type=APP_USER").info["type"] == "APP_USER"
    assert viewer.get(f"{LIST}/by-uid/A?type=OTHER").status_code == 404
    assert viewer.get(f"{LIST}/by-uid/A?type=CARD").status_code == 400


def test_a_token_changes_only_from_the_state_that_was_read(administrator: Caller) -> None:
    token = tokens.create(uid="A")
    etag = administrator.get(f"{LIST}/{token.pk}")["ETag"]
    administrator.patch(f"{LIST}/{token.pk}", {"name": "first"})

    statuses = [
        administrator.patch(f"{LIST}/{token.pk}", {"name": "second"}, If_Match=etag).status_code,
        administrator.delete(f"{LIST}/{token.pk}", If_Match=etag).status_code,
        administrator.post(f"{LIST}/{token.pk}/block", If_Match=etag).status_code,
    ]

    assert statuses == [412, 412, 412]
    assert Token.objects.get().name == "first"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("user_id={bob}", ["BOB"]),
        ("contract_id=de8aa001234567", ["BOB", "CAR"]),
        ("is_master=true", ["GUARD"]),
        ("q=0815", ["BOB"]),
        ("country_code=FR", ["GUARD"]),
        ("whitelist=NEVER", ["GUARD"]),
    ],
)
def test_tokens_are_filtered_and_searched(
    viewer: Caller, family: Contract, bob: User, query: str, found: list[str]
) -> None:
    tokens.create(uid="BOB", user=bob, contract=family, visual_number="0815")
    tokens.create(uid="CAR", contract=family)
    tokens.create(uid="GUARD", is_master=True, country_code="FR", whitelist="NEVER")

    response = viewer.get(f"{LIST}?{query.format(bob=bob.pk)}")

    assert [row["uid"] for row in response.info["tokens"]] == found


def test_a_group_has_tokens_of_one_contract(administrator: Caller, family: Contract, max_: User) -> None:
    # given a group
    made = administrator.post(GROUPS, {"contract_id": family.contract_id, "group_id": "FAM-1", "name": "All"})
    path = f"{GROUPS}/{made.info['id']}"

    # when tokens are added, one of them without a contract
    card = administrator.post(LIST, {"uid": "CARD", "group_id": "fam-1"})
    foreign = contracts.create(contract_id="OTHER", owner=max_)
    tokens.create(uid="FOREIGN", contract=foreign)
    refused = administrator.patch(f"{LIST}/{Token.objects.get(uid='FOREIGN').pk}", {"group_id": "FAM-1"})

    # then they belong to the contract, and tokens of another contract are refused
    assert (made.status_code, made.info["tokens"]) == (201, [])
    assert card.info["contract_id"] == family.contract_id
    assert (refused.status_code, fields(refused)) == (400, ["group_id"])
    assert administrator.get(f"{GROUPS}/FAM-1").info["tokens"] == [card.info["id"]]
    assert administrator.get(GROUPS).info["token_groups"][0]["tokens"] == [card.info["id"]]

    # and a renamed group keeps its tokens, and a deleted group releases them
    renamed = administrator.patch(path, {"group_id": "FAM-2"})
    assert (renamed.info["group_id"], Token.objects.get(uid="CARD").group_id) == ("FAM-2", "FAM-2")
    assert administrator.delete(path).status_code == 200
    assert Token.objects.get(uid="CARD").group_id == ""
    assert not TokenGroup.objects.exists()


def test_a_group_without_an_id_gets_one_that_1_6_can_carry(administrator: Caller, family: Contract) -> None:
    made = administrator.post(GROUPS, {"contract_id": str(family.pk)})

    assert 1 <= len(made.info["group_id"]) <= 20


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "contract_id"),
        ({"contract_id": "nothing"}, 400, "contract_id"),
        ({"contract_id": "DE8AA001234567", "group_id": "G" * 21}, 400, "group_id"),
        ({"contract_id": "DE8AA001234567", "group_id": " "}, 400, "group_id"),
        ({"contract_id": "DE8AA001234567", "group_id": "A\x07"}, 400, "group_id"),
        ({"contract_id": "DE8AA001234567", "group_id": "taken"}, 409, "group_id"),
        ({"contract_id": "DE8AA001234567", "group_id": "foreign"}, 400, "group_id"),
    ],
)
def test_an_invalid_group_is_refused(
    administrator: Caller, *, family: Contract, max_: User, body: dict[str, str], status: int, field: str
) -> None:
    administrator.post(GROUPS, {"contract_id": "DE8AA001234567", "group_id": "TAKEN"})
    tokens.create(uid="X", contract=contracts.create(contract_id="OTHER", owner=max_), group_id="FOREIGN")

    response = administrator.post(GROUPS, body)

    assert response.status_code == status
    assert fields(response) == [field]


def test_a_group_is_found_by_id_or_group_id_and_sorted(administrator: Caller, family: Contract) -> None:
    for name in ("B", "A"):
        administrator.post(GROUPS, {"contract_id": family.contract_id, "group_id": name})

    listed = administrator.get(f"{GROUPS}?ordering=group_id&contract_id={family.contract_id}")

    assert [one["group_id"] for one in listed.info["token_groups"]] == ["A", "B"]
    assert administrator.get(f"{GROUPS}?q=b").info["count"] == 1
    assert administrator.get(f"{GROUPS}/b").info["group_id"] == "B"
    assert administrator.get(f"{GROUPS}/nothing").status_code == 404


def test_an_unknown_uid_leaves_the_inbox_when_it_is_added(administrator: Caller) -> None:
    from django.utils import timezone

    now = timezone.now()
    UnknownToken.objects.create(uid="NEW", uid_key="new", first_seen_at=now, last_seen_at=now)

    administrator.post(LIST, {"uid": "new"})

    assert not UnknownToken.objects.exists()


@pytest.mark.parametrize(
    ("path", "of_operator"),
    [(LIST, 400), ("/api/v1/users", 400), (GROUPS, 403), ("/api/v1/contracts", 403)],
)
def test_operators_change_tokens_and_people_and_administrators_contracts(
    viewer: Caller, operator: Caller, path: str, of_operator: int
) -> None:
    for caller, status in ((viewer, 403), (operator, of_operator)):
        assert caller.get(path).status_code == 200
        assert caller.post(path, {}).status_code == status
