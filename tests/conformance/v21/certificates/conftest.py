"""See the folder of the cases that 2.0.1 has too."""

from __future__ import annotations

from tests.conformance.v2x.certificates.conftest import contract_id, operators, trusted

__all__ = ["contract_id", "operators", "trusted"]
