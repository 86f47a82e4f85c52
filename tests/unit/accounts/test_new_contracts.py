"""The first refusals of a new contract: its owner and its period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Contract, User
from accounts.services import contracts
from ocpp_server.domain import Invalid

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "period", "field"),
    [
        ("closed", {}, "owner"),
        ("active", {"valid_from": NOON, "valid_until": NOON}, "valid_until"),
        ("active", {"valid_from": NOON, "valid_until": NOON - timedelta(days=1)}, "valid_until"),
    ],
)
def test_a_contract_needs_an_open_owner_and_a_period_that_ends_after_it_begins(
    status: str, period: dict[str, Any], field: str
) -> None:
    owner = User.objects.create(username="owner", status=status)

    with pytest.raises(Invalid) as refused:
        contracts.create(contract_id="C-1", owner=owner, **period)

    assert refused.value.field == field
    assert not Contract.objects.exists()
