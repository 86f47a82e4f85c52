"""The versions that share the cases of 2.0.1."""

from __future__ import annotations

import pytest

from tests.conformance.peer import V21, V201


@pytest.fixture(params=[V201, V21])
def version(request):
    return request.param
