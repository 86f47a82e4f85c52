"""A station, and a person with a token."""

from __future__ import annotations

import pytest

from accounts.models import User
from chargepoints.models import ChargePoint
from tests.direct.accounts import a_person, a_token
from tests.unit.transactions.authorization.personal_data.sessions import UID


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


@pytest.fixture
def alice(db: None) -> User:
    alice = a_person("Alice Example", email="alice@example.com", phone="+43 1 234", language="de")
    a_token(UID, user=alice, name="Alice's card", visual_number="NO-4711")
    return alice
