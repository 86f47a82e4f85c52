"""Unknown tokens over REST: list, add, ignore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import ApiKey, Contract, Token, UnknownToken
from accounts.services import api_keys, people
from tests.api.conftest import NOON, Caller

URL = "/api/v1/unknown-tokens"


def unknown(uid: str = "04AABB", **more: Any) -> UnknownToken:
    values: dict[str, Any] = {"last_seen_where": "CP-1", "first_seen_at": NOON, "last_seen_at": NOON}
    return UnknownToken.objects.create(uid=uid, uid_key=uid.lower(), **values | more)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["04AACC", "04AABB"]),
        ("ordering=last_seen_at", ["04AABB", "04AACC"]),
        ("is_ignored=false", ["04AABB"]),
        ("uid=04aacc", ["04AACC"]),
        ("uid=04aa", []),
        ("search=04aa", ["04AACC", "04AABB"]),
        ("q=04AAB", ["04AABB"]),
        ("from=2026-05-04T13:00:00Z", ["04AACC"]),
    ],
)
def test_unknown_tokens_are_filtered(viewer: Caller, query: str, found: list[str]) -> None:
    unknown("04AABB")
    unknown("04AACC", is_ignored=True, last_seen_at=NOON + timedelta(hours=1))

    assert [row["uid"] for row in viewer.get(f"{URL}?{query}").info["unknown_tokens"]] == found


def test_a_token_with_reversed_bytes_is_a_hint(viewer: Caller) -> None:
    token = Token.objects.create(uid="BBAA04")
    row, other = unknown("04AABB"), unknown("04AACC")

    assert viewer.get(f"{URL}/{row.pk}").info["reversed_token_id"] == token.pk
    assert viewer.get(f"{URL}/{other.pk}").info["reversed_token_id"] is None


def test_an_added_token_can_charge_and_is_unknown_no_longer(operator: Caller) -> None:
    row, person = unknown(), people.create(name="Bob")

    answer = operator.post(f"{URL}/{row.pk}/add", {"name": "Bob's card", "user_id": person.pk})

    token = Token.objects.get()
    assert (answer.status_code, answer["Location"]) == (201, f"/api/v1/tokens/{token.pk}")
    assert (answer.info["uid"], answer.info["type"], answer.info["user_id"]) == ("04AABB", "RFID", person.pk)
    assert operator.get(answer["Location"]).info["name"] == "Bob's card"
    assert operator.get(f"{URL}/{row.pk}").status_code == 404


def test_the_type_is_that_of_the_form_unless_it_is_given(operator: Caller) -> None:
    car, app = unknown("VID:AABBCC001122"), unknown("app-1")

    assert operator.post(f"{URL}/{car.pk}/add").info["type"] == "OTHER"
    assert operator.post(f"{URL}/{app.pk}/add", {"type": "APP"}).info["type"] == "APP_USER"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_id": 4711}, "user_id"),
        ({"contract_id": "NONE"}, "contract_id"),
        ({"type": "CARD"}, "type"),
        ({"uid": "X"}, "uid"),
    ],
)
def test_a_bad_field_is_named_and_the_token_stays_unknown(
    operator: Caller, body: dict[str, Any], field: str
) -> None:
    row = unknown()

    answer = operator.post(f"{URL}/{row.pk}/add", body)

    assert (answer.status_code, answer.info["param"]) == (400, field)
    assert UnknownToken.objects.exists() and not Token.objects.exists()


def test_a_token_that_was_added_meanwhile_is_409(operator: Caller) -> None:
    row = unknown()
    Token.objects.create(uid="04aabb")

    assert operator.post(f"{URL}/{row.pk}/add").status_code == 409


def test_a_contract_takes_only_its_members_tokens(operator: Caller) -> None:
    row, person = unknown(), people.create(name="Bob")
    contract = Contract.objects.create(contract_id="C-1")
    body = {"user_id": person.pk, "contract_id": contract.contract_id}

    assert operator.post(f"{URL}/{row.pk}/add", body).status_code in (400, 409, 422)
    assert UnknownToken.objects.exists()


def test_an_ignored_token_stays_listed(operator: Caller, viewer: Caller) -> None:
    row = unknown()

    assert viewer.post(f"{URL}/{row.pk}/ignore").status_code == 403
    assert operator.post(f"{URL}/{row.pk}/ignore").info["is_ignored"] is True
    assert operator.get(f"{URL}?is_ignored=true").info["total"] == 1
    assert viewer.post(f"{URL}/{row.pk}/add").status_code == 403


def test_a_key_without_personal_data_sees_and_searches_no_uid(db: None) -> None:
    _, plain = api_keys.create(name="anonymous", role="viewer", shows_personal_data=False)
    row = unknown()
    caller = Caller(plain)

    assert "04AABB" not in str(caller.get(f"{URL}/{row.pk}").answer)
    assert [caller.get(f"{URL}?{query}").status_code for query in ("uid=04AABB", "search=04")] == [403, 403]


def test_a_caller_that_is_limited_to_sites_may_not_read_them(db: None) -> None:
    key, plain = api_keys.create(name="limited", role="operator")
    ApiKey.objects.filter(pk=key.pk).update(site_ids=[1])

    assert Caller(plain).get(URL).status_code == 403
