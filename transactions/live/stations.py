"""Loads transactions into the live state: one station's transactions, and all running transactions."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Max, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint
from ocpp_server.live.extensions import ByKey
from ocpp_server.live.records import Announced, TransactionState
from ocpp_server.protocol.translate.energy import mwh_of
from transactions.models import Counter, Transaction, TransactionEvent
from transactions.services.metering import energy, hours

# Ended transactions that are kept in memory to answer repeated and late messages without a database read.
RECENT_TRANSACTIONS = 8
# A transaction without a message for this long no longer counts for its token: otherwise the token would
# be refused permanently.
MAX_SILENCE = timedelta(hours=24)
# Stations per query. Each station has a range of numbers of its own.
_RANGES_AT_ONCE = 50  # equivalent: any number gives the same rows


def transaction_state(row: Transaction, station: str) -> TransactionState:
    """The live form of a stored transaction, without its event history (see `load_events`)."""
    limits: dict[str, Any] = row.limits or {}
    return TransactionState(
        id=row.id,
        ocpp_id=row.ocpp_id,
        generation=row.generation,
        station=station,
        evse=row.evse_number,
        connector=row.connector_number,
        id_token=row.id_token,
        id_token_type=row.id_token_type,
        token_key=normalise_uid(row.id_token),
        token_pk=row.token_id,
        group_id=row.group_id,
        authorization_status=row.authorization_status,
        authorization_reason=row.authorization_reason,
        stop_authorization_status=row.stop_authorization_status,
        start_fingerprint=row.start_fingerprint,
        stop_fingerprint=row.stop_fingerprint,
        is_active=row.status == Transaction.Status.ACTIVE,
        ended_by=row.ended_by,
        charging_state=row.charging_state,
        meter_start_mwh=mwh_of(row.meter_start_wh),
        meter_last_mwh=mwh_of(row.meter_last_wh),
        energy_mwh=mwh_of(row.energy_wh),
        mwh_by_hour=hours.loaded(row.energy_by_hour),
        registers=energy.loaded(row),
        suspect_reasons=list(row.suspect_reasons),
        last_seq_no=row.last_seq_no,
        remote_start_id=row.remote_start_id,
        charges_battery=row.charges_battery,
        limits_wanted=limits.get("wanted", {}),
        limits_asked=row.limits_asked or {},
        limits_sent=limits.get("sent", {}),
        limits_set=limits.get("set", {}),
        limits_seq_no=limits.get("seqNo"),
        counts_cost=row.counts_cost,
        # The exact time is not stored: a message after the restart would have cleared the flag.
        interrupted_at=row.last_message_at if row.is_interrupted else None,
        announced=Announced(
            at=row.last_message_at,
            energy_mwh=mwh_of(row.energy_wh),
            charging_state=row.charging_state,
            id_token=row.id_token,
            suspicions=len(row.suspect_reasons),
        ),
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        last_message_at=row.last_message_at,
    )


def load_transactions(by_pk: ByKey) -> None:
    """Load the running and the recent transactions; two live stations of one charge point share no state."""
    found = {row.id: row for row in [*_recent(list(by_pk)), *_active(list(by_pk))]}
    copies: defaultdict[int, dict[int, TransactionState]] = defaultdict(dict)
    # The newest first: services walk through them in this order.
    for row in sorted(found.values(), key=lambda row: row.id, reverse=True):
        for place, station in enumerate(by_pk[row.charge_point_id]):
            copies[place][row.id] = station.transactions[row.id] = transaction_state(row, station.identity)
    for states in copies.values():
        load_events(states)


def _active(stations: list[int]) -> list[Transaction]:
    return list(Transaction.objects.active().filter(charge_point__in=stations))


def _recent(stations: list[int]) -> list[Transaction]:
    """The last RECENT_TRANSACTIONS of each station.

    The first query finds the number they begin with, one seek for each in the index by station: a station has
    thousands of transactions.
    """
    newest = Transaction.objects.filter(charge_point=OuterRef("pk")).order_by("-id").values("id")
    begins = (
        ChargePoint.objects.filter(pk__in=stations)
        .order_by()
        .annotate(begin=Subquery(newest[RECENT_TRANSACTIONS - 1 : RECENT_TRANSACTIONS]))
    )
    few: list[int] = []
    many: list[Q] = []
    for pk, begin in begins.values_list("pk", "begin"):
        if begin is not None:
            many.append(Q(charge_point=pk, id__gte=begin))
        else:
            few.append(pk)
    found = list(Transaction.objects.filter(charge_point__in=few))
    for start in range(0, len(many), _RANGES_AT_ONCE):
        found += Transaction.objects.filter(reduce(or_, many[start : start + _RANGES_AT_ONCE]))
    return found


def load_events(transactions: dict[int, TransactionState]) -> None:
    """Fill in the sequence numbers of 2.x transactions that are stored already."""
    if not transactions:
        return
    events = TransactionEvent.objects.filter(transaction__in=list(transactions)).order_by("id")
    started: set[int] = set()
    for pk, seq_no, kind, fingerprint in events.values_list(
        "transaction_id", "seq_no", "type", "fingerprint"
    ):
        state = transactions[pk]
        if seq_no in state.seq_fingerprints:  # a second event is stored only of a station that reuses numbers
            state.has_seq_order = False
        state.seq_fingerprints.setdefault(seq_no, fingerprint)
        state.seq_types.setdefault(seq_no, kind)
        if kind == TransactionEvent.Type.STARTED:
            started.add(pk)
    for state in transactions.values():
        if state.seq_types and state.id not in started:
            state.has_started = False


def load_running() -> tuple[int, list[TransactionState]]:
    """The highest transaction number issued, and all active transactions with a recent message."""
    recent = timezone.now() - MAX_SILENCE
    active = Transaction.objects.active().filter(last_message_at__gte=recent).select_related("charge_point")
    states = [transaction_state(row, row.charge_point.identity) for row in active]
    return highest_number(), states


def active_numbers() -> list[int]:
    """The numbers of the transactions of `load_running`."""
    recent = timezone.now() - MAX_SILENCE
    return list(Transaction.objects.active().filter(last_message_at__gte=recent).values_list("id", flat=True))


def highest_number() -> int:
    """The highest transaction number issued, as far as the database knows."""
    counter = Counter.objects.get_or_create(name=Counter.TRANSACTION, defaults={"value": 999})[0].value
    highest = Transaction.objects.aggregate(highest=Max("id"))["highest"]
    return max(counter, highest or counter)


def keep_number(number: int) -> None:
    """Store the highest number issued where several processes issue them; it never decreases."""
    Counter.objects.filter(name=Counter.TRANSACTION, value__lt=number).update(value=number)
