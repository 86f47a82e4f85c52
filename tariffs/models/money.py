"""Columns for money: decimal numbers, never floats."""

from __future__ import annotations

from typing import Any

from django.db import models

DIGITS, PLACES = 18, 6


def amount(name: Any = None, *, help_text: Any = "") -> models.DecimalField[Any, Any]:
    """A column for an amount in a currency; null where it is not known."""
    return models.DecimalField(name, max_digits=DIGITS, decimal_places=PLACES, null=True, help_text=help_text)
