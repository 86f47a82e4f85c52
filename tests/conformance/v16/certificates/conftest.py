"""See the folder of the cases of 2.x."""

from __future__ import annotations

from tests.conformance.v2x.certificates.conftest import contract_id, operators, trusted
from tests.conformance.v2x.certificates.test_contract_certificates import pools

__all__ = ["contract_id", "operators", "pools", "trusted"]
