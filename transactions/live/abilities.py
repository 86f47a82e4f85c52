"""Reports of 2.x stations about themselves that sessions need. They are read when they are needed: few
sessions do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from ocpp_server.live.extensions import Slot


class Abilities(msgspec.Struct):
    """The limits that the station supports (2.1 TxCtrlr.SupportedLimits), and whether it swaps batteries.

    None and False: as of the last look, at `limits_read_at` and `swapping_read_at`.
    """

    limits: frozenset[str] = frozenset()
    limits_read_at: datetime | None = None
    swaps_batteries: bool = False
    swapping_read_at: datetime | None = None


ABILITIES: Final = Slot(name="abilities", empty=Abilities)
