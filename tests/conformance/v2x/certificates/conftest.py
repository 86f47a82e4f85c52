"""A mobility operator whose root the server trusts, and its OCSP responder over real HTTP."""

from __future__ import annotations

import pytest

from tests.conformance.contracts import Operators, fresh_emaid, trust


@pytest.fixture(scope="module")
def trusted(server, web) -> Operators:
    operators = Operators(web)
    trust(server, "mo", operators.root.certificate)
    return operators


@pytest.fixture
def operators(trusted, web) -> Operators:
    """The mobility operator; its responder says that every certificate is good."""
    trusted.says.known.clear()
    web.answer = trusted.says
    web.requests.clear()
    return trusted


@pytest.fixture
async def contract_id(operator) -> str:
    """The contract id of a token that may charge."""
    found = fresh_emaid()
    await operator.add_token(found, type="EMAID")
    return found
