"""Opening, finding, saving and ending transactions, for both dialects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models.token import normalise_uid
from ocpp_server import live
from ocpp_server.journal import journal
from ocpp_server.live.loading import RECENT_TRANSACTIONS, load_events, transaction_state
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place
from transactions.models import Counter, Transaction
from transactions.services import energy, remote_starts
from transactions.services.authorization import Decision, how_it_ends
from transactions.services.suspicion import suspect
from transactions.tables import COUNTERS, TRANSACTIONS


async def open_new(
    *,
    station: Station,
    place: Place,
    at: datetime,
    token: IdToken | None = None,
    decision: Decision | None = None,
    meter_wh: float | None = None,
    ocpp_id: str = "",
    generation: int = 0,
    fingerprint: str | None = None,
    reservation_id: int | None = None,
    remote_start_id: int | None = None,
    charging_state: str = "",
    suspicions: tuple[tuple[str, str], ...] = (),
) -> TransactionState:
    """Give the transaction its number and add it to the unit of the message in hand."""
    number = await live.state().next_transaction_number()
    transaction = TransactionState(
        id=number,
        ocpp_id=ocpp_id or str(number),
        generation=generation,
        station=station.identity,
        evse=place.evse,
        connector=place.connector,
        start_fingerprint=fingerprint,
        remote_start_id=remote_start_id,
        charging_state=charging_state,
        started_at=at,
        last_message_at=station.received_at,
    )
    own(transaction, token, decision)
    for code, detail in suspicions:
        suspect(transaction, code, detail)
    energy.begin(transaction, meter_wh, at)
    station.unit.insert(
        TRANSACTIONS,
        id=number,
        ocpp_id=transaction.ocpp_id,
        generation=generation,
        charge_point_id=station.pk,
        start_fingerprint=fingerprint,
        remote_start_id=remote_start_id,
        reservation_id=reservation_id,
        authorization_reason=transaction.authorization_reason,
        status=Transaction.Status.ACTIVE.value,
        started_at=at,
        start_received_at=station.received_at,
        **_lasting_columns(transaction),
        **_moving_columns(transaction),
    )
    if not live.state().is_shared:
        # Shared numbers come from Redis: a row for every start would make all processes wait for each other.
        station.unit.update(COUNTERS, Counter.TRANSACTION, value=number)
    station.transactions[number] = transaction
    _forget_old(station)
    live.state().transaction_changed(transaction)
    remote_starts.link(station, transaction)
    return transaction


def own(transaction: TransactionState, token: IdToken | None, decision: Decision | None) -> None:
    """Say whose transaction it is. The first token counts."""
    if token is None or transaction.id_token:
        return
    transaction.id_token = token.value[:255]
    transaction.id_token_type = token.type[:32]
    transaction.token_key = normalise_uid(transaction.id_token)
    if decision is not None:
        transaction.token_pk = decision.token_pk
        transaction.group_id = decision.group_id[:36]
        transaction.authorization_status = decision.status
        transaction.authorization_reason = decision.reason[:300]


Lasting = tuple[object, ...]


def lasting(transaction: TransactionState) -> Lasting:
    """What a message seldom changes: where, who, and the suspicions. For `save`."""
    return (
        transaction.evse,
        transaction.connector,
        transaction.id_token,
        transaction.id_token_type,
        transaction.token_pk,
        transaction.group_id,
        transaction.authorization_status,
        *transaction.suspect_reasons,
    )


def save(
    station: Station, transaction: TransactionState, *, since: Lasting | None = None, **columns: Any
) -> None:
    """Write what a message may have changed.

    `since` is what `lasting` said before the message: when it still says so, those columns are left out. Some
    of them have an index, and SQLite writes that anew even when the value is the same.
    """
    transaction.last_message_at = station.received_at
    if since is None or since != lasting(transaction):
        columns |= _lasting_columns(transaction)
    station.unit.set(TRANSACTIONS, transaction.id, columns | _moving_columns(transaction))


def _lasting_columns(transaction: TransactionState) -> dict[str, Any]:
    return {
        "evse_number": transaction.evse,
        "connector_number": transaction.connector,
        "id_token": transaction.id_token,
        "id_token_type": transaction.id_token_type,
        "token_id": transaction.token_pk,
        "group_id": transaction.group_id,
        "authorization_status": transaction.authorization_status,
        "suspect": bool(transaction.suspect_reasons),
        "suspect_reasons": transaction.suspect_reasons,
    }


def _moving_columns(transaction: TransactionState) -> dict[str, Any]:
    return {
        "charging_state": transaction.charging_state,
        "meter_start_wh": transaction.meter_start_wh,
        "meter_last_wh": transaction.meter_last_wh,
        "energy_wh": transaction.energy_wh,
        "last_seq_no": transaction.last_seq_no,
        "last_message_at": transaction.last_message_at,
    }


def end(
    station: Station,
    transaction: TransactionState,
    *,
    by: str,
    at: datetime,
    meter_wh: float | None = None,
    reason: str = "",
    token: IdToken | None = None,
    decision: Decision | None = None,
    fingerprint: str = "",
) -> None:
    """End a transaction. The station's own stop also replaces an end that we assumed before it came."""
    if at < transaction.started_at:
        suspect(transaction, "stop-before-start")
    meter_stop = energy.finish(transaction, meter_wh, at)
    if transaction.energy_wh > 0 and transaction.authorization_status not in ("Accepted", ""):
        suspect(transaction, "charged-unauthorized", transaction.authorization_status)
    transaction.is_active = False
    transaction.ended_by = by
    transaction.stopped_at = at
    transaction.stop_fingerprint = fingerprint
    transaction.stop_authorization_status = decision.status if decision else ""
    how = how_it_ends(decision, normalise_uid(token.value), transaction)[:300] if decision and token else ""
    save(
        station,
        transaction,
        status=Transaction.Status.ENDED.value,
        ended_by=by,
        stop_reason=reason[:64],
        stop_id_token=token.value[:255] if token else "",
        stop_authorization_status=transaction.stop_authorization_status,
        stop_authorization_reason=how,
        stop_fingerprint=fingerprint,
        meter_stop_wh=meter_stop,
        power_w=None,
        stopped_at=at,
        stop_received_at=station.received_at,
    )
    live.state().transaction_changed(transaction)


