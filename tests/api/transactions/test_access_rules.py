"""Access rules over REST: they allow or refuse a token, group or contract at a station or site."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Contract, Token, TokenGroup
from chargepoints.models import ChargePoint, Site
from tests.api.conftest import Caller
from transactions.models import AccessRule

RULES = "/api/v1/access-rules"


@pytest.fixture
def token(db: None) -> Token:
    return Token.objects.create(uid="04A2B3C4")


@pytest.fixture
def contract(db: None) -> Contract:
    return Contract.objects.create(contract_id="FLEET-1", name="Fleet", type="fleet")


@pytest.fixture
def group(contract: Contract) -> TokenGroup:
    return TokenGroup.objects.create(contract=contract, group_id="DRIVERS")


@pytest.fixture
def depot(db: None) -> Site:
    return Site.objects.create(name="Depot")


@pytest.fixture
def named(
    token: Token, group: TokenGroup, contract: Contract, garage: ChargePoint, depot: Site
) -> dict[str, Any]:
    return {
        "token_id": token.pk,
        "group_id": "drivers",
        "contract_id": "fleet-1",
        "charge_point_id": "garage 1",
        "site_id": depot.pk,
    }


@pytest.fixture
def three(token: Token, group: TokenGroup, garage: ChargePoint, depot: Site) -> dict[str, int]:
    AccessRule.objects.create(token=token, charge_point=garage, note="for the token")
    AccessRule.objects.create(group=group, site=depot, note="for the group")
    AccessRule.objects.create(contract=group.contract, site=depot, effect="refuse", note="for the contract")
    return {"token": token.pk, "site": depot.pk}


@pytest.mark.parametrize("subject", ["token_id", "group_id", "contract_id"])
@pytest.mark.parametrize("place", ["charge_point_id", "site_id"])
def test_a_rule_names_one_subject_and_one_place(
    administrator: Caller, named: dict[str, Any], subject: str, place: str
) -> None:
    wanted = {subject: named[subject], place: named[place]}

    made = administrator.post(RULES, {**wanted, "effect": "refuse", "note": "Private"})

    assert made.status_code == 201
    shown = administrator.get(f"{RULES}/{made.info['id']}").info
    assert shown == made.info
    assert {name for name in named if shown[name] is not None} == {subject, place}
    assert (shown["effect"], shown["note"]) == ("refuse", "Private")
    again = administrator.post(RULES, wanted)
    assert again.status_code == 409


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("token_id",),
        ("site_id",),
        ("token_id", "group_id", "site_id"),
        ("token_id", "charge_point_id", "site_id"),
    ],
)
def test_more_or_less_than_one_subject_and_place_is_400(
    administrator: Caller, named: dict[str, Any], names: tuple[str, ...]
) -> None:
    response = administrator.post(RULES, {name: named[name] for name in names})

    assert response.status_code == 400
    assert not AccessRule.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_id", 999),
        ("group_id", "NONE"),
        ("contract_id", "NONE"),
        ("charge_point_id", "NONE"),
        ("charge_point_id", "\0"),
        ("site_id", 999),
        ("effect", "maybe"),
    ],
)
def test_an_unknown_subject_or_place_is_400_with_its_field(
    administrator: Caller, named: dict[str, Any], field: str, value: object
) -> None:
    subject = field if field in ("group_id", "contract_id") else "token_id"
    place = "site_id" if field == "site_id" else "charge_point_id"
    body = {subject: named[subject], place: named[place], field: value}

    response = administrator.post(RULES, body)

    assert response.status_code == 400
    assert field in ("charge_point_id",) or response.info["errors"][0]["field"] == field


def test_a_rule_applies_at_once(administrator: Caller, token: Token, garage: ChargePoint) -> None:
    ask = {"id_tag": token.uid, "charge_point_id": "GARAGE 1"}
    before = administrator.post("/api/v1/authorize", ask).info["status"]

    rule = administrator.post(
        RULES, {"token_id": token.pk, "charge_point_id": "GARAGE 1", "effect": "refuse"}
    ).info
    refused = administrator.post("/api/v1/authorize", ask).info["status"]
    administrator.patch(f"{RULES}/{rule['id']}", {"effect": "allow"})
    allowed = administrator.post("/api/v1/authorize", ask).info["status"]
    administrator.patch(f"{RULES}/{rule['id']}", {"effect": "refuse"})
    administrator.delete(f"{RULES}/{rule['id']}")
    after = administrator.post("/api/v1/authorize", ask).info["status"]

    assert (before, refused, allowed, after) == ("Accepted", "Invalid", "Accepted", "Accepted")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["for the token", "for the group", "for the contract"]),
        ("token_id={token}", ["for the token"]),
        ("group_id=DRIVERS", ["for the group"]),
        ("contract_id=FLEET-1", ["for the contract"]),
        ("site_id={site}", ["for the group", "for the contract"]),
        ("charge_point_id=GARAGE%201", ["for the token"]),
        ("effect=refuse", ["for the contract"]),
        ("q=group", ["for the group"]),
        ("token_id=999999", []),
        ("ordering=-id&limit=1", ["for the contract"]),
    ],
)
def test_the_list_is_filtered_and_ordered(
    viewer: Caller, three: dict[str, int], query: str, found: list[str]
) -> None:
    response = viewer.get(f"{RULES}?{query.format(**three)}")

    assert response.status_code == 200
    assert [row["note"] for row in response.info["access_rules"]] == found


def test_a_change_of_an_old_state_is_refused(administrator: Caller, token: Token, depot: Site) -> None:
    rule = AccessRule.objects.create(token=token, site=depot)
    path = f"{RULES}/{rule.pk}"
    etag = administrator.get(path)["ETag"]
    administrator.patch(path, {"note": "first"}, If_Match=etag)

    assert administrator.patch(path, {"note": "second"}, If_Match=etag).status_code == 412
    assert administrator.delete(path, If_Match=etag).status_code == 412
    assert administrator.patch(path, {"token_id": 1}).status_code == 400


def test_viewers_and_operators_read_only(viewer: Caller, operator: Caller, token: Token, depot: Site) -> None:
    path = f"{RULES}/{AccessRule.objects.create(token=token, site=depot).pk}"

    for caller in (viewer, operator):
        assert caller.get(path).status_code == 200
        assert caller.post(RULES, {}).status_code == 403
        assert caller.patch(path, {}).status_code == 403
        assert caller.delete(path).status_code == 403
