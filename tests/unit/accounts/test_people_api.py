"""Users over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Contract, User
from accounts.services import tokens
from tests.unit.accounts.conftest import Caller, fields

LIST = "/api/v1/users"


def test_a_user_is_created_without_a_password(administrator: Caller) -> None:
    body = {"name": "Dora", "email": "Dora@Example.com", "phone": "+49 30 1234-5", "language": "de"}

    response = administrator.post(LIST, body)

    assert response.status_code == 201
    assert {name: response.info[name] for name in (*body, "status")} == {**body, "status": "active"}
    user = User.objects.get(pk=response.info["id"])
    assert not user.has_usable_password()
    assert not user.is_staff


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 5}, "name"),
        ({"name": "N" * 151}, "name"),
        ({"name": "A\nB"}, "name"),
        ({"name": "A", "email": "nobody"}, "email"),
        ({"name": "A", "phone": "call me"}, "phone"),
        ({"name": "A", "language": "DE"}, "language"),
        ({"name": "A", "language": "de\n"}, "language"),
        ({"name": "A", "status": "gone"}, "status"),
        ({"name": "A", "role": "administrator"}, "role"),
        ({"name": "A", "is_superuser": True}, "is_superuser"),
        ({"name": "A", "password": "x"}, "password"),
    ],
)
def test_bad_input_names_its_field(administrator: Caller, body: dict[str, Any], field: str) -> None:
    response = administrator.post(LIST, body)

    assert response.status_code == 400
    assert fields(response) == [field]


def test_an_email_belongs_to_one_user_regardless_of_its_case(
    administrator: Caller, alice: User, bob: User
) -> None:
    new = administrator.post(LIST, {"name": "Second", "email": "ALICE@example.com"})
    changed = administrator.patch(f"{LIST}/{bob.pk}", {"email": "Alice@Example.com"})
    without = [administrator.post(LIST, {"name": "Nobody"}).status_code for _ in range(2)]

    assert (new.status_code, changed.status_code, without) == (409, 409, [201, 201])
    assert fields(new) == fields(changed) == ["email"]


def test_operators_are_managed_in_the_admin_only(administrator: Caller) -> None:
    root = User.objects.create_superuser("root", password="x")

    assert administrator.get(LIST).info["total"] == 0
    assert administrator.get(f"{LIST}/{root.pk}").status_code == 404
    assert administrator.patch(f"{LIST}/{root.pk}", {"status": "closed"}).status_code == 404


def test_an_owner_of_an_active_contract_is_not_closed(
    administrator: Caller, alice: User, family: Contract
) -> None:
    path = f"{LIST}/{alice.pk}"
    refused = [administrator.delete(path), administrator.patch(path, {"status": "closed"})]
    administrator.delete(f"/api/v1/contracts/{family.pk}")
    closed = administrator.delete(path)

    assert [response.status_code for response in refused] == [422, 422]
    assert fields(refused[0]) == ["status"]
    assert (closed.status_code, closed.info["status"]) == (200, "closed")
    assert administrator.get(path).info["status"] == "closed"


def test_if_match_refuses_a_change_of_an_older_state(administrator: Caller, alice: User) -> None:
    path = f"{LIST}/{alice.pk}"
    etag = administrator.get(path)["ETag"]

    first = administrator.patch(path, {"name": "Alice A."}, If_Match=etag)
    second = administrator.patch(path, {"name": "Alice B."}, If_Match=etag)
    fresh = administrator.patch(path, {"name": "Alice C."}, If_Match=f'"other", {first["ETag"]}')
    weak = administrator.patch(path, {"name": "Alice D."}, If_Match=f"W/{fresh['ETag']}")
    any_state = administrator.delete(path, If_Match="*")

    statuses = [one.status_code for one in (first, second, fresh, weak, any_state)]
    assert statuses == [200, 412, 200, 412, 200]
    assert User.objects.get(pk=alice.pk).name == "Alice C."


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ali", ["Alice"]),
        ("q=EXAMPLE.com", ["Alice", "Bob"]),
        ("search=555", ["Vera"]),
        ("email=BOB@example.com", ["Bob"]),
        ("status=suspended", ["Vera"]),
        ("ordering=-name", ["Vera", "Bob", "Alice"]),
        ("limit=1&offset=1", ["Bob"]),
        ("offset=99", []),
    ],
)
def test_people_are_filtered_searched_and_sorted(
    administrator: Caller, *, alice: User, bob: User, vera: User, query: str, names: list[str]
) -> None:
    administrator.patch(f"{LIST}/{vera.pk}", {"status": "suspended", "phone": "+1 555 123"})

    response = administrator.get(f"{LIST}?{query}")

    assert [row["name"] for row in response.info["users"]] == names
    assert response.info["count"] == len(names)


def test_people_are_found_by_their_last_change(viewer: Caller, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(updated_at=timezone.now() - timedelta(days=2))
    moment = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    newer = viewer.get(f"{LIST}?updated_from={moment}").info["users"]
    older = viewer.get(f"{LIST}?updated_to={moment}").info["users"]

    assert [[one["name"] for one in rows] for rows in (newer, older)] == [["Bob"], ["Alice"]]


@pytest.mark.parametrize(
    "query", ["ordering=password", "limit=0", "limit=201", "username=root", "q=" + "x" * 101]
)
def test_an_unknown_parameter_of_the_list_is_refused(viewer: Caller, query: str) -> None:
    assert viewer.get(f"{LIST}?{query}").status_code == 400


def test_the_contracts_and_tokens_of_a_user(
    viewer: Caller, family: Contract, bob: User, vera: User, max_: User
) -> None:
    tokens.create(uid="BOB", user=bob, contract=family)

    assert viewer.get(f"{LIST}/{bob.pk}/contracts").info["contracts"][0]["id"] == family.pk
    assert viewer.get(f"{LIST}/{max_.pk}/contracts").info["contracts"] == []
    assert [one["uid"] for one in viewer.get(f"{LIST}/{bob.pk}/tokens").info["tokens"]] == ["BOB"]
    assert viewer.get(f"{LIST}/{vera.pk}/tokens").info["total"] == 0


@pytest.mark.parametrize(("number", "status"), [("abc", 400), ("0", 400), ("9" * 30, 400), ("4711", 404)])
@pytest.mark.parametrize("below", ["", "/contracts", "/tokens"])
def test_a_bad_number_is_400_and_an_unknown_one_404(
    viewer: Caller, number: str, status: int, below: str
) -> None:
    assert viewer.get(f"{LIST}/{number}{below}").status_code == status


def test_a_user_with_erased_data_is_not_changed(administrator: Caller, alice: User) -> None:
    User.objects.update(erased_at=timezone.now())

    assert administrator.patch(f"{LIST}/{alice.pk}", {"name": "Alice"}).status_code == 409