def supersede(station: Station, place: Place, at: datetime) -> None:
    """A transaction begins where another is still open: that one ends at its last known reading, and is
    suspect.
    """
    if not place.evse:
        return
    for transaction in list(station.transactions.values()):
        # An offline start that is replayed late does not end what began after it.
        if transaction.is_active and transaction.evse == place.evse and transaction.started_at <= at:
            suspect(transaction, "superseded")
            end(station, transaction, by=Transaction.EndedBy.SUPERSEDED.value, at=at)


def running_at(station: Station, place: Place) -> TransactionState | None:
    """The newest active transaction of an EVSE."""
    if place.evse is None:
        return None
    found = [t for t in station.transactions.values() if t.is_active and t.evse == place.evse]
    return max(found, key=lambda t: t.id, default=None)


async def find_number(station: Station, number: int) -> TransactionState | None:
    """A transaction of this station by our number; other stations' are not found (S10)."""
    known = station.transactions.get(number)
    if known is None and 1000 <= number < 2**63:
        known = await _load(station, id=number)
    return known


async def find_ocpp_id(station: Station, ocpp_id: str, *, in_database: bool) -> TransactionState | None:
    """The newest generation of a transaction by the station's own id."""
    # Nearly always the one that began last. It runs, so there is no newer generation.
    last = next(reversed(station.transactions.values()), None)
    if last is not None and last.ocpp_id == ocpp_id and last.is_active:
        return last
    known = [t for t in station.transactions.values() if t.ocpp_id == ocpp_id]
    if known:
        return max(known, key=lambda t: t.generation)
    return await _load(station, ocpp_id=ocpp_id) if in_database else None


async def find_fingerprint(
    station: Station, fingerprint: str, *, in_database: bool
) -> TransactionState | None:
    """The transaction that an identical start opened before."""
    for transaction in station.transactions.values():
        if transaction.start_fingerprint == fingerprint:
            return transaction
    return await _load(station, start_fingerprint=fingerprint) if in_database else None


async def find_stop(station: Station, fingerprint: str) -> TransactionState | None:
    """The transaction that an identical stop ended before."""
    for transaction in station.transactions.values():
        if transaction.stop_fingerprint == fingerprint:
            return transaction
    return await _load(station, stop_fingerprint=fingerprint)


async def _load(station: Station, **criteria: Any) -> TransactionState | None:
    transaction = await journal.run(_read, station.pk, station.identity, criteria)
    if transaction is not None:
        station.transactions[transaction.id] = transaction
    return transaction


def _read(charge_point_pk: int, identity: str, criteria: dict[str, Any]) -> TransactionState | None:
    row = (
        Transaction.objects.filter(charge_point_id=charge_point_pk, **criteria).order_by("generation").last()
    )
    if row is None:
        return None
    state = transaction_state(row, identity)
    load_events({state.id: state})
    return state


def _forget_old(station: Station) -> None:
    """Ended transactions beyond the recent ones are found in the database when somebody asks."""
    ended = [number for number, t in station.transactions.items() if not t.is_active]
    for number in sorted(ended)[:-RECENT_TRANSACTIONS]:
        del station.transactions[number]
