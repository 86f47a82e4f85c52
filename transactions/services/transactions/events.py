"""2.x TransactionEvent (2.0.1 E01-E15): any event opens its transaction, in any order, without a buffer."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zlib import crc32

from accounts.models.token import normalise_uid
from chargepoints.services import availability
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_text
from ocpp_server.protocol.translate import IdToken, Place, Verdict, status_16, verdict
from ocpp_server.protocol.translate.metering import Sample
from transactions.models import QuarantinedMessage, Transaction
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, decide
from transactions.services.metering import readings
from transactions.services.remote_control import remote_starts
from transactions.services.reservation import ending
from transactions.services.transactions import interruptions, owners, quarantine, sessions
from transactions.services.transactions.suspicion import about_clock, clear, has, suspect
from transactions.tables import EVENTS

STARTED, UPDATED, ENDED = "Started", "Updated", "Ended"
RESUMED = "TxResumed"  # 2.1 E17
_PURPOSES = {STARTED: Purpose.START, ENDED: Purpose.STOP}
# Limits of the database's columns. An event with a larger seqNo is wrong, but its energy is still billed.
MAX_SEQ_NO = 2**31 - 1
MAX_ID = 255
_MISSING_SHOWN = 100


class Event(NamedTuple):
    """One TransactionEvent, version-neutral. `payload` is its JSON text as received."""

    type: str
    transaction_id: str
    seq_no: int
    trigger: str
    at: datetime
    time_problem: str
    time_text: str
    offline: bool
    place: Place
    token: IdToken | None
    charging_state: str
    stopped_reason: str
    remote_start_id: int | None
    reservation_id: int | None
    samples: list[Sample]
    payload: str


async def record(*, station: Station, event: Event) -> Decision | None:
    """Store an event and compute the state again. Returns the decision about its token, None without one.

    A repeated event has no second effect. An event with a known number and other content is quarantined
    (F60), unless the station does not number its events at all.
    """
    check = crc32(event.payload.encode())
    transaction = await _find(station, event)
    if transaction is not None and _is_new_generation(transaction, event, check):
        return await _record_new(station, event, check, generation=transaction.generation + 1)
    if transaction is None:
        return await _record_new(station, event, check, generation=0)
    known = transaction.seq_fingerprints.get(event.seq_no)
    if known == check:
        station.deviation("repeated-event")
        return await _decide_again(station, transaction, event)
    if known is not None and _is_unnumbered(transaction, event):
        station.deviation("unnumbered-event", f"seqNo {event.seq_no} again", path="seqNo")
    elif known is not None:
        station.deviation("conflicting-event")
        if await quarantine.is_repeated(station):
            return await _decide_again(station, transaction, event)
        quarantine.keep(
            station,
            reason=QuarantinedMessage.Reason.CONFLICTING_EVENT,
            transaction_id=transaction.id,
            detail=f"seqNo {event.seq_no}",
        )
        suspect(transaction, "conflicting-event", f"seqNo {event.seq_no}")
        sessions.save(station, transaction)
        return await _decide_again(station, transaction, event)
    return await _apply(station, transaction, event, check)


async def _find(station: Station, event: Event) -> TransactionState | None:
    # An online start of a station whose state is certain is new. If it is not, the unique constraint refuses
    # it, and the message is handled again with a look-up.
    is_surely_new = event.type == STARTED and not event.offline and not station.in_doubt
    return await sessions.find_ocpp_id(station, event.transaction_id, in_database=not is_surely_new)


def _is_new_generation(transaction: TransactionState, event: Event, check: int) -> bool:
    """Whether the station uses an old transactionId for a new session, as after a factory reset (F64)."""
    return (
        event.type == STARTED
        and transaction.ended_by == Transaction.EndedBy.STATION.value
        and transaction.stopped_at is not None
        and event.at > transaction.stopped_at
        and transaction.has_started
        and transaction.seq_fingerprints.get(event.seq_no) != check
    )


def _is_unnumbered(transaction: TransactionState, event: Event) -> bool:
    """Whether the station reuses numbers within a transaction: seqNo 0 in every event, or a restart at 0
    (F63). Two different events cannot both be the first one, unless both claim to be the start.
    """
    if transaction.has_seq_order:
        first = transaction.seq_types.get(event.seq_no)
        is_any_first = event.seq_no == 0 and STARTED not in (first, event.type)
        transaction.has_seq_order = first == event.type and not is_any_first
    return not transaction.has_seq_order


async def _record_new(station: Station, event: Event, check: int, *, generation: int) -> Decision | None:
    suspicions: list[tuple[str, str]] = []
    if event.type != STARTED:
        suspicions.append(("start-missing", f"the first event is {event.type}"))
    suspicions += about_clock(event.time_problem, event.time_text)
    decision = None
    # A station need not repeat the token of a remote start (2.0.1 F01, F02).
    token = event.token or await remote_starts.token_of(station, event.remote_start_id)
    if token is not None:
        purpose = _PURPOSES.get(event.type, Purpose.IDENTIFY)
        at = event.at if event.offline else None
        decision = await decide(station=station, token=token, place=event.place, purpose=purpose, at=at)
    await availability.connector_at(station, event.place, is_provisional=True)
    if event.type == STARTED and not event.offline:
        sessions.supersede(station, event.place, event.at)
    transaction = await sessions.open_new(
        station=station,
        place=event.place,
        at=event.at,
        token=None if decision is not None and decision.is_master else token,
        decision=decision,
        ocpp_id=event.transaction_id,
        generation=generation,
        reservation_id=event.reservation_id,
        remote_start_id=event.remote_start_id,
        charging_state=event.charging_state[:32],
        was_offline=event.offline,
        suspicions=tuple(suspicions),
    )
    transaction.has_started = event.type == STARTED
    answer = decision if event.token is not None else None
    return await _apply(station, transaction, event, check, decision=answer)


async def _apply(
    station: Station,
    transaction: TransactionState,
    event: Event,
    check: int,
    decision: Decision | None = None,
) -> Decision | None:
    if event.token is not None and decision is None:
        decision = await _decide_again(station, transaction, event)
    _store(station, transaction, event, check)
    since = sessions.stable_values(transaction)
    columns: dict[str, object] = {}
    if event.offline:
        columns["was_offline"] = True
    if transaction.evse is None and event.place.evse is not None:
        transaction.evse, transaction.connector = event.place
    if event.type == STARTED and not transaction.has_started:
        transaction.has_started = True
        clear(transaction, "start-missing")
        transaction.started_at = min(transaction.started_at, event.at)
        columns |= {"started_at": transaction.started_at}
    is_first_token = event.token is not None and not transaction.id_token
    if event.token is not None:
        owners.set_owner(station, transaction, event.token, decision)
    if event.remote_start_id is not None and transaction.remote_start_id is None:
        transaction.remote_start_id = event.remote_start_id
        columns |= {"remote_start_id": event.remote_start_id}
        token = await remote_starts.token_of(station, event.remote_start_id)
        if token is not None:
            await owners.set_owner_by_remote_start(station, transaction, token)
        remote_starts.link(station, transaction)
    columns |= await _use_reservation(station, transaction, event, is_first_token=is_first_token)
    columns |= _renumber(transaction, event)
    if event.samples:
        columns |= await readings.take(
            station=station, place=event.place, samples=event.samples, transaction=transaction
        )
    if event.type != ENDED and transaction.is_active:
        is_resumed = event.trigger == RESUMED and not event.offline
        interruptions.note_activity(station, transaction, event.at, has_drawn=False, is_resumed=is_resumed)
    ends = event.type == ENDED and transaction.ended_by != Transaction.EndedBy.STATION.value
    sessions.save(station, transaction, since=since, ends=ends, **columns)
    if ends:
        await readings.settle(station, transaction, at=event.at)
        _end(station, transaction, event, decision)
    elif event.type == ENDED:
        station.deviation("ended-twice")
    return decision


async def _use_reservation(
    station: Station, transaction: TransactionState, event: Event, *, is_first_token: bool
) -> dict[str, object]:
    """End the reservation that the event names, or that its token has when it is the session's first one."""
    number = event.reservation_id
    if number is not None or is_first_token:
        await ending.use(station, transaction, number=number, at=event.at if event.offline else None)
    return {} if number is None else {"reservation_id": number}


