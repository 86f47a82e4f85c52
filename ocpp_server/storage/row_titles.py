"""The titles of rows that have no name of their own: what it is, of which station, and when."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def titled(words: str, at: datetime) -> str:
    """The words and the time, in the time zone of the pages: "Reset to CP-1, 2026-05-04 12:00"."""
    return f"{words}, {timezone.localtime(at):%Y-%m-%d %H:%M}"
