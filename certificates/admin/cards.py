"""The dashboard's number of certificates that end soon."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from certificates.services.certificates import expiry
from ocpp_server.admin import cards, cells, tones
from ocpp_server.admin.cards import Cards


def draw(now: datetime, user: Any) -> Cards:
    count = expiry.soon(now)
    shown = cells.label(f"{count:,}", tones.WARNING) if count else cells.text(0)
    return Cards(values={"expiring_certificates": shown})


cards.register("certificates", draw)
