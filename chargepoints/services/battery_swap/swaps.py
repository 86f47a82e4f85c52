"""The rows of battery swaps, written with the messages of the stations (2.1 S01 to S03)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings

from chargepoints.live import SWAPPING
from chargepoints.models import BatterySwap, ChargePoint
from chargepoints.services import asking
from chargepoints.services.battery_swap import rules
from chargepoints.services.battery_swap.rules import Battery, Known, Way
from chargepoints.tables import BATTERY_SWAPS, SWAPPED_BATTERIES
from ocpp_server import capabilities
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken
from ocpp_server.storage.retention import DELETE_AT_ONCE

State = BatterySwap.State

_TIMEOUT: Final = "BatterySwapCtrlr.BatterySwapInTimeout"
_MOST_SECONDS: Final = 86_400
# How long a swap is kept.
KEPT: Final = timedelta(days=730)


def charges_batteries(station: Station) -> bool:
    """Whether the station swaps batteries: it charges those in its slots without a token (S04)."""
    return bool(SWAPPING.of(station))


def find(charge_point_pk: int, number: int) -> Known | None:
    """The newest swap with this requestId. Uses the database."""
    rows = BatterySwap.objects.filter(charge_point=charge_point_pk, number=number)
    row = rows.order_by("-created_at").first()
    if row is None:
        return None
    batteries = frozenset(row.batteries.values_list("way", "slot", "serial_number"))
    return Known(row.pk, row.state, row.in_at, row.out_at, row.expires_at, row.ended_at, batteries)


def happened(
    *,
    station: Station,
    known: Known | None,
    number: int,
    token: IdToken,
    event: str,
    batteries: Sequence[Battery],
) -> str:
    """Store what a BatterySwap says. Returns the reason code of the first battery that is not accepted."""
    SWAPPING.of(station).add(station.pk)
    way, at = rules.WAYS[event], station.received_at
    incoming = rules.places(way, batteries)
    if known is not None and not rules.continues(known, incoming, at):
        known = None
    refusals = [
        rules.refusal(one, least_health=settings.OCPP_BATTERY_MIN_HEALTH) if way == Way.IN else ""
        for one in batteries
    ]
    refused = next(filter(None, refusals), "")
    if known is not None and incoming and incoming <= known.batteries:
        return refused  # a repetition
    key = _begin(station, number, token) if known is None else known.pk
    step = rules.after(known, way, at)
    station.unit.update(
        BATTERY_SWAPS,
        key,
        state=step.state.value,
        in_at=step.in_at,
        out_at=step.out_at,
        expires_at=step.expires_at,
        ended_at=step.ended_at,
    )
    for one, reason in zip(batteries, refusals, strict=True):
        station.unit.insert(
            SWAPPED_BATTERIES,
            swap_id=key,
            way=way.value,
            slot=one.slot,
            serial_number=one.serial_number,
            soc=one.soc,
            soh=one.soh,
            produced_at=one.produced_at,
            vendor_info=one.vendor_info,
            refusal=reason,
            at=at,
        )
    return refused


def _begin(station: Station, number: int, token: IdToken) -> str:
    """A swap that begins at the station."""
    key = station.row_key("swap", number)
    station.unit.insert(
        BATTERY_SWAPS,
        id=key,
        charge_point_id=station.pk,
        number=number,
        id_token=token.value[:255],
        id_token_type=token.type[:32],
        state=State.OPEN.value,
        created_at=station.received_at,
    )
    return key


# -- remote requests -----------------------------------------------------------------------------------------


def request(charge_point: ChargePoint, token: IdToken, number: int, *, command_id: str, actor: str) -> None:
    """The row of a request that is about to be sent with this id."""
    now = datetime.now(UTC)
    BatterySwap.objects.create(
        pk=command_id,
        charge_point=charge_point,
        number=number,
        is_remote=True,
        id_token=token.value,
        id_token_type=token.type,
        actor=actor[:150],
        created_at=now,
        expires_at=now + _timeout(charge_point) + rules.MARGIN,
    )


def _timeout(charge_point: ChargePoint) -> timedelta:
    """The time that the station gives the driver to put in a battery."""
    value = capabilities.reports.app.values(charge_point.pk, {_TIMEOUT}).get(_TIMEOUT, "").strip()
    if not value.isdecimal():
        return rules.USUAL_TIMEOUT
    return timedelta(seconds=min(int(value), _MOST_SECONDS))


def answered(
    *, station: Station, command_id: str, number: int, token: IdToken, is_accepted: bool, reason: str
) -> None:
    """The station's answer, also to a request of the generic command, which gets its row here."""
    at = station.received_at
    station.unit.insert(
        BATTERY_SWAPS,
        id=command_id,
        charge_point_id=station.pk,
        number=number,
        is_remote=True,
        id_token=token.value[:255],
        id_token_type=token.type[:32],
        actor=station.actor[:150],
        created_at=station.asked_at,
        expires_at=at + rules.USUAL_TIMEOUT + rules.MARGIN,
    )
    if is_accepted:
        SWAPPING.of(station).add(station.pk)
        station.unit.update(BATTERY_SWAPS, command_id, accepted_at=at)
    else:
        station.unit.update(
            BATTERY_SWAPS,
            command_id,
            state=State.REJECTED.value,
            reason=reason,
            expires_at=None,
            ended_at=at,
        )


def settle(command_id: str) -> BatterySwap | None:
    """Reject a request that was not sent, or answered with an error. Returns the row."""
    end = asking.unanswered(command_id)
    if end is not None and end.is_refused:
        waiting = BatterySwap.objects.filter(pk=command_id, state=State.REQUESTED, accepted_at__isnull=True)
        waiting.update(state=State.REJECTED, reason=end.reason, expires_at=None, ended_at=datetime.now(UTC))
    return BatterySwap.objects.filter(pk=command_id).first()


# -- jobs ----------------------------------------------------------------------------------------------------


def settle_waiting() -> None:
    """Settle the requests whose commands have ended, or were never sent."""
    asking.settle_waiting(BatterySwap, settle)


def end_overdue() -> None:
    """End the swaps that nothing followed in time: no battery after a request, or only one half."""
    now = datetime.now(UTC)
    overdue = BatterySwap.objects.filter(expires_at__lt=now, state__in=(State.REQUESTED, State.OPEN))
    overdue.update(state=State.LAPSED, expires_at=None, ended_at=now)


def delete_old() -> None:
    """Delete swaps after KEPT, the oldest first; the next run continues."""
    old = BatterySwap.objects.filter(created_at__lt=datetime.now(UTC) - KEPT).order_by("created_at")
    BatterySwap.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:DELETE_AT_ONCE])).delete()
