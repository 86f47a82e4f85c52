"""The rule of reserved places: which starts a reservation refuses (1.6 5.13, 2.0.1 H01, H03).

A refusal needs certainty, because a wrong one costs a session: only a reservation that the station has
accepted counts, until its expiry, and one of any EVSE only when no other EVSE is left for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint, Connector
from ocpp_server.live.records import TokenRecord
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place, Verdict
from transactions.live.reservations import RESERVATIONS, Held, held_of
from transactions.models import Reservation
from transactions.services.authorization.access import Refused

_OUT: Final = (Connector.Status.FAULTED.value, Connector.Status.UNAVAILABLE.value)


def refuse(
    station: Station, token_key: str, group_id: str, place: Place | None, at: datetime
) -> Refused | None:
    """The refusal of a start at this place and moment; None when no reservation is in its way."""
    held = RESERVATIONS.of(station).held
    if not held or place is None or not place.evse:
        return None
    return refused_by(
        [one for one in held if one.holds_at(at)], token_key, group_id, place.evse, _usable(station)
    )


def refuse_now(
    record: TokenRecord, now: datetime, charge_point: ChargePoint | None, evse: int | None
) -> Refused | None:
    """The same rule on the database, for a remote start to an EVSE."""
    if charge_point is None or evse is None:
        return None
    accepted = Reservation.objects.filter(charge_point=charge_point, state=Reservation.State.ACCEPTED)
    held = [held_of(row) for row in accepted.filter(expires_at__gt=now)]
    return refused_by(held, normalise_uid(record.uid), record.group_id, evse, None)


def refused_by(
    held: Sequence[Held], token_key: str, group_id: str, evse: int, usable: Collection[int] | None
) -> Refused | None:
    """The same for reservations that hold now. `usable` are the free EVSEs, None when they are not known."""
    if any(one.admits(token_key, group_id) for one in held if one.evse in (None, evse)):
        return None
    if any(one.evse == evse for one in held):
        return Refused(Verdict.WRONG_PLACE, "The EVSE is reserved for another token.")
    anywhere = sum(one.evse is None for one in held)
    if not anywhere or usable is None or evse not in usable:
        return None
    left = set(usable) - {evse} - {one.evse for one in held}
    if len(left) >= anywhere:
        return None
    return Refused(Verdict.WRONG_PLACE, "The last free EVSE is reserved for another token.")


def _usable(station: Station) -> set[int] | None:
    """The EVSEs in service without a running session. None unless the station has reported all that the
    server knows.
    """
    connectors = station.connectors.values()
    if any(connector.reported_at is None for connector in connectors):
        return None
    busy = {one.evse for one in station.transactions.values() if one.is_active}
    return {one.evse for one in connectors if one.status not in _OUT} - busy
