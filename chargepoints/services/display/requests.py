"""Requests to show messages: their rows, and the states of those that no answer has settled."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import F
from django.db.transaction import on_commit
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, Command, DisplayMessage, FollowUp
from chargepoints.services import asking
from chargepoints.services.display.shown import Criteria, Report, columns_of, criteria_of, number_of
from chargepoints.services.follow_ups.gathering import MOST_PARTS, SEARCHED
from chargepoints.services.provisioning import stations
from ocpp_server import capabilities
from ocpp_server.commanding import NotSupported
from ocpp_server.storage.retention import DELETE_AT_ONCE

State = DisplayMessage.State

# How long a message is kept after its end.
ENDED_KEPT: Final = timedelta(days=90)
# The variables with the values that a station takes, by the field of the message.
_SUPPORTED: Final = {
    "format": "DisplayMessageCtrlr.SupportedFormats",
    "priority": "DisplayMessageCtrlr.SupportedPriorities",
    "state": "DisplayMessageCtrlr.SupportedStates",
}


def require_supported(charge_point: ChargePoint, given: Mapping[str, str]) -> None:
    """Raise NotSupported for a format, priority or state that the station does not report among those it
    takes. One that it has reported nothing about is sent. Uses the database.
    """
    reported = capabilities.reports.app.values(charge_point.pk, set(_SUPPORTED.values()))
    for field, value in given.items():
        name = _SUPPORTED[field]
        taken = {one.strip().casefold() for one in reported.get(name, "").split(",") if one.strip()}
        if value and taken and value.casefold() not in taken:
            raise NotSupported(
                gettext(
                    "%(station)s does not show the %(field)s %(value)s: it reports %(name)s=%(reported)s."
                )
                % {
                    "station": charge_point.identity,
                    "field": field,
                    "name": name,
                    "reported": reported[name][:200],
                    "value": value,
                }
            )


def create(charge_point: ChargePoint, message: Mapping[str, Any], *, command_id: str, actor: str) -> None:
    """The row of a message, before its command is sent with this id."""
    DisplayMessage.objects.create(
        **columns_of(message),
        pk=command_id,
        charge_point=charge_point,
        actor=actor[:150],
        created_at=datetime.now(UTC),
    )


def settle(command_id: str) -> DisplayMessage | None:
    """Give a request without an answer the state that follows from its command. Returns the row."""
    end = asking.unanswered(command_id)
    waiting = DisplayMessage.objects.filter(pk=command_id, state=State.REQUESTED)
    if end is not None and end.is_refused:
        waiting.update(state=State.REFUSED, reason=end.reason, ended_at=datetime.now(UTC))
    elif end is not None:
        waiting.update(state=State.UNANSWERED)
    row = DisplayMessage.objects.select_related("charge_point").filter(pk=command_id).first()
    if row is not None and row.state == State.UNANSWERED:
        # The process of the station compares the next report with it.
        identity = row.charge_point.identity
        on_commit(lambda: stations.reload(identity), robust=True)
    return row


def asked_for(charge_point_pk: int, number: int) -> Report | None:
    """The request that a report answers, and the messages in the parts that came before; None for a report
    that was not asked for here.
    """
    sent = Command.objects.filter(
        charge_point=charge_point_pk,
        action="GetDisplayMessages",
        payload__requestId=number,
        created_at__gte=datetime.now(UTC) - SEARCHED,
    )
    command = sent.order_by("-created_at").first()
    if command is None:
        return None
    parts = FollowUp.objects.filter(
        charge_point=charge_point_pk,
        action="NotifyDisplayMessages",
        request_id=number,
        received_at__gte=command.created_at,
    )
    rows = parts.order_by("-pk").only(*FollowUp.TEXT)[:MOST_PARTS]
    return Report(_criteria(command.payload), command.created_at, _numbers([row.payload for row in rows]))


def _criteria(payload: Any) -> Criteria:
    return criteria_of(payload if isinstance(payload, dict) else {})


def _numbers(texts: Collection[str]) -> frozenset[int]:
    parts = (json.loads(text).get("messageInfo", ()) for text in texts)
    return frozenset(number_of(message) for messages in parts for message in messages)


# -- jobs ----------------------------------------------------------------------------------------------------


def settle_waiting() -> None:
    """Settle the requests whose commands have ended, or were never sent."""
    asking.settle_waiting(DisplayMessage, settle)


def end_expired() -> None:
    """End the messages that have passed their end: the stations have removed them (O01.FR.07)."""
    passed = DisplayMessage.objects.current().filter(ends_at__lt=datetime.now(UTC))
    passed.update(state=State.EXPIRED, ended_at=F("ends_at"))


def delete_ended() -> None:
    """Delete the messages that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = DisplayMessage.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    DisplayMessage.objects.filter(pk__in=oldest).delete()
