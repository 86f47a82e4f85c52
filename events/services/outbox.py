"""What the engine's port `Outbox` asks of this app."""

from __future__ import annotations

from events.services import erasing, waking
from events.tables import EVENTS

table = EVENTS
wake = waking.wake
erase = erasing.erase
