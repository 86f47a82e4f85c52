from __future__ import annotations

from collections.abc import Iterator

import pytest

from chargepoints.services.campaigns import kinds
from tests.direct.fixtures import engine, run_orm
from tests.unit.chargepoints.campaigns.yard import Yard

__all__ = ["engine", "run_orm"]


@pytest.fixture
def yard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    """The kind, registered for the test alone."""
    made = Yard()
    monkeypatch.setitem(kinds._kinds, "yard", made)
    yield made
