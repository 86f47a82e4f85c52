"""Functions that open, find, save and end transactions, for both dialects."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import Max

from accounts.models.token import normalise_uid
from ocpp_server import live
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place, status_16
from ocpp_server.protocol.translate.energy import wh_of
from ocpp_server.protocol.translate.limits import ENERGY
from ocpp_server.storage.journal import journal
from transactions.live.stations import RECENT_TRANSACTIONS, load_events, transaction_state
from transactions.live.unmatched import UNKNOWN_NUMBERS
from transactions.models import Counter, Transaction
from transactions.services.authorization.decision import NO_AUTHORIZATION, Decision, ended_with
from transactions.services.metering import energy
from transactions.services.remote_control import remote_starts
from transactions.services.reservation import ending
from transactions.services.transactions import announcing, limits
from transactions.services.transactions.concurrency import was_refused
from transactions.services.transactions.suspicion import SETTLED_BY_STOP, clear, suspect
from transactions.tables import COUNTERS, TRANSACTIONS

# A station that invents a transactionId for each reading must not cause a query for each.
_UNKNOWN_REMEMBERED = 64


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
    was_offline: bool = False,
    suspicions: tuple[tuple[str, str], ...] = (),
) -> TransactionState:
    """Issue the transaction's number and add the transaction to the unit of the current message."""
    number = await live.state().next_transaction_number()
    if not ocpp_id and station.in_doubt:
        # A session that was moved here from another system may have the same id.
        generation = await journal.run(_next_generation, station.pk, str(number))
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
    set_token(transaction, token, decision)
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
        started_at=at,
        start_received_at=station.received_at,
        updated_at=station.received_at,
        **_stable_columns(transaction),
        **_changing_columns(transaction),
    )
    if not live.state().is_shared:
        # Shared numbers come from Redis: a row update per start would make the processes wait for each other.
        station.unit.update(COUNTERS, Counter.TRANSACTION, value=number)
    station.transactions[number] = transaction
    UNKNOWN_NUMBERS.of(station).discard(number)
    _forget_old(station)
    station.opened.append(transaction)
    claim(station, transaction)
    announcing.started(station, transaction, was_offline=was_offline)
    remote_starts.link(station, transaction)
    await ending.use(station, transaction, number=reservation_id, at=at if was_offline else None)
    return transaction


def claim(station: Station, transaction: TransactionState) -> None:
    """Count the transaction for its token before the commit: the same token may start elsewhere meanwhile.

    The unit of work reverts this when the commit fails.
    """
    station.claimed.append(transaction)
    live.state().transaction_changed(transaction)


@contextmanager
def savepoint(station: Station, transaction: TransactionState) -> Iterator[None]:
    """Revert the block's changes to one transaction and to the unit when it raises."""
    before = msgspec.structs.asdict(copy.deepcopy(transaction))
    inserts, updates = len(station.unit.inserts), len(station.unit.updates)
    changed, used = len(station.changed), len(station.used_tokens)
    try:
        yield
    except BaseException:
        for name, value in before.items():
            setattr(transaction, name, value)
        del station.unit.inserts[inserts:], station.unit.updates[updates:]
        del station.changed[changed:], station.used_tokens[used:]
        raise


def set_token(transaction: TransactionState, token: IdToken | None, decision: Decision | None) -> None:
    """Store the transaction's token. The first token counts; NoAuthorization names no owner (2.0.1 C02)."""
    if token is None or transaction.id_token:
        return
    if token.type != NO_AUTHORIZATION:
        transaction.id_token = token.value[:255]
        transaction.id_token_type = token.type[:32]
        transaction.token_key = normalise_uid(transaction.id_token)
    if decision is not None:
        transaction.token_pk = decision.token_pk
        transaction.group_id = decision.group_id[:36]
        transaction.authorization_status = status_16(decision.verdict)
        transaction.authorization_reason = decision.reason[:300]
        transaction.charges_battery = decision.charges_battery
        transaction.limits_wanted = dict(decision.limits)
        if ENERGY in transaction.limits_wanted:  # it counts from the begin of the session
            transaction.limits_wanted[ENERGY] += wh_of(transaction.energy_mwh)


StableValues = tuple[object, ...]


def stable_values(transaction: TransactionState) -> StableValues:
    """The values that a message seldom changes: place, token and suspicions. For `save`."""
    return (
        transaction.evse,
        transaction.connector,
        transaction.id_token,
        transaction.id_token_type,
        transaction.token_pk,
        transaction.group_id,
        transaction.authorization_status,
        transaction.interrupted_at,
        *transaction.suspect_reasons,
    )


def save(
    station: Station,
    transaction: TransactionState,
    *,
    since: StableValues | None = None,
    ends: bool = False,
    **columns: Any,
) -> None:
    """Write the columns that a message may have changed. `ends`: the message also ends the transaction, which
    then is the only event.

    `since` is the result of `stable_values` before the message: those columns are left out when it is still
    the same. Some have an index, and SQLite rewrites the index even when the value is the same.
    """
    if not ends:
        announcing.saved(station, transaction, columns)
    _write(station, transaction, since, columns)


