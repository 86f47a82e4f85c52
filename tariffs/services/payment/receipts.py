"""The receipt of a payment: its address for the driver, and what it says (2.1 C23, ReceiptByCSMS)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.signing import BadSignature, Signer

from chargepoints.services.diagnostics import addresses
from ocpp_server.domain import Conflict
from ocpp_server.protocol.secrets import RECEIPTS
from tariffs.models import Payment
from tariffs.services.payment import payments
from tariffs.services.payment.payments import Place, Settlement
from transactions.models import Transaction

# The secret of an address is a keyed hash of the payment's number: a station that repeats its report gets the
# same address, and nothing of it is stored. With another SECRET_KEY, SECRET_KEY_FALLBACKS keeps it valid.
_SIGNER: Final = Signer(salt="tariffs.receipt")


class Receipt(NamedTuple):
    """The content of a receipt, as far as the station has reported it."""

    number: int
    station: str
    site: str
    address: str
    evse: int | None
    started_at: datetime
    ended_at: datetime | None
    energy_wh: float
    amount: Decimal
    currency: str
    settled_at: datetime
    psp_ref: str
    company: dict[str, Any] | None
    vat_number: str


def reported(at: Place, settlement: Settlement, number: int) -> dict[str, Any]:
    """Store a settlement under this number, and return the answer with its receipt. Uses the database."""
    return answer(payments.report(at, settlement, number=number))


def answer(payment: Payment) -> dict[str, Any]:
    """The receipt in the answer to NotifySettlement, for a settled payment of a known session.

    None where the station gives one itself, or this server does not know at which address drivers reach it.
    """
    if payment.receipt_url or not _has_receipt(payment):
        return {}
    address = url(payment)
    return {"receiptUrl": address, "receiptId": str(payment.pk)} if address else {}


def url(payment: Payment) -> str:
    """The address of the receipt of a payment; empty if this server does not know its own address."""
    try:
        base = settings.PUBLIC_URL or addresses.base_address()
    except Conflict:
        return ""
    return f"{base}{RECEIPTS}{payment.pk}/{_SIGNER.signature(str(payment.pk))}"


def find(number: int, secret: str) -> Receipt | None:
    """The receipt with this number and secret; None if there is none. Uses the database."""
    try:
        _SIGNER.unsign(f"{number}{_SIGNER.sep}{secret}")
    except BadSignature:
        return None
    rows = Payment.objects.select_related("charge_point__site", "transaction__session_cost")
    payment = rows.filter(pk=number).first()
    if payment is None or not _has_receipt(payment):
        return None
    session = payment.transaction
    assert session is not None
    assert payment.amount is not None
    site = payment.charge_point.site
    return Receipt(
        number=payment.pk,
        station=payment.charge_point.name or payment.charge_point.identity,
        site="" if site is None else site.name,
        address="" if site is None else ", ".join(filter(None, (site.address, site.postal_code, site.city))),
        evse=session.evse_number,
        started_at=session.started_at,
        ended_at=session.stopped_at,
        energy_wh=session.energy_wh,
        amount=payment.amount,
        currency=_currency(session),
        settled_at=payment.settled_at,
        psp_ref=payment.psp_ref,
        company=payment.company,
        vat_number=payment.vat_number,
    )


def _has_receipt(payment: Payment) -> bool:
    return (
        payment.status == Payment.Status.SETTLED
        and payment.amount is not None
        and payment.transaction_id is not None
    )


def _currency(session: Transaction) -> str:
    cost = getattr(session, "session_cost", None)
    return "" if cost is None else cost.currency
