"""The boots that commands such as Reset lead to (decision 0069).

The boot may reach another process than the one that sent the command, so the waiting commands are in the
database alone. A job finds the boots that a process did not see through, and the commands whose time is over.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from chargepoints.models import ChargePoint, Command
from chargepoints.services import commands
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.observability import measures
from ocpp_server.transport import effects, restarts

# The reason of a BootNotification that was only asked for (2.x).
TRIGGERED: Final = "Triggered"
# Commands that are settled after one boot, or in one run of the job.
_AT_ONCE: Final = 200
# No command waits longer, from its first moment.
_OLDEST: Final = restarts.SCHEDULED_TIME + timedelta(hours=1)


def booted(charge_point_pk: int, at: datetime) -> None:
    """Settle the commands that were sent to a station before its boot at this time."""
    # By the time of the command, too: the station's commands are indexed by it, and it may have many.
    sent = Command.objects.filter(charge_point=charge_point_pk, created_at__gte=at - _OLDEST)
    waiting = sent.awaiting_boot().order_by("-created_at")
    for command in waiting.select_related("charge_point")[:_AT_ONCE]:
        if _sent_at(command) <= at:
            _settle(command, Command.Effect.SEEN, at)


def settle_overdue() -> None:
    """Settle the commands whose station has booted, or whose time is over."""
    now = datetime.now(UTC)
    sent = Command.objects.awaiting_boot().annotate(
        since=Coalesce("sent_at", "created_at"), boot_at=F("charge_point__last_boot_at")
    )
    sent = sent.select_related("charge_point").order_by("effect_until")
    seen = sent.filter(boot_at__gte=F("since")).exclude(charge_point__boot_reason=TRIGGERED)
    for command in seen[:_AT_ONCE]:
        _settle(command, Command.Effect.SEEN, command.charge_point.last_boot_at or now)
    for command in sent.filter(effect_until__lt=now)[:_AT_ONCE]:
        _settle(command, Command.Effect.MISSED, now)


def _sent_at(command: Command) -> datetime:
    return command.sent_at or command.created_at


def _settle(command: Command, effect: Command.Effect, at: datetime) -> None:
    columns: dict[str, Any] = {"effect": effect, "effect_until": None}
    if command.has_dropped:
        is_seen = effect == Command.Effect.SEEN
        columns |= {
            "state": Command.State.ACCEPTED if is_seen else Command.State.DISCONNECTED,
            "finished_at": at,
            "error_description": "" if is_seen else "The station dropped the connection and did not boot.",
        }
    with transaction.atomic():
        # Another process may settle the same command.
        same = Command.objects.awaiting_boot().filter(pk=command.pk, state=command.state)
        is_settled = commands.end_all(same, **columns) if "state" in columns else same.update(**columns)
        if is_settled:
            _announce(command.charge_point, command, effect)
    if is_settled and "state" in columns:
        measures.finished(command.action, columns["state"], None)


def _announce(charge_point: ChargePoint, command: Command, effect: Command.Effect) -> None:
    data: dict[str, Any] = {"requestId": command.pk, "effect": effects.BOOTED}
    kind = charging.EFFECT_MISSED
    if effect == Command.Effect.SEEN:
        kind, data = charging.EFFECT_SEEN, data | {"transactionId": None}
    outbox.emit(kind, station=charge_point.identity, site=charge_point.site_id, **data)
