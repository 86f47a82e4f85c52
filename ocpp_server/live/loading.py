"""The ORM as the source of the live state: what a process needs when it starts, and when a station
connects.
"""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.conf import settings
from django.db.models import Max, OuterRef, Q, Subquery
from django.utils import timezone

from ocpp_server.live.records import ConnectorState, ExpectedStart, TransactionState
from ocpp_server.live.station import Station

if TYPE_CHECKING:
    from transactions.models import Transaction

log = structlog.get_logger(__name__)

# Ended transactions that are kept in hand to answer repeated and late messages without a database read.
RECENT_TRANSACTIONS = 8
# Cards that hold a session open without a sign of life must not stay refused for ever.
SIGN_OF_LIFE = timedelta(hours=24)
# Stations one statement is about; and, where each brings a range of its own, how many of those.
_STATIONS_AT_ONCE = 500
_RANGES_AT_ONCE = 50


def transaction_state(row: object, station: str) -> TransactionState:
    """The live form of a stored transaction, without its event history (see `load_events`)."""
    from accounts.models.token import normalise_uid
    from transactions.models import Transaction
    from transactions.services.metering import energy

    assert isinstance(row, Transaction)
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
        meter_start_wh=row.meter_start_wh,
        meter_last_wh=row.meter_last_wh,
        energy_wh=row.energy_wh,
        energy_by_hour=row.energy_by_hour,
        registers=energy.loaded(row),
        suspect_reasons=list(row.suspect_reasons),
        last_seq_no=row.last_seq_no,
        remote_start_id=row.remote_start_id,
        # When exactly is not stored: a message after the restart would have cleared it.
        interrupted_at=row.last_message_at if row.is_interrupted else None,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        last_message_at=row.last_message_at,
    )


def load_station(charge_point_pk: int, version: str) -> Station:
    """The live station of a charge point, with its connectors and its running and recent transactions."""
    return load_stations([(charge_point_pk, version)])[0]


def load_stations(wanted: list[tuple[int, str]]) -> list[Station]:
    """The live stations of charge points (primary key, version): all that connect at one moment.

    After a restart thousands come at once; a station alone costs seven queries, five hundred cost as many.
    """
    stations: list[Station] = []
    for start in range(0, len(wanted), _STATIONS_AT_ONCE):
        stations += _load_some(wanted[start : start + _STATIONS_AT_ONCE])
    return stations


def _load_some(wanted: list[tuple[int, str]]) -> list[Station]:
    from chargepoints.models import ChargePoint
    from transactions.models import QuarantinedMessage

    rows = ChargePoint.objects.in_bulk([pk for pk, _ in wanted])
    stations = [_station(rows.get(pk), version) for pk, version in wanted]
    # A station that connects twice at one moment is here twice.
    by_pk: dict[int, list[Station]] = {}
    for station in stations:
        by_pk.setdefault(station.pk, []).append(station)
    _load_connectors(by_pk)
    _load_transactions(by_pk)
    _load_remote_starts(by_pk)
    for pk in QuarantinedMessage.objects.waiting_stops(*by_pk).values_list("charge_point_id", flat=True):
        for station in by_pk[pk]:
            station.orphans += 1
    return stations


def _station(row: object, version: str) -> Station:
    """Raises DoesNotExist when the charge point was removed meanwhile."""
    from chargepoints.models import ChargePoint

    if row is None:
        raise ChargePoint.DoesNotExist("The charge point was removed.")
    assert isinstance(row, ChargePoint)
    station = Station(pk=row.pk, identity=row.identity, version=version)
    apply_settings(station, row)
    station.status = row.status
    station.has_booted = row.last_boot_at is not None
    station.clock_skew_s = row.clock_skew_s
    return station


def _load_connectors(by_pk: dict[int, list[Station]]) -> None:
    from chargepoints.models import Connector

    rows = Connector.objects.filter(charge_point__in=by_pk).values_list(
        "charge_point_id",
        "pk",
        "evse__number",
        "number",
        "status",
        "error_code",
        "info",
        "status_received_at",
    )
    for charge_point, pk, evse, number, status, error_code, info, reported_at in rows:
        for station in by_pk[charge_point]:
            station.connectors[evse, number] = ConnectorState(
                pk=pk,
                evse=evse,
                number=number,
                status=status,
                error_code=error_code,
                info=info,
                reported_at=reported_at,
            )


def _load_transactions(by_pk: dict[int, list[Station]]) -> None:
    """The running and the recent ones; two loadings of one station share no state."""
    from transactions.models import Transaction

    found = {row.id: row for row in [*_recent(list(by_pk)), *_active(list(by_pk))]}
    copies: list[dict[int, TransactionState]] = [{}]
    # The newest first, as they were always looked at.
    for row in sorted(found.values(), key=lambda row: row.id, reverse=True):
        assert isinstance(row, Transaction)
        for place, station in enumerate(by_pk[row.charge_point_id]):
            if place == len(copies):
                copies.append({})
            copies[place][row.id] = station.transactions[row.id] = transaction_state(row, station.identity)
    for states in copies:
        load_events(states)


