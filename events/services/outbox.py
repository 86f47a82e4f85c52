"""Implements the engine's port `Outbox`."""

from __future__ import annotations

from events.services import erasing, waking
from events.tables import EVENTS

table = EVENTS
wake = waking.wake
erase = erasing.erase
