"""Whose a session is: the first token that asked for it, or the token it was started with from afar."""

from __future__ import annotations

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, decide
from transactions.services.transactions import sessions


def own(station: Station, transaction: TransactionState, token: IdToken, decision: Decision | None) -> None:
    """Make a token the owner of a session that has none.

    A master pass never owns one: it ends the sessions of others (2.0.1 C16).
    """
    if transaction.id_token or (decision is not None and decision.is_master):
        return
    sessions.own(transaction, token, decision)
    if transaction.is_active:
        sessions.claim(station, transaction)


async def own_by_remote_start(station: Station, transaction: TransactionState, token: IdToken) -> None:
    """Give a session whose station named no token to the token of its remote start (2.0.1 F01, F02)."""
    if transaction.id_token:
        return
    place = Place(transaction.evse, transaction.connector)
    decision = await decide(station=station, token=token, place=place, purpose=Purpose.START)
    own(station, transaction, token, decision)
