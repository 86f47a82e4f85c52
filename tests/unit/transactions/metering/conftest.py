"""Fixtures of the tests of stored readings."""

from __future__ import annotations

import pytest

from chargepoints.models import ChargePoint
from tests.unit.transactions.metering.stored_readings import a_session
from transactions.models import Transaction


@pytest.fixture
def session(db: None) -> Transaction:
    """A stored session of a stored station; it has the number 1000, its station 1."""
    return a_session(ChargePoint.objects.create(pk=1, identity="CP-1"))
