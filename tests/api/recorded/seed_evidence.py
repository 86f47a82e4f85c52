"""The rows of inboxes that a scenario finds: refused connections, a deviation, a quarantined message and
unknown tokens.
"""

from __future__ import annotations

from datetime import UTC, datetime

from accounts.models import UnknownToken
from chargepoints.models import ChargePoint, Deviation, RefusedConnection
from tests.api.conftest import NOON
from transactions.models import QuarantinedMessage


def plant(alias: str, garage: ChargePoint) -> None:
    for number, identity, can_be_accepted in ((1, "YARD 7", True), (2, "GARAGE 1", False)):
        RefusedConnection.objects.using(alias).create(
            id=number,
            identity=identity,
            path=f"/ocpp/{identity}",
            remote_address="198.51.100.7",
            subprotocols="ocpp1.6",
            code=404 if can_be_accepted else 401,
            reason="Unknown station." if can_be_accepted else "Wrong password.",
            can_be_accepted=can_be_accepted,
            at=datetime.now(UTC),  # older ones than 30 days are deleted
        )
    Deviation.objects.using(alias).create(
        id=1,
        charge_point=garage,
        kind="unknown-action",
        action="Ping",
        example='[2,"1","Ping",{}]',
        count=3,
        first_at=NOON,
        last_at=NOON,
    )
    QuarantinedMessage.objects.using(alias).create(
        id=1,
        charge_point=garage,
        action="StopTransaction",
        reason=QuarantinedMessage.Reason.UNKNOWN_TRANSACTION,
        payload='{"transactionId":4711,"meterStop":1500,"timestamp":"2026-05-04T12:00:00Z"}',
        received_at=NOON,
        resolved_at=NOON,  # an open one would open an alert
    )
    for number, uid in ((1, "04AABBCC"), (2, "04AABBDD")):
        UnknownToken.objects.using(alias).create(
            id=number,
            uid=uid,
            uid_key=uid.lower(),
            last_seen_where="GARAGE 1",
            first_seen_at=NOON,
            last_seen_at=NOON,
        )
