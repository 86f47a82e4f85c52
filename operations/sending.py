"""Sending a declared command to one station without waiting for its answer, and the result in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, Command
from ocpp_server import live
from ocpp_server.commanding import NotSupported, OperatorCommand
from ocpp_server.domain import DomainError, Invalid, StationOffline


class Kind(StrEnum):
    """The outcome of an attempt to send."""

    SENT = "sent"
    OFFLINE = "offline"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"


@dataclass(frozen=True)
class Attempt:
    """The result of an attempt. `command` is the id of the sent command, `sentence` a warning about it or the
    reason for none. `shown_once` are labels with texts that one page shows and nothing stores.
    """

    kind: Kind
    sentence: str = ""
    command: str = ""
    action: str = ""
    errors: tuple[dict[str, str], ...] = ()
    shown_once: tuple[tuple[str, str], ...] = ()


async def attempt(
    command: OperatorCommand, charge_point: ChargePoint, arguments: Mapping[str, Any], *, actor: str
) -> Attempt:
    """Send the command, and return at once. A rule that refuses it becomes the attempt's sentence."""
    try:
        result = await command.perform(charge_point, actor=actor, wait=False, **arguments)
    except DomainError as error:
        return refused(charge_point, error)
    row: Command = result.command
    shown = tuple((str(label), str((result.data or {})[name])) for name, label in result.shown_once.items())
    return Attempt(Kind.SENT, result.warning, command=row.pk, action=row.action, shown_once=shown)


async def check(command: OperatorCommand, charge_point: ChargePoint) -> Attempt | None:
    """The attempt that fails whatever the arguments are; None if the station may get the command."""
    try:
        await command.require(charge_point)
        if not live.state().is_connected(charge_point.identity):
            raise StationOffline
    except DomainError as error:
        return refused(charge_point, error)
    return None


def refused(charge_point: ChargePoint, error: DomainError) -> Attempt:
    """The result of an attempt that ended with this error."""
    match error:
        case StationOffline():
            return Attempt(Kind.OFFLINE, _offline(charge_point))
        case NotSupported():
            return Attempt(Kind.UNSUPPORTED, error.sentence)
        case Invalid():
            # An error of one field has its sentence as the reason of that field: say it once.
            is_said = any(one["reason"] == error.sentence for one in error.errors)
            sentence = (
                spelled(error.errors) if is_said else f"{error.sentence} {spelled(error.errors)}".strip()
            )
            return Attempt(Kind.REFUSED, sentence, errors=tuple(error.errors))
    return Attempt(Kind.REFUSED, error.sentence)


def spelled(errors: Any) -> str:
    """The invalid inputs in one line."""
    return " ".join(
        f"{error['field']}: {error['reason']}" if error["field"] else error["reason"] for error in errors
    )


def _offline(charge_point: ChargePoint) -> str:
    sentence = gettext("%(station)s is offline, so nothing was sent.") % {"station": charge_point.identity}
    if charge_point.last_seen_at is None:
        return sentence
    seen = timezone.localtime(charge_point.last_seen_at).strftime("%Y-%m-%d %H:%M")
    return f"{sentence} {gettext('Last seen %(time)s.') % {'time': seen}}"