def _write(
    station: Station, transaction: TransactionState, since: StableValues | None, columns: dict[str, Any]
) -> None:
    transaction.last_message_at = station.received_at
    if since is None or since != stable_values(transaction):
        columns |= _stable_columns(transaction)
    if not transaction.is_active:  # the changes of a running session are found by `last_message_at`
        columns["updated_at"] = station.received_at
    station.unit.set(TRANSACTIONS, transaction.id, columns | _changing_columns(transaction))


def mark_interrupted(station: Station, transaction: TransactionState) -> None:
    """Store that the station restarted. `last_message_at` stays: the boot is not about the transaction."""
    station.unit.update(TRANSACTIONS, transaction.id, is_interrupted=True, updated_at=station.received_at)


def _stable_columns(transaction: TransactionState) -> dict[str, Any]:
    return {
        "evse_number": transaction.evse,
        "connector_number": transaction.connector,
        "id_token": transaction.id_token,
        "id_token_type": transaction.id_token_type,
        "token_id": transaction.token_pk,
        "group_id": transaction.group_id,
        "authorization_status": transaction.authorization_status,
        "authorization_reason": transaction.authorization_reason,
        "charges_battery": transaction.charges_battery,
        "limits": limits.stored(transaction),
        "is_interrupted": transaction.interrupted_at is not None,
        "suspect": bool(transaction.suspect_reasons),
        # A copy: a savepoint may revert suspicions that this message adds later.
        "suspect_reasons": list(transaction.suspect_reasons),
    }


def _changing_columns(transaction: TransactionState) -> dict[str, Any]:
    return {
        **energy.columns(transaction),
        "charging_state": transaction.charging_state,
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
    charging_state: str = "",
) -> None:
    """End a transaction. The station's own stop also replaces an end that the server assumed earlier."""
    if by == Transaction.EndedBy.STATION.value:
        for code in SETTLED_BY_STOP:
            clear(transaction, code)
    if at < transaction.started_at:
        suspect(transaction, "stop-before-start")
    meter_stop = energy.finish(transaction, meter_wh, at)
    was_active = transaction.is_active
    if was_refused(transaction):
        if transaction.has_drawn:
            suspect(transaction, "charged-unauthorized", transaction.authorization_status)
        else:
            # Without energy nothing is billed, so there is nothing to check.
            transaction.suspect_reasons.clear()
    transaction.is_active = False
    transaction.ended_by = by
    transaction.stopped_at = at
    transaction.stop_fingerprint = fingerprint
    transaction.stop_authorization_status = status_16(decision.verdict) if decision else ""
    # The charging state belongs to a running session; an Ended event may name a state of its own.
    transaction.charging_state = charging_state
    how = ended_with(decision, normalise_uid(token.value), transaction)[:300] if decision and token else ""
    columns = {
        "status": Transaction.Status.ENDED.value,
        "ended_by": by,
        "stop_reason": reason[:64],
        "stop_id_token": token.value[:255] if token else "",
        "stop_authorization_status": transaction.stop_authorization_status,
        "stop_authorization_reason": how,
        "stop_fingerprint": fingerprint,
        "meter_stop_wh": meter_stop,
        "power_w": None,
        "stopped_at": at,
        "stop_received_at": station.received_at,
    }
    _write(station, transaction, None, columns)
    announcing.ended(station, transaction, was_active=was_active, meter_stop=meter_stop, reason=reason[:64])
    station.changed.append(transaction)


def supersede(station: Station, place: Place, at: datetime) -> None:
    """End the open transaction at a place where another begins. It ends at its last known reading and becomes
    suspect.
    """
    if not place.evse:
        return
    for transaction in list(station.transactions.values()):
        # An offline start that is replayed late does not end a transaction that began after it.
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
    """A transaction of this station by its 1.6 transactionId; other stations' are not found (S10).

    The transactionId is the server's number, or another system's number for a session that was moved here
    with its station.
    """
    ocpp_id = str(number)
    known = station.transactions.get(number)
    if known is not None and known.ocpp_id == ocpp_id:
        return known
    moved = [t for t in station.transactions.values() if t.ocpp_id == ocpp_id]
    if moved:
        return max(moved, key=lambda t: t.generation)
    unknown = UNKNOWN_NUMBERS.of(station)
    if number <= 0 or number in unknown:
        # Errata 3.18: a station that never received a number sends -1, some send 0, with every reading.
        return known
    found = await _load(station, ocpp_id=ocpp_id)
    if found is None and known is None and number >= 1000:
        # A session that began in 2.x has the station's own id beside the server's number.
        found = await _load(station, id=number)
    if found is None:
        unknown.add(number)
        if len(unknown) > _UNKNOWN_REMEMBERED:
            unknown.clear()
    return found or known


async def find_ocpp_id(station: Station, ocpp_id: str, *, in_database: bool) -> TransactionState | None:
    """The newest generation of a transaction by the station's own id."""
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


def _next_generation(charge_point_pk: int, ocpp_id: str) -> int:
    known = Transaction.objects.filter(charge_point_id=charge_point_pk, ocpp_id=ocpp_id)
    newest = known.aggregate(newest=Max("generation"))["newest"]
    return 0 if newest is None else int(newest) + 1


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
    """Remove ended transactions beyond the recent ones. Later look-ups find them in the database."""
    ended = [number for number, t in station.transactions.items() if not t.is_active]
    for number in sorted(ended)[:-RECENT_TRANSACTIONS]:
        del station.transactions[number]
