"""The users of a firmware file: while there is one, the file can't be deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chargepoints.models import Campaign, FirmwareFile

# A sentence with the reason why a firmware is still needed; empty if it is not.
Use = Callable[[FirmwareFile], str]

# The kind of campaigns that install firmware, and the argument that has its number.
KIND: Final = "firmware"
ARGUMENT: Final = "firmware"


def _in_campaigns(firmware: FirmwareFile) -> str:
    campaign = Campaign.objects.open().filter(kind=KIND, **{f"arguments__{ARGUMENT}": firmware.pk}).first()
    return "" if campaign is None else f"The campaign {campaign.name} ({campaign.pk}) is not finished."


_uses: list[Use] = [_in_campaigns]


def register(use: Use) -> None:
    """Add what may use firmware; for `AppConfig.ready`. It uses the database."""
    if use not in _uses:
        _uses.append(use)


def reason(firmware: FirmwareFile) -> str:
    """Why a firmware is still needed; empty if nothing uses it."""
    return next(filter(None, (use(firmware) for use in _uses)), "")
