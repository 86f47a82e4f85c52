"""Contracts, their members and the transfer of a contract over REST."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Contract, Member, User
from accounts.services import tokens
from tests.unit.accounts.conftest import Caller, fields

LIST = "/api/v1/contracts"


def test_a_contract_is_created_with_every_field(administrator: Caller, alice: User) -> None:
    body = {
        "contract_id": "de*8aa*001234567",
        "name": "Home",
        "type": "family",
        "status": "active",
        "country_code": "DE",
        "party_id": "8AA",
        "issuer": "Acme",
        "owner": alice.pk,
        "valid_from": "2026-01-01T00:00:00.000Z",
        "valid_until": "2027-01-01T00:00:00.000Z",
        "max_members": 4,
        "currency": "EUR",
        "energy_contract": {"supplier_name": "Sun", "contract_id": "S-1"},
        "energy_wh_per_day": 50000,
        "energy_wh_per_month": None,
        "cost_per_day": 12.5,
        "cost_per_month": 100,
    }

    response = administrator.post(LIST, body)

    assert response.status_code == 201
    assert {name: response.info[name] for name in body} == {**body, "contract_id": "DE8AA001234567"}
    assert [(one["user_id"], one["role"], one["status"]) for one in response.info["members"]] == [
        (alice.pk, "owner", "active")
    ]
    assert response["ETag"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"contract_id": None}, "contract_id"),
        ({"contract_id": ""}, "contract_id"),
        ({"contract_id": "   "}, "contract_id"),
        ({"contract_id": "C" * 37}, "contract_id"),
        ({"contract_id": "A\tB"}, "contract_id"),
        ({"owner": 4711}, "owner"),
        ({"owner": "alice"}, "owner"),
        ({"type": "company"}, "type"),
        ({"status": "new"}, "status"),
        ({"country_code": "de"}, "country_code"),
        ({"country_code": "DEU"}, "country_code"),
        ({"party_id": "8A"}, "party_id"),
        ({"currency": "€"}, "currency"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"}, "valid_until"),
        ({"max_members": 0}, "max_members"),
        ({"max_members": True}, "max_members"),
        ({"energy_contract": "Sun"}, "energy_contract"),
        ({"energy_contract": {}}, "energy_contract.supplier_name"),
        ({"energy_wh_per_day": -1}, "energy_wh_per_day"),
        ({"energy_wh_per_day": 1.5}, "energy_wh_per_day"),
        ({"cost_per_month": -0.5}, "cost_per_month"),
        ({"cost_per_month": "NaN"}, "cost_per_month"),
        ({"members": []}, "members"),
    ],
)
def test_bad_input_names_its_field(
    administrator: Caller, alice: User, change: dict[str, Any], field: str
) -> None:
    response = administrator.post(LIST, {"contract_id": "C-1", "owner": alice.pk, **change})

    assert response.status_code == 400
    assert fields(response) == [field]
    assert not Contract.objects.exists()


@pytest.mark.parametrize("text", ["Company 17", "ÄÖÜ-ß", "日本", "CUSTOMER0000017", "FLEET0000012", "a/b?c"])
def test_any_printable_text_is_a_contract_id(administrator: Caller, alice: User, text: str) -> None:
    response = administrator.post(LIST, {"contract_id": text, "owner": alice.pk})

    assert (response.status_code, response.info["contract_id"]) == (201, text)


@pytest.mark.parametrize(
    "same", ["DE8AA001234567", "de8aa0012345670", "DE-8AA-001234567", "DE*8AA*001234567*0"]
)
def test_two_spellings_of_one_contract_id_are_409(
    administrator: Caller, family: Contract, bob: User, same: str
) -> None:
    response = administrator.post(LIST, {"contract_id": same, "owner": bob.pk})

    assert response.status_code == 409
    assert fields(response) == ["contract_id"]


def test_the_path_takes_the_id_or_the_contract_id(administrator: Caller, family: Contract, bob: User) -> None:
    # given a contract whose contract id is the number of another contract
    administrator.post(LIST, {"contract_id": str(family.pk), "owner": bob.pk})

    # when each is requested
    found = [
        administrator.get(f"{LIST}/{name}").info["id"]
        for name in (family.pk, "de-8aa-001234567-0", "DE8AA001234567")
    ]

    # then the number of a row takes precedence
    assert found == [family.pk] * 3
    assert administrator.get(f"{LIST}/nothing").status_code == 404


def test_a_contract_is_changed_and_never_deleted(administrator: Caller, family: Contract) -> None:
    path = f"{LIST}/{family.pk}"

    changed = administrator.patch(path, {"name": "House", "valid_until": "2030-01-01T00:00:00Z"})
    before = administrator.patch(path, {"valid_from": "2031-01-01T00:00:00Z"})
    deleted = administrator.delete(path)

    assert (changed.status_code, changed.info["name"]) == (200, "House")
    assert (before.status_code, fields(before)) == (400, ["valid_until"])
    assert (deleted.status_code, deleted.info["status"]) == (200, "terminated")
    assert administrator.get(path).info["status"] == "terminated"


def test_a_change_of_members_is_a_change_of_the_contract(
    administrator: Caller, family: Contract, max_: User
) -> None:
    path = f"{LIST}/{family.pk}"
    etag = administrator.get(path)["ETag"]
    administrator.post(f"{path}/members", {"user_id": max_.pk})

    assert administrator.patch(path, {"name": "Late"}, If_Match=etag).status_code == 412


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=8aa", ["DE8AA0012345670"]),
        ("q=fleet", ["Fleet 7"]),
        ("type=fleet", ["Fleet 7"]),
        ("status=suspended", ["Fleet 7"]),
        ("contract_id=de-8aa-001234567", ["DE8AA0012345670"]),
        ("ordering=-contract_id", ["Fleet 7", "DE8AA0012345670"]),
        ("country_code=FR", ["Fleet 7"]),
        ("owner={alice}", ["DE8AA0012345670"]),
        ("owner={bob}", ["Fleet 7"]),
        ("user_id={bob}", ["DE8AA0012345670", "Fleet 7"]),
    ],
)
def test_contracts_are_filtered_searched_and_sorted(
    administrator: Caller, *, family: Contract, alice: User, bob: User, query: str, found: list[str]
) -> None:
    body = {"contract_id": "Fleet 7", "owner": bob.pk, "type": "fleet", "country_code": "FR"}
    administrator.post(LIST, {**body, "status": "suspended"})

    response = administrator.get(f"{LIST}?{query.format(alice=alice.pk, bob=bob.pk)}")

    assert [row["contract_id"] for row in response.info["contracts"]] == found


def test_members_are_added_changed_and_removed(administrator: Caller, family: Contract, max_: User) -> None:
    path = f"{LIST}/{family.contract_id}/members"

    invited = administrator.post(path, {"user_id": max_.pk, "status": "invited"})
    active = administrator.patch(f"{path}/{max_.pk}", {"status": "active"})
    card = tokens.create(uid="MAX", user=max_, contract=family)
    demoted = administrator.patch(f"{path}/{max_.pk}", {"role": "viewer"})
    gone = administrator.delete(f"{path}/{max_.pk}")

    assert (invited.status_code, invited.info["status"], invited.info["role"]) == (201, "invited", "member")
    assert (active.info["status"], demoted.info["role"]) == ("active", "viewer")
    assert gone.info["status"] == "removed"
    card.refresh_from_db()
    assert not card.valid
    assert administrator.get(path).info["count"] == 4


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "user_id"),
        ({"user_id": 4711}, 400, "user_id"),
        ({"user_id": "bob"}, 400, "user_id"),
        ({"user_id": "{max}", "role": "boss"}, 400, "role"),
        ({"user_id": "{max}", "status": "removed"}, 400, "status"),
        ({"user_id": "{max}", "role": "owner"}, 409, "role"),
        ({"user_id": "{bob}"}, 409, "user_id"),
    ],
)
def test_a_refused_member_gets_the_reason(
    administrator: Caller,
    *,
    family: Contract,
    bob: User,
    max_: User,
    body: dict[str, Any],
    status: int,
    field: str,
) -> None:
    people = {"{max}": max_.pk, "{bob}": bob.pk}
    body = {name: people.get(value, value) for name, value in body.items()}

    response = administrator.post(f"{LIST}/{family.pk}/members", body)

    assert response.status_code == status
    assert fields(response) == [field]


@pytest.mark.parametrize("change", [{"role": "member"}, {"role": "viewer"}, {"status": "removed"}])
def test_an_owner_transfers_the_contract_before_another_change(
    administrator: Caller, family: Contract, alice: User, change: dict[str, str]
) -> None:
    path = f"{LIST}/{family.pk}/members/{alice.pk}"

    changed, deleted = administrator.patch(path, change), administrator.delete(path)

    assert (changed.status_code, fields(changed)) == (409, list(change))
    assert deleted.status_code == 409


def test_a_contract_is_transferred_once(
    administrator: Caller, family: Contract, alice: User, bob: User
) -> None:
    path = f"{LIST}/{family.pk}/transfer"
    etag = administrator.get(f"{LIST}/{family.pk}")["ETag"]

    done = administrator.post(path, {"user_id": bob.pk}, If_Match=etag)
    again = administrator.post(path, {"user_id": bob.pk})
    late = administrator.post(path, {"user_id": alice.pk}, If_Match=etag)

    assert (done.status_code, done.info["owner"]) == (200, bob.pk)
    assert (again.status_code, late.status_code) == (409, 412)
    assert Member.objects.get(user=alice).role == "member"


def test_an_unknown_member_is_404(administrator: Caller, family: Contract, max_: User) -> None:
    path = f"{LIST}/{family.pk}/members"

    assert administrator.get(f"{path}/{max_.pk}").status_code == 404
    assert administrator.get(f"{path}/abc").status_code == 400
    assert administrator.get(f"{LIST}/none/members").status_code == 404


@pytest.mark.parametrize("wrong", ["DE8AA0012345679", "de-8aa-001234567-9", "DE*8AA*001234567*9"])
def test_a_wrong_check_character_is_named(
    administrator: Caller, alice: User, family: Contract, wrong: str
) -> None:
    made = administrator.post(LIST, {"contract_id": wrong, "owner": alice.pk})
    changed = administrator.patch(f"{LIST}/{family.pk}", {"contract_id": wrong})

    for response in (made, changed):
        assert response.status_code == 400
        assert fields(response) == ["contract_id"]
        assert "must be 0, not 9" in response.json()["message"]


def test_an_emaid_fills_in_its_parts(administrator: Caller, alice: User) -> None:
    made = administrator.post(LIST, {"contract_id": "fr-xyz-123456789", "owner": alice.pk})
    given = administrator.post(
        LIST, {"contract_id": "NLTNMC00122045K", "owner": alice.pk, "country_code": "DE", "party_id": "ABC"}
    )
    moved = administrator.patch(f"{LIST}/{made.info['id']}", {"contract_id": "PT73902837ABCZ"})
    text = administrator.patch(f"{LIST}/{made.info['id']}", {"contract_id": "Fleet 7"})

    assert (made.info["country_code"], made.info["party_id"]) == ("FR", "XYZ")
    assert made.info["emaid"] == {
        "country_code": "FR", "party_id": "XYZ", "instance": "123456789", "check_character": "2"
    }  # fmt: skip
    assert (given.info["country_code"], given.info["party_id"]) == ("DE", "ABC")
    assert (moved.info["country_code"], moved.info["party_id"]) == ("PT", "739")
    assert text.info["emaid"] is None and text.info["country_code"] == "PT"
