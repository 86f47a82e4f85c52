"""A station for commands; the journal runs at once."""

from __future__ import annotations

from tests.unit.transactions.commands.conftest import charger, orm

__all__ = ["charger", "orm"]
