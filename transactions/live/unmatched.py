"""What a station has sent about transactions that it does not have."""

from __future__ import annotations

import msgspec

from ocpp_server.live.extensions import ByKey, Slot
from transactions.models import QuarantinedMessage


class Orphans(msgspec.Struct):
    """The number of StopTransactions that were received before their StartTransaction."""

    count: int = 0


def load_orphans(by_pk: ByKey) -> None:
    """Count the stored stops that wait for their starts."""
    for pk in QuarantinedMessage.objects.waiting_stops(*by_pk).values_list("charge_point_id", flat=True):
        for station in by_pk[pk]:
            ORPHANS.of(station).count += 1


ORPHANS = Slot(name="orphans", empty=Orphans, load=load_orphans)
# Transaction numbers that a station sent and does not have, so that each is looked up only once.
UNKNOWN_NUMBERS = Slot(name="unknown_numbers", empty=set[int])
