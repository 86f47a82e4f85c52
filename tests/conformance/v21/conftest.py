"""The cases that only 2.1 has."""

from __future__ import annotations

import pytest

from tests.conformance.peer import V21


@pytest.fixture
def version() -> str:
    return V21
