"""Store the settlements of payments that stations report (2.1 NotifySettlement)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import transaction

from ocpp_server.events import outbox
from ocpp_server.events.catalogue import tariffs as events
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked, masked_words
from ocpp_server.storage import writes
from tariffs.models import Payment
from tariffs.services.tariff import amounts
from transactions.models import Transaction

_ACTION: Final = "NotifySettlement"


class Place(NamedTuple):
    """The station, as rows and events name it."""

    pk: int
    identity: str
    site: int | None


class Settlement(NamedTuple):
    """A report of a station. Its texts are no longer than their columns: the schema has checked them."""

    psp_ref: str
    ocpp_transaction_id: str
    status: str
    status_info: str
    amount: object
    settled_at: datetime
    receipt_id: str
    receipt_url: str
    vat_number: str
    company: Mapping[str, Any] | None
    at: datetime


def place(station: Station) -> Place:
    return Place(station.pk, station.identity, station.site_pk)


def number_of(at: Place, psp_ref: str) -> int:
    """The number of the payment with this reference, or of the row that `report` will add: the receipt in the
    answer names it before it is stored.
    """
    known = Payment.objects.filter(charge_point=at.pk, psp_ref=psp_ref[:255])
    return known.values_list("pk", flat=True).first() or writes.take_key(Payment)


def report(at: Place, settlement: Settlement, *, number: int | None = None) -> Payment:
    """Store a settlement: one row for each pspRef of the station. Uses the database.

    A repetition changes nothing. Another result counts, unless its settlement is older: a station sends its
    messages again after an outage. The session is searched among those of this station; a payment without one
    is kept. `number` is the primary key of a new row.
    """
    with transaction.atomic():
        row, is_new = Payment.objects.select_for_update().get_or_create(
            charge_point_id=at.pk,
            psp_ref=settlement.psp_ref[:255],
            defaults={**_columns(at, settlement), "pk": number, "received_at": settlement.at},
        )
        if is_new:
            _announce(at, row)
            return row
        row.reports += 1
        wanted = _columns(at, settlement)
        is_repeated = all(getattr(row, name) == wanted[name] for name in wanted.keys() - {"updated_at"})
        if is_repeated or settlement.settled_at < row.settled_at:
            row.save(update_fields=["reports"])
            return row
        for name, value in wanted.items():
            setattr(row, name, value)
        row.save()
        _announce(at, row)
        return row


def _columns(at: Place, settlement: Settlement) -> dict[str, Any]:
    company = settlement.company
    return {
        "transaction_id": _session(at, settlement.ocpp_transaction_id),
        "ocpp_transaction_id": settlement.ocpp_transaction_id[:255],
        "status": settlement.status[:16],
        "status_info": masked_words(settlement.status_info)[:500],
        "amount": amounts.amount(settlement.amount),
        "settled_at": settlement.settled_at,
        "receipt_id": settlement.receipt_id[:50],
        "receipt_url": masked_words(settlement.receipt_url)[:2000],
        "vat_number": settlement.vat_number[:20],
        "company": None if company is None else masked(dict(company), _ACTION),
        "updated_at": settlement.at,
    }


def _session(at: Place, ocpp_id: str) -> int | None:
    """The newest session of this station with this id."""
    if not ocpp_id:
        return None
    rows = Transaction.objects.filter(charge_point=at.pk, ocpp_id=ocpp_id)
    found: int | None = rows.order_by("-generation").values_list("pk", flat=True).first()
    return found


def _announce(at: Place, row: Payment) -> None:
    outbox.emit(
        events.PAYMENT_REPORTED,
        station=at.identity,
        site=at.site,
        paymentId=row.pk,
        transactionId=row.transaction_id,
        status=row.status,
        amount=amounts.text(row.amount),
        settledAt=row.settled_at,
    )
