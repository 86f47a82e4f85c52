"""Remote starts that promise more than their message says: limits of the session, or a driver who has paid.

2.1 C18-C25: a payment terminal apart from the station, or a page on the web. The driver has paid before the
start; the session must get the limits of the payment, and its token is the reference of the payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, Final

from ocpp_server.domain import Invalid
from ocpp_server.protocol import schemas
from ocpp_server.protocol.actions import action
from ocpp_server.protocol.translate.limits import LIMITS, SOC, TIME
from ocpp_server.protocol.versions import Version
from ocpp_server.storage.retention import DELETE_AT_ONCE
from transactions.models import RequestedStart
from transactions.services.authorization.direct_payments import DIRECT_PAYMENT

ACTION: Final = "RequestStartTransaction"
# A station that was offline may send its session days later.
KEPT: Final = timedelta(days=30)
# The highest value of each limit: the cost and the energy as for a running session, the time in 32 bits.
_HIGHEST: Final = dict.fromkeys(LIMITS, 1e9) | {TIME: 2**31 - 1, SOC: 100}


def checked_limits(given: Mapping[str, Any]) -> dict[str, float]:
    """The limits by their names in 2.1. Raises Invalid for another name, and for what is no limit."""
    for name, value in given.items():
        if name not in LIMITS:
            raise Invalid(f"Allowed are {', '.join(LIMITS)}.", field="limits")
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not is_number or not 0 <= value <= _HIGHEST[name]:
            raise Invalid(f"{name} must be a number from 0 to {_HIGHEST[name]:.0f}.", field="limits")
        if name in (TIME, SOC) and not float(value).is_integer():
            raise Invalid(f"{name} must be a whole number.", field="limits")
    return {name: float(value) for name, value in given.items()}


def has_direct_payment(version: Version) -> bool:
    """Whether the token of a remote start can be a payment in this version."""
    if action(ACTION, version) is None:
        return False
    payload = {"idToken": {"idToken": "x", "type": DIRECT_PAYMENT}, "remoteStartId": 1}
    try:
        schemas.outgoing(version, ACTION, "request", payload)
    except schemas.PayloadInvalid:
        return False
    return True


def note(
    charge_point_pk: int,
    *,
    command_id: str,
    remote_start_id: int,
    payment: str,
    limits: Mapping[str, float],
    at: datetime,
) -> None:
    """Store what the start promises, before it is sent. Uses the database."""
    RequestedStart.objects.create(
        pk=command_id,
        charge_point_id=charge_point_pk,
        remote_start_id=remote_start_id,
        payment=payment[:255],
        limits=dict(limits),
        created_at=at,
    )


def forget(command_id: str) -> None:
    """Forget a start that was not sent."""
    RequestedStart.objects.filter(pk=command_id).delete()


def cancel(charge_point_pk: int, payment: str) -> None:
    """Let no session use a payment that is given back. Uses the database."""
    RequestedStart.objects.filter(charge_point=charge_point_pk, payment=payment).update(is_cancelled=True)


def limits_of(command_id: str) -> dict[str, float]:
    """The limits that were promised with the command; empty if there are none."""
    found = RequestedStart.objects.filter(pk=command_id).values_list("limits", flat=True).first()
    return dict(found or {})


def delete_old(now: datetime) -> None:
    """Delete the starts that were requested before KEPT, the oldest first; the next run continues."""
    old = RequestedStart.objects.filter(created_at__lt=now - KEPT)
    oldest = list(old.order_by("created_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    RequestedStart.objects.filter(pk__in=oldest).delete()
