"""The ORM as the source of the live state: what a process needs when it starts, and when a station
connects.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from ocpp_server.live.records import ConnectorState, ExpectedStart, TransactionState
from ocpp_server.live.station import Station

log = structlog.get_logger(__name__)

# Ended transactions that are kept in hand to answer repeated and late messages without a database read.
RECENT_TRANSACTIONS = 8
# Cards that hold a session open without a sign of life must not stay refused for ever.
SIGN_OF_LIFE = timedelta(hours=24)


def transaction_state(row: object, station: str) -> TransactionState:
    """The live form of a stored transaction, without its event history (see `load_events`)."""
    from accounts.models.token import normalise_uid
    from transactions.models import Transaction

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
        suspect_reasons=list(row.suspect_reasons),
        last_seq_no=row.last_seq_no,
        remote_start_id=row.remote_start_id,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        last_message_at=row.last_message_at,
    )


def load_station(charge_point_pk: int, version: str) -> Station:
    """The live station of a charge point, with its connectors and its running and recent transactions."""
    from accounts.models.token import normalise_uid
    from chargepoints.models import ChargePoint, Connector
    from transactions.models import QuarantinedMessage, RemoteStart, Transaction

    row = ChargePoint.objects.get(pk=charge_point_pk)
    station = Station(pk=row.pk, identity=row.identity, version=version)
    apply_settings(station, row)
    station.status = row.status
    station.has_booted = row.last_boot_at is not None
    station.clock_skew_s = row.clock_skew_s
    for connector in Connector.objects.filter(charge_point=row).select_related("evse"):
        station.connectors[connector.evse.number, connector.number] = ConnectorState(
            pk=connector.pk,
            evse=connector.evse.number,
            number=connector.number,
            status=connector.status,
            error_code=connector.error_code,
            info=connector.info,
            reported_at=connector.status_received_at,
        )
    stored = Transaction.objects.filter(charge_point=row)
    active = list(stored.active())
    recent = list(stored.order_by("-id")[:RECENT_TRANSACTIONS])
    for transaction in {t.pk: t for t in [*recent, *active]}.values():
        state = transaction_state(transaction, row.identity)
        station.transactions[state.id] = state
    load_events(station.transactions)
    station.remote_starts = [
        ExpectedStart(
            pk=expected.pk,
            evse=expected.evse_number,
            token_key=normalise_uid(expected.id_token),
            remote_start_id=expected.remote_start_id,
            expires_at=expected.expires_at,
        )
        for expected in RemoteStart.objects.filter(charge_point=row, outcome=RemoteStart.Outcome.WAITING)
    ]
    station.orphans = QuarantinedMessage.objects.waiting_stops(row).count()
    return station


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
