"""The owner of a session: the first token that started it, or the token of its remote start."""

from __future__ import annotations

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, decide
from transactions.services.transactions import sessions


def set_owner(
    station: Station, transaction: TransactionState, token: IdToken, decision: Decision | None
) -> None:
    """Make a token the owner of a session without one.

    A master pass never owns a session: it ends the sessions of others (2.0.1 C16).
    """
    if transaction.id_token or (decision is not None and decision.is_master):
        return
    sessions.set_token(transaction, token, decision)
    if transaction.is_active:
        sessions.claim(station, transaction)


async def set_owner_by_remote_start(station: Station, transaction: TransactionState, token: IdToken) -> None:
    """Make the token of the remote start the owner when the station sent no token (2.0.1 F01, F02)."""
    if transaction.id_token:
        return
    place = Place(transaction.evse, transaction.connector)
    decision = await decide(station=station, token=token, place=place, purpose=Purpose.START)
    set_owner(station, transaction, token, decision)
