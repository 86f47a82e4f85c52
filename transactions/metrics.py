"""Charging sessions of the whole fleet, for Prometheus."""

from __future__ import annotations

from typing import Final

from ocpp_server.observability.fleet import Family, Figures, Part
from transactions.models import Transaction


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    return {"active": [((), Transaction.objects.active().count())]}


FLEET: Final = Part(
    figures, (Family("active", "ocpp_transactions_active", "Charging sessions running now."),)
)
