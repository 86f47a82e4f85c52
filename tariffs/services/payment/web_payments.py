"""Web payments (2.1 C25): a code opens one, the payment service confirms it, and the session starts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from ocpp_server import live
from ocpp_server.commanding import OperatorCommand, find
from ocpp_server.domain import Conflict, DomainError, StationOffline
from ocpp_server.protocol.translate import lowest
from ocpp_server.protocol.translate.limits import COST, ENERGY, TIME
from ocpp_server.storage.journal import journal
from ocpp_server.storage.retention import DELETE_AT_ONCE
from tariffs.models import WebPayment
from tariffs.services.payment import checkouts
from tariffs.services.payment.qr_codes import Verified
from tariffs.services.tariff import amounts
from transactions.models import RemoteStart, RequestedStart
from transactions.services.authorization.direct_payments import DIRECT_PAYMENT
from transactions.services.remote_control import requested_starts
from transactions.services.transactions import asking_limits

log = structlog.get_logger(__name__)

State = WebPayment.State
_ACTOR: Final = "web payment"
_NOTIFY, _START = "notify-web-payment", "remote-start"
# A remote start is decided within this time: the station's answer, and the time to plug in.
_DECIDED_WITHIN: Final = timedelta(minutes=10)
# Payments that the driver did not make are deleted after this.
UNPAID_KEPT: Final = timedelta(days=30)
_NO_ANSWER: Final = "The station did not answer the remote start."
_NO_SESSION: Final = "No session started: no vehicle was plugged in in time."


# -- opening -------------------------------------------------------------------------------------------------


async def begin(code: Verified) -> str | None:
    """Open a payment, and return the address of the payment service. None if the code has been used.

    The station gets NotifyWebPaymentStarted, and keeps the EVSE for the driver. Raises DomainError if the
    station is offline or can't keep the limits, and if the payment service does not open the payment.
    """
    station = code.charge_point
    if not live.state().is_connected(station.identity):
        raise StationOffline(f"{station.identity} is known but offline.")
    row = await journal.run(_open, code, datetime.now(UTC))
    if row is None:
        return None
    checkout = checkouts.Checkout(row.pk, station.identity, code.evse, code.limits, row.expires_at)
    try:
        address = await checkouts.provider.address(checkout)
        await _command(_NOTIFY).perform(
            station,
            actor=_ACTOR,
            wait=False,
            evse_number=code.evse,
            timeout_s=settings.OCPP_WEB_PAYMENTS_PERIOD,
        )
    except DomainError as error:
        await journal.run(_fail, row.pk, error.sentence)
        raise
    log.info("web_payment.opened", station=station.identity, payment=row.pk)
    return address


def _open(code: Verified, now: datetime) -> WebPayment | None:
    """One payment for each password and EVSE. Raises Conflict for limits that the station does not have."""
    if code.limits:
        asking_limits.require(code.charge_point, code.limits)
    try:
        with transaction.atomic():
            return WebPayment.objects.create(
                charge_point=code.charge_point,
                evse_number=code.evse,
                totp_interval=code.interval,
                max_cost=amounts.amount(code.limits.get(COST)),
                max_energy_wh=code.limits.get(ENERGY),
                max_time_s=code.limits.get(TIME),
                opened_at=now,
                expires_at=now + timedelta(seconds=settings.OCPP_WEB_PAYMENTS_PERIOD),
                updated_at=now,
            )
    except IntegrityError:
        return None


def limits_of(row: WebPayment) -> dict[str, float]:
    """The limits of the session, by their names in 2.1."""
    found = {COST: row.max_cost, ENERGY: row.max_energy_wh, TIME: row.max_time_s}
    return {name: float(value) for name, value in found.items() if value is not None}


# -- paying --------------------------------------------------------------------------------------------------


async def confirm(number: int, *, psp_ref: str, limits: Mapping[str, float], actor: str) -> WebPayment:
    """Note that the driver has paid, and start the session. Returns the payment in its new state.

    The same confirmation again changes nothing. `limits` may lower those that the driver has chosen. Raises
    Conflict for a payment that has expired, has failed, or was confirmed with another reference.
    """
    row, is_new = await journal.run(
        _pay, number, psp_ref=psp_ref, limits=limits, actor=actor, now=datetime.now(UTC)
    )
    if not is_new:
        return row
    try:
        result = await _command(_START).perform(
            row.charge_point,
            actor=actor,
            id_token=psp_ref,
            id_token_type=DIRECT_PAYMENT,
            evse_number=row.evse_number,
            limits=limits_of(row),
        )
    except DomainError as error:
        await journal.run(_fail, number, error.sentence)
    else:
        await journal.run(_started, number, result.command)
    return await journal.run(WebPayment.objects.select_related("charge_point").get, pk=number)


def _pay(
    number: int, *, psp_ref: str, limits: Mapping[str, float], actor: str, now: datetime
) -> tuple[WebPayment, bool]:
    with transaction.atomic():
        rows = WebPayment.objects.select_for_update(of=("self",)).select_related("charge_point")
        row = rows.get(pk=number)
        if row.psp_ref == psp_ref:
            return row, False
        if row.psp_ref:
            raise Conflict("The payment was confirmed with another reference.")
        if row.state != State.OPENED or row.expires_at <= now:
            raise Conflict("The driver did not pay in time, or the payment has failed: cancel it.")
        lower = lowest(limits_of(row), limits)
        row.max_cost = amounts.amount(lower.get(COST))
        row.max_energy_wh, row.max_time_s = lower.get(ENERGY), lower.get(TIME)
        row.psp_ref, row.state = psp_ref, State.PAID
        row.confirmed_by, row.confirmed_at, row.updated_at = actor[:150], now, now
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            raise Conflict("Another payment was confirmed with this reference.") from None
    log.info("web_payment.paid", station=row.charge_point.identity, payment=number, actor=actor)
    return row, True


def _started(number: int, command: Any) -> None:
    """Store the answer to the remote start. Without an answer the payment stays paid: `settle` decides."""
    row = WebPayment.objects.filter(pk=number, state=State.PAID)
    row.update(command_id=command.id, updated_at=datetime.now(UTC))
    if command.state == command.State.ACCEPTED:
        row.update(state=State.STARTED)
    elif command.state in (command.State.REJECTED, command.State.ERROR, command.State.INVALID):
        _fail(number, f"The station answered {command.status or command.error_code or command.state}.")


def _fail(number: int, why: str) -> None:
    """The payment gets cancelled: a session that starts later must not count as paid."""
    rows = WebPayment.objects.filter(pk=number, state__in=(State.OPENED, State.PAID, State.STARTED))
    for station, payment in rows.exclude(psp_ref="").values_list("charge_point", "psp_ref"):
        requested_starts.cancel(station, payment)
    rows.update(state=State.FAILED, failure=why[:500], updated_at=datetime.now(UTC))


def _command(name: str) -> OperatorCommand:
    found = find(name)
    assert found is not None
    return found


# -- afterwards ----------------------------------------------------------------------------------------------


def settle(now: datetime) -> None:
    """End the payments whose time is up, and those whose remote start has led to no session."""
    overdue = WebPayment.objects.filter(state=State.OPENED, expires_at__lt=now)
    overdue.update(state=State.EXPIRED, updated_at=now)
    recent = now - 2 * _DECIDED_WITHIN
    undecided = WebPayment.objects.filter(state__in=(State.PAID, State.STARTED), updated_at__gt=recent)
    for row in undecided.filter(command_id=""):
        # The process that sent the remote start ended before it could store its id.
        sent = RequestedStart.objects.filter(charge_point=row.charge_point_id, payment=row.psp_ref)
        WebPayment.objects.filter(pk=row.pk).update(
            command_id=sent.values_list("pk", flat=True).first() or ""
        )
    commands = dict(undecided.exclude(command_id="").values_list("command_id", "pk"))
    for start in RemoteStart.objects.filter(command_id__in=list(commands)):
        number = commands[start.command_id]
        if start.outcome == RemoteStart.Outcome.NOTHING:
            _fail(number, _NO_SESSION)
        elif start.outcome == RemoteStart.Outcome.REFUSED:
            _fail(number, "The station refused the remote start.")
        else:
            WebPayment.objects.filter(pk=number, state=State.PAID).update(state=State.STARTED, updated_at=now)
    silent = WebPayment.objects.filter(state=State.PAID, updated_at__lt=now - _DECIDED_WITHIN)
    for number in silent.values_list("pk", flat=True):
        _fail(number, _NO_ANSWER)


def delete_unpaid(now: datetime) -> None:
    """Delete the payments that were never made, the oldest first; the next run continues."""
    unpaid = WebPayment.objects.filter(
        state__in=(State.EXPIRED, State.FAILED), psp_ref="", updated_at__lt=now - UNPAID_KEPT
    )
    oldest = list(unpaid.order_by("updated_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    WebPayment.objects.filter(pk__in=oldest).delete()


def sessions_of(rows: list[WebPayment]) -> dict[str, int | None]:
    """The server's number of the session of each remote start, by the id of its command."""
    commands = [row.command_id for row in rows if row.command_id]
    starts = RemoteStart.objects.filter(command_id__in=commands) if commands else RemoteStart.objects.none()
    return dict(starts.values_list("command_id", "transaction_id"))
