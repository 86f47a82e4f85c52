"""An operator's limits of a running session (2.1 E16): the answer to the next event sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import structlog
from django.db import transaction

from chargepoints.models import ChargePoint
from ocpp_server import capabilities
from ocpp_server.domain import Conflict, Missing
from ocpp_server.error_codes import Code
from ocpp_server.protocol import schemas
from ocpp_server.protocol.actions import action
from ocpp_server.protocol.translate import supported_limits
from ocpp_server.protocol.versions import VERSIONS, Version, label
from transactions.models import Transaction
from transactions.services.transactions import closing
from transactions.services.transactions.abilities import SUPPORTED_LIMITS

log = structlog.get_logger(__name__)


def ask(number: int, *, limits: Mapping[str, float], actor: str) -> Transaction:
    """Store limits by their names in 2.1; others that were asked for before stay. A limit is removed by a
    very high one (E16.FR.17).

    Raises Missing, and Conflict for a session that has ended, and for a limit that its station does not have.
    """
    with transaction.atomic():
        rows = Transaction.objects.select_for_update(of=("self",)).select_related("charge_point")
        row = rows.filter(pk=number).first()
        if row is None:
            raise Missing(f"Session {number} not found.")
        if not row.is_active:
            raise Conflict(f"Session {number} has ended.", code=Code.TRANSACTION_ENDED)
        require(row.charge_point, limits)
        row.limits_asked = (row.limits_asked or {}) | dict(limits)
        # No message writes this column, so none is lost.
        Transaction.objects.filter(pk=number).update(limits_asked=row.limits_asked)
        closing.reload_when_stored(row)
    log.info("transaction.limited", transaction=number, station=row.charge_point.identity, actor=actor)
    return row


def require(charge_point: ChargePoint, limits: Iterable[str]) -> None:
    """Raise Conflict if the station, or its version, does not have one of these limits. Uses the database."""
    version = charge_point.ocpp_version
    if version not in VERSIONS or not has_limits(Version(version)):
        name = label(version) if version in VERSIONS else version
        raise Conflict(f"OCPP {name} has no limits of a session.", code=Code.NOT_SUPPORTED)
    reported = capabilities.reports.app.values(charge_point.pk, (SUPPORTED_LIMITS,))
    supported = supported_limits(reported.get(SUPPORTED_LIMITS, ""))
    if unsupported := [name for name in limits if name not in supported]:
        raise Conflict(
            f"The station has not reported that it supports {', '.join(unsupported)} ({SUPPORTED_LIMITS}).",
            code=Code.NOT_SUPPORTED,
        )


@cache
def has_limits(version: Version) -> bool:
    """Whether the answer to an event can have limits in this version."""
    if action("TransactionEvent", version) is None:
        return False
    return "transactionLimit" in schemas.message_schema(version, "TransactionEvent", "response")["properties"]