def _store(station: Station, transaction: TransactionState, event: Event, check: int) -> None:
    # By position, in the order of the columns in `tables`.
    row = (
        transaction.id,
        event.seq_no,
        event.type[:16],
        event.trigger[:64],
        event.charging_state[:64],
        check,
        event.offline,
        masked_text(event.payload, station.action, is_known=station.has_only_known_fields),
        event.at,
        station.received_at,
    )
    station.unit.append(EVENTS, row)
    transaction.seq_fingerprints.setdefault(event.seq_no, check)
    transaction.seq_types.setdefault(event.seq_no, event.type)


def _renumber(transaction: TransactionState, event: Event) -> dict[str, object]:
    """Take the state from the event with the highest number, and find missing numbers."""
    last = transaction.last_seq_no
    columns: dict[str, object] = {}
    if last is None or event.seq_no >= last or not transaction.has_seq_order:
        transaction.last_seq_no = event.seq_no if last is None else max(last, event.seq_no)
        if transaction.is_active:
            transaction.charging_state = event.charging_state[:32] or transaction.charging_state
    had_gaps = has(transaction, "events-missing")
    is_next = last is not None and event.seq_no == last + 1
    if (is_next and not had_gaps) or not transaction.has_seq_order or not transaction.has_started:
        return columns
    missing = _missing(transaction)
    if missing or had_gaps:
        clear(transaction, "events-missing")
        columns = {"missing_seq_nos": missing}
    if missing:
        suspect(transaction, "events-missing", ", ".join(map(str, missing[:10])))
    return columns


