"""If-None-Match: a caller with the current state gets 304 without a body (RFC 9110 section 13.1.2)."""

from __future__ import annotations

import pytest

from accounts.models import Contract, Token, TokenGroup, User
from chargepoints.models import ChargePoint, Site
from tests.api.conftest import Caller
from transactions.models import AccessRule


@pytest.fixture
def tagged(garage: ChargePoint) -> list[str]:
    """One address of every resource with an ETag."""
    person = User.objects.create_user("ann", name="Ann")
    contract = Contract.objects.create(contract_id="C1", name="C", type="individual")
    token = Token.objects.create(uid="A1", user=person)
    group = TokenGroup.objects.create(contract=contract, group_id="G1")
    site = Site.objects.create(name="Depot")
    rule = AccessRule.objects.create(token=token, site=site)
    return [
        f"users/{person.pk}",
        f"contracts/{contract.pk}",
        f"tokens/{token.pk}",
        "tokens/by-uid/A1",
        f"token-groups/{group.pk}",
        f"sites/{site.pk}",
        f"access-rules/{rule.pk}",
    ]


def test_the_same_state_is_304_without_a_body(viewer: Caller, tagged: list[str]) -> None:
    for part in tagged:
        path = f"/api/v1/{part}"
        etag = viewer.get(path)["ETag"]

        again = viewer.request("GET", path, If_None_Match=etag)

        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag), path


@pytest.mark.parametrize("header", ["W/{}", '"other", {}', "*"])
def test_weak_tags_lists_and_the_star_match(viewer: Caller, tagged: list[str], header: str) -> None:
    path = f"/api/v1/{tagged[2]}"
    etag = viewer.get(path)["ETag"]

    assert viewer.request("GET", path, If_None_Match=header.format(etag)).status_code == 304


def test_a_changed_state_is_sent_whole(administrator: Caller, tagged: list[str]) -> None:
    path = f"/api/v1/{tagged[2]}"
    etag = administrator.get(path)["ETag"]
    administrator.patch(path, {"name": "Ann's card"})

    fresh = administrator.get(path, If_None_Match=etag)

    assert (fresh.status_code, fresh.info["name"]) == (200, "Ann's card")
    assert fresh["ETag"] != etag


def test_a_change_ignores_if_none_match(administrator: Caller, tagged: list[str]) -> None:
    path = f"/api/v1/{tagged[2]}"

    done = administrator.patch(path, {"name": "new"}, If_None_Match="*")

    assert (done.status_code, done.info["name"]) == (200, "new")


def test_lists_and_refusals_have_no_tag(viewer: Caller, tagged: list[str]) -> None:
    assert viewer.get("/api/v1/tokens", If_None_Match="*").status_code == 200
    assert viewer.get("/api/v1/tokens/999999", If_None_Match="*").status_code == 404