def _active(stations: list[int]) -> list[Transaction]:
    from transactions.models import Transaction

    return list(Transaction.objects.active().filter(charge_point__in=stations))


def _recent(stations: list[int]) -> list[Transaction]:
    """The last RECENT_TRANSACTIONS of each.

    First from which number on they are, one seek each in the index by station: a station has thousands.
    """
    from chargepoints.models import ChargePoint
    from transactions.models import Transaction

    newest = Transaction.objects.filter(charge_point=OuterRef("pk")).order_by("-id").values("id")
    begins = (
        ChargePoint.objects.filter(pk__in=stations)
        .order_by()
        .annotate(
            newest=Subquery(newest[:1]), begin=Subquery(newest[RECENT_TRANSACTIONS - 1 : RECENT_TRANSACTIONS])
        )
    )
    few: list[int] = []
    many: list[Q] = []
    for pk, latest, begin in begins.values_list("pk", "newest", "begin"):
        if begin is not None:
            many.append(Q(charge_point=pk, id__gte=begin))
        elif latest is not None:
            few.append(pk)
    found = list(Transaction.objects.filter(charge_point__in=few)) if few else []
    for start in range(0, len(many), _RANGES_AT_ONCE):
        found += Transaction.objects.filter(reduce(or_, many[start : start + _RANGES_AT_ONCE]))
    return found


def _load_remote_starts(by_pk: dict[int, list[Station]]) -> None:
    from accounts.models.token import normalise_uid
    from transactions.models import RemoteStart

    for expected in RemoteStart.objects.filter(charge_point__in=by_pk, outcome=RemoteStart.Outcome.WAITING):
        for station in by_pk[expected.charge_point_id]:
            station.remote_starts.append(
                ExpectedStart(
                    pk=expected.pk,
                    evse=expected.evse_number,
                    token_key=normalise_uid(expected.id_token),
                    remote_start_id=expected.remote_start_id,
                    expires_at=expected.expires_at,
                    id_token=expected.id_token,
                    id_token_type=expected.id_token_type,
                )
            )


def load_events(transactions: dict[int, TransactionState]) -> None:
    """Fill in which sequence numbers of 2.x transactions are stored already."""
    from transactions.models import TransactionEvent

    if not transactions:
        return
    events = TransactionEvent.objects.filter(transaction__in=list(transactions)).order_by("id")
    started: set[int] = set()
    for pk, seq_no, kind, fingerprint in events.values_list(
        "transaction_id", "seq_no", "type", "fingerprint"
    ):
        state = transactions[pk]
        if seq_no in state.seq_fingerprints and state.seq_types.get(seq_no) != kind:
            state.has_seq_order = False
        state.seq_fingerprints.setdefault(seq_no, fingerprint)
        state.seq_types.setdefault(seq_no, kind)
        if kind == TransactionEvent.Type.STARTED:
            started.add(pk)
    for state in transactions.values():
        if state.seq_types and state.id not in started:
            state.has_started = False


def apply_settings(station: Station, row: object) -> None:
    """What the operator set for this station, or the server's default."""
    from chargepoints.models import ChargePoint

    assert isinstance(row, ChargePoint)
    station.site_pk = row.site_id
    station.registration_status = row.registration_status
    station.strict = (row.validation or settings.OCPP_VALIDATION) == ChargePoint.Validation.STRICT
    station.accepts_unknown_tokens = row.accepts_unknown_tokens
    station.refuses_free_vending = row.unknown_tokens == ChargePoint.UnknownTokens.REFUSE
    station.heartbeat_interval = row.heartbeat_interval
    station.zone = None
    if row.assumed_timezone:
        try:
            station.zone = ZoneInfo(row.assumed_timezone)
        except (ZoneInfoNotFoundError, ValueError):
            log.warning("station.unknown_timezone", station=row.identity, zone=row.assumed_timezone)


def load_running() -> tuple[int, list[TransactionState]]:
    """The last transaction number issued, and all transactions that still show signs of life."""
    from transactions.models import Transaction

    recent = timezone.now() - SIGN_OF_LIFE
    active = Transaction.objects.active().filter(last_message_at__gte=recent).select_related("charge_point")
    states = [transaction_state(row, row.charge_point.identity) for row in active]
    return highest_number(), states


def active_numbers() -> list[int]:
    """The numbers of the transactions of `load_running`."""
    from transactions.models import Transaction

    recent = timezone.now() - SIGN_OF_LIFE
    return list(Transaction.objects.active().filter(last_message_at__gte=recent).values_list("id", flat=True))


def highest_number() -> int:
    """The last transaction number issued, as far as the database knows."""
    from transactions.models import Counter, Transaction

    counter = Counter.objects.get_or_create(name=Counter.TRANSACTION, defaults={"value": 999})[0].value
    highest = Transaction.objects.aggregate(highest=Max("id"))["highest"] or 0
    return max(counter, highest)


def keep_number(number: int) -> None:
    """Note the last number issued where several processes give them out; it never goes back."""
    from transactions.models import Counter

    Counter.objects.filter(name=Counter.TRANSACTION, value__lt=number).update(value=number)