def _missing(transaction: TransactionState) -> list[int]:
    """The missing numbers between the start's and the highest. Stations may count from any number."""
    seen = transaction.seq_types
    first = min((number for number, kind in seen.items() if kind == STARTED), default=min(seen))
    missing = []
    for number in range(first, max(seen)):
        if number not in seen:
            missing.append(number)
            if len(missing) >= _MISSING_SHOWN:
                break
    return missing


async def _decide_again(station: Station, transaction: TransactionState, event: Event) -> Decision | None:
    """Decide about the token of a known transaction. Only the first event of a start checks for concurrent
    transactions: a running session must not be refused because of itself.
    """
    if event.token is None:
        return None
    # A token that ends a session without a token has not started it: a master pass may do so (2.0.1 C16).
    is_stop = transaction.id_token or event.type == ENDED or event.trigger == "StopAuthorized"
    purpose = Purpose.STOP if is_stop else Purpose.START
    decision = await decide(station=station, token=event.token, place=event.place, purpose=purpose)
    is_owner = normalise_uid(event.token.value) == transaction.token_key
    if event.type == STARTED and is_owner and transaction.authorization_status:
        return Decision(
            _as_answered(transaction, decision),
            decision.group_id,
            decision.expires_at,
            decision.token_pk,
            decision.is_unknown,
            transaction.authorization_reason,
        )
    return decision


def _as_answered(transaction: TransactionState, decision: Decision) -> Verdict:
    """The verdict of the first answer. The transaction stores its 1.6 status, and 1.6 has fewer of them."""
    stored = transaction.authorization_status
    if stored == status_16(decision.verdict):
        return decision.verdict
    if decision.is_unknown and stored == status_16(Verdict.INVALID):
        return Verdict.UNKNOWN
    return verdict(stored)


def _end(station: Station, transaction: TransactionState, event: Event, decision: Decision | None) -> None:
    is_stopping_token = event.token is not None and event.token.value != transaction.id_token
    sessions.end(
        station,
        transaction,
        by=Transaction.EndedBy.STATION.value,
        at=event.at,
        reason=event.stopped_reason or "Local",
        token=event.token if is_stopping_token else None,
        decision=decision if is_stopping_token else None,
        charging_state=event.charging_state[:32],
    )
