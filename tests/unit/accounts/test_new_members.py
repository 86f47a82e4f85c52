"""The rules of a new member: no second owner, no closed user, and one membership in each contract."""

from __future__ import annotations

import pytest

from accounts.models import Contract, Member, User
from accounts.services import membership
from ocpp_server.domain import Conflict, Invalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Contract:
    return Contract.objects.create(contract_id="C-1")


@pytest.mark.parametrize(
    ("status", "role", "kind", "field"),
    [("active", "owner", Conflict, "role"), ("closed", "member", Invalid, "user_id")],
)
def test_neither_a_second_owner_nor_a_closed_user_is_added(
    home: Contract, status: str, role: str, kind: type[Exception], field: str
) -> None:
    user = User.objects.create(username="new", status=status)

    with pytest.raises((Conflict, Invalid)) as refused:
        membership.add(home, user=user, role=role)

    assert (type(refused.value), refused.value.field) == (kind, field)
    assert not Member.objects.exists()


def test_a_member_of_another_contract_is_added(home: Contract) -> None:
    user = User.objects.create(username="new")
    other = Contract.objects.create(contract_id="C-2")
    first = membership.add(other, user=user)

    second = membership.add(home, user=user)

    assert (first.pk != second.pk, second.contract) == (True, home)
    assert Member.objects.count() == 2
