"""Tokens that are payments (2.1 DirectPayment): accepted where this server has sent their remote start."""

from __future__ import annotations

from typing import Final, NamedTuple

from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken
from ocpp_server.storage.journal import journal
from transactions.models import RemoteStart, RequestedStart

DIRECT_PAYMENT: Final = "DirectPayment"
_ACCEPTED: Final = "Accepted"


class Payment(NamedTuple):
    """A payment for which this server has sent a remote start. `limits` are those of its session; it is not
    open where the station has refused the start, where it was used or cancelled, and at other stations.
    """

    limits: dict[str, float]
    is_open: bool = True


async def find(station: Station, token: IdToken, *, is_start: bool) -> Payment | None:
    """The payment that is the token; None where this server has sent no remote start with it.

    A payment that owns a session here is accepted for anything but a start.
    """
    if token.type != DIRECT_PAYMENT or not token.value:
        return None
    if not is_start and _owns_session(station, token):
        return Payment({})
    return await journal.run(_sent, station.pk, token.value[:255])


def _owns_session(station: Station, token: IdToken) -> bool:
    return any(
        session.id_token == token.value
        and session.id_token_type == DIRECT_PAYMENT
        and session.authorization_status == _ACCEPTED
        for session in station.transactions.values()
    )


def _sent(charge_point_pk: int, payment: str) -> Payment | None:
    sent = RemoteStart.objects.filter(
        charge_point=charge_point_pk, id_token=payment, id_token_type=DIRECT_PAYMENT
    )
    answered = {start.command_id: start for start in sent}
    noted = RequestedStart.objects.filter(charge_point=charge_point_pk, payment=payment)
    limits = {one.pk: one for one in noted}
    known = sorted(answered.keys() | limits.keys())
    for command_id in known:
        start, promised = answered.get(command_id), limits.get(command_id)
        if _is_open(start, promised):
            return Payment(dict(promised.limits) if promised is not None else {})
    # Nor may a payment for another station be used here.
    is_known = bool(known) or RequestedStart.objects.filter(payment=payment).exists()
    return Payment({}, is_open=False) if is_known else None


def _is_open(start: RemoteStart | None, promised: RequestedStart | None) -> bool:
    """Whether a session may still follow. A driver may take longer than expected to plug in, as long as the
    payment is not cancelled.
    """
    if promised is not None and promised.is_cancelled:
        return False
    if start is None:
        return True
    if start.outcome == RemoteStart.Outcome.NOTHING:
        return promised is not None
    return start.outcome == RemoteStart.Outcome.WAITING and start.transaction_id is None
