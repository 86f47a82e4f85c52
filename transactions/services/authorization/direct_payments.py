"""Tokens that are payments (2.1 DirectPayment): accepted where this server has sent their remote start."""

from __future__ import annotations

from typing import Final

from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken
from ocpp_server.storage.journal import journal
from transactions.models import RemoteStart, RequestedStart

DIRECT_PAYMENT: Final = "DirectPayment"
_ACCEPTED: Final = "Accepted"


async def limits_of(station: Station, token: IdToken, *, is_start: bool) -> dict[str, float] | None:
    """The limits of the session that this payment is for. None where this server has sent no remote start
    with it, where the station has refused that, and where the payment has started a session already.

    A payment that owns a session here is accepted for anything but a start.
    """
    if token.type != DIRECT_PAYMENT or not token.value:
        return None
    if not is_start and _owns_session(station, token):
        return {}
    return await journal.run(_unused, station.pk, token.value[:255])


def _owns_session(station: Station, token: IdToken) -> bool:
    return any(
        session.id_token == token.value
        and session.id_token_type == DIRECT_PAYMENT
        and session.authorization_status == _ACCEPTED
        for session in station.transactions.values()
    )


def _unused(charge_point_pk: int, payment: str) -> dict[str, float] | None:
    sent = RemoteStart.objects.filter(
        charge_point=charge_point_pk, id_token=payment, id_token_type=DIRECT_PAYMENT
    )
    answered = {start.command_id: start for start in sent}
    noted = RequestedStart.objects.filter(charge_point=charge_point_pk, payment=payment)
    limits = dict(noted.values_list("pk", "limits"))
    for command_id in sorted(answered.keys() | limits.keys()):
        start = answered.get(command_id)
        if start is None or _is_open(start, is_noted=command_id in limits):
            return dict(limits.get(command_id) or {})
    return None


def _is_open(start: RemoteStart, *, is_noted: bool) -> bool:
    """Whether a session may still follow. A driver may take longer than expected to plug in, as long as the
    payment is not cancelled: then nothing is noted any more.
    """
    if start.outcome == RemoteStart.Outcome.NOTHING:
        return is_noted
    return start.outcome == RemoteStart.Outcome.WAITING and start.transaction_id is None
