"""Set the desired values that a station does not have: ChangeConfiguration in 1.6 (5.3), SetVariables in 2.x
(B05).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from configuration.commands import variables
from configuration.models import DesiredValue
from configuration.services.variables import desired, drift, limits
from configuration.services.variables.drift import Verdict
from ocpp_server import command_fields as fields
from ocpp_server import live, splitting
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls

State = DesiredValue.State

# An operator also applies values that the station refused, or did not know, before.
ASKED_FOR: Final = (*drift.OPEN, State.REFUSED, State.UNKNOWN_KEY)
# The most variables per CALL to a station that has not reported its limit.
_MOST: Final = 20
_UNANSWERED: Final = frozenset({Command.State.TIMEOUT, Command.State.DISCONNECTED})


async def apply(
    charge_point: ChargePoint, rows: Sequence[DesiredValue], *, actor: str, **how: Any
) -> list[Command]:
    """Set these values, one CALL after the other. A CALL without an answer ends the sequence.

    The answers are stored when they arrive, see `drift.answered`. A value that the dialect can't express
    counts as refused, and so does one that the station has reported not to take. Raises StationOffline and
    the other errors of `calls.call`.
    """
    rows = await _within_limits(charge_point, rows)
    send = _keys if variables.has_keys(charge_point) else _variables
    sent = []
    async for row in send(charge_point, rows, actor=actor, **how):
        sent.append(row)
        if row.state in _UNANSWERED:
            break
    return sent


async def _within_limits(charge_point: ChargePoint, rows: Sequence[DesiredValue]) -> list[DesiredValue]:
    """The values that may be sent. Those of templates are not compared with each station before."""
    described = await journal.run(limits.described, charge_point.pk, [row.key for row in rows])
    kept = []
    for row in rows:
        if refusal := limits.of_row(described.get(row.key.lower()), row.key, row.value):
            await _refused(row, Invalid(refusal))
        else:
            kept.append(row)
    return kept


async def _keys(
    charge_point: ChargePoint, rows: Sequence[DesiredValue], **how: Any
) -> AsyncIterator[Command]:
    for row in rows:
        try:
            payload = {"key": row.key, "value": row.value}
            yield await calls.call(charge_point, "ChangeConfiguration", payload, **how)
        except Invalid as error:
            await _refused(row, error)


async def _variables(
    charge_point: ChargePoint, rows: Sequence[DesiredValue], **how: Any
) -> AsyncIterator[Command]:
    named = []
    for row in rows:
        try:
            named.append(variables.variable(row.key, "key") | {"attributeValue": row.value})
        except Invalid as error:
            await _refused(row, error)
    for start in range(0, len(named), _MOST):
        payload = {"setVariableData": named[start : start + _MOST]}
        sent, _parts = await splitting.send(charge_point, "SetVariables", payload, **how)
        yield sent


async def _refused(row: DesiredValue, error: Invalid) -> None:
    now = datetime.now(UTC)
    await journal.run(
        drift.record_answer,
        row.charge_point_id,
        row.key,
        row.value,
        verdict=Verdict.REFUSED,
        reason=error.sentence,
        at=now,
    )


async def reapply(charge_point: ChargePoint, *, actor: str) -> list[Command]:
    """Set the values again that the station has lost, and that are to be applied after boots."""
    rows = await journal.run(desired.open_values, charge_point.pk, only={"reapplies": True})
    return await apply(charge_point, rows, actor=actor) if rows else []


async def _apply(
    charge_point: ChargePoint,
    *,
    keys: Collection[str] = (),
    actor: str,
    timeout: float | None,
    wait: bool,
) -> Result:
    connection = await live.state().connection(charge_point.identity)
    if connection is None:
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    charge_point.ocpp_version = connection.version
    await journal.run(desired.resolve, charge_point)
    rows = await journal.run(desired.open_values, charge_point.pk, states=ASKED_FOR)
    folded = {key.casefold() for key in keys}
    rows = [row for row in rows if not folded or row.key.casefold() in folded]
    sent = await apply(charge_point, rows, actor=actor, timeout=timeout, wait=wait)
    if not sent:
        raise Conflict(f"{charge_point.identity} has no desired value that could be set now.")
    pks = [row.pk for row in rows]
    now = await journal.run(lambda: list(DesiredValue.objects.filter(pk__in=pks).order_by("key")))
    data = {"desired": [{"key": row.key, "state": row.state, "reason": row.reason} for row in now]}
    return Result(_telling(sent), data | {"requestIds": [one.id for one in sent]})


def _telling(sent: Sequence[Command]) -> Command:
    """The command for the answer: the one that ended the sequence, else the first that is not accepted."""
    if sent[-1].state in _UNANSWERED:
        return sent[-1]
    return next((one for one in sent if one.state != Command.State.ACCEPTED), sent[0])


APPLY_CONFIGURATION = command(
    "apply-configuration",
    _("Apply configuration"),
    _("Set the desired values that the station does not have."),
    action="SetVariables",
    action_16="ChangeConfiguration",
    icon="checklist",
    position=85,
    fields=(
        fields.Texts(
            "keys",
            _("Keys"),
            most_characters=210,
            help=_("One key or variable per line. Leave empty to apply all."),
            example=["MeterValueSampleInterval"],
        ),
    ),
    danger=_("A wrong value can take the station offline."),
    run=_apply,
    rest=Rest(
        answer="configuration.serializers.AppliedSerializer",
        description="Sends the desired values that differ, in as many requests as the station needs. The "
        "answer has the state of each value afterwards: a station may accept some and refuse others.",
    ),
)
