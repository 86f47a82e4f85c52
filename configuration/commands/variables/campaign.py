"""The kind "configuration": a campaign that gives stations the values of a template (1.6 5.3; 2.0.1 B05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Campaign, CampaignStation, ChargePoint
from chargepoints.services.campaigns.command import results_of
from chargepoints.services.campaigns.kinds import Arguments, Result
from configuration.commands.variables import applying
from configuration.models import DesiredValue
from configuration.services.variables import desired, drift, templates
from ocpp_server import live
from ocpp_server.credentials import Role
from ocpp_server.domain import Conflict, Invalid, Missing, StationOffline
from ocpp_server.storage.journal import journal
from ocpp_server.storage.row_numbers import row_number

State, Reason = CampaignStation.State, CampaignStation.Reason
Value = DesiredValue.State

# The values of one attempt: the queue of a station takes 64 requests. The others follow after the answers.
AT_ONCE: Final = 50
# Seconds for all answers of an attempt.
_LONGEST_S: Final = 300.0
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
# The states of values that the station will not take.
_REFUSED: Final = (Value.REFUSED, Value.UNKNOWN_KEY, Value.READ_ONLY)


class ConfigurationKind:
    """Its arguments are `templateId`, and `awaitReboot`: whether a station that takes values only with its
    next boot has its result after that boot (the default), or at once. `templateName` is for people.
    """

    name = "configuration"
    title = _("Configuration")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        unknown = sorted(arguments.keys() - {"templateId", "templateName", "awaitReboot"})
        if unknown:
            raise Invalid("Unknown; known are templateId, awaitReboot.", field=f"arguments.{unknown[0]}")
        awaits = arguments.get("awaitReboot", True)
        if not isinstance(awaits, bool):
            raise Invalid("Must be true or false.", field="arguments.awaitReboot")
        try:
            template = templates.template_of(row_number(str(arguments.get("templateId"))) or 0)
        except Missing:
            raise Invalid("Must be the number of a template.", field="arguments.templateId") from None
        return {"templateId": template.pk, "templateName": template.name, "awaitReboot": awaits}

    def role(self, arguments: Arguments) -> Role:
        return applying.APPLY_CONFIGURATION.role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return dict(arguments)  # a template has no secrets

    def sentence(self, arguments: Arguments) -> str:
        return gettext("Apply the template %(name)s") % {"name": arguments.get("templateName", "")}

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        """Send the values of the template that the station does not have, without waiting for the answers."""
        connection = await live.state().connection(charge_point.identity)
        if connection is None:
            raise StationOffline(f"{charge_point.identity} is known but offline.")
        charge_point.ocpp_version = connection.version
        template = await journal.run(templates.template_of, arguments["templateId"])
        try:
            await journal.run(templates.use, charge_point, template)
        except Conflict as error:
            return Result(State.SKIPPED, Reason.NOT_SUPPORTED, error.sentence)
        only = {"template": template.pk}
        values = await journal.run(desired.open_values, charge_point.pk, states=Value, only=only)
        if not values:
            return Result(State.SKIPPED, Reason.REFUSED, gettext("Other desired values win."))
        if all(one.state == Value.SAME for one in values):
            return Result(State.SKIPPED, detail=gettext("The station has the values already."))
        open_values = [one for one in values if one.state in applying.ASKED_FOR]
        asked = sorted(open_values, key=lambda one: one.answered_at or _NEVER)[:AT_ONCE]
        timeout = min(settings.OCPP_CALL_TIMEOUT * len(asked), _LONGEST_S)
        await applying.apply(charge_point, asked, actor=actor, timeout=timeout, wait=False)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        """The results by the states of the desired values, once all requests have ended."""
        if not rows:
            return {}
        sent = results_of([row for row in rows if row.command_id is not None])
        values: dict[int, list[DesiredValue]] = {row.charge_point_id: [] for row in rows}
        template_id = rows[0].campaign.arguments["templateId"]
        for one in DesiredValue.objects.filter(charge_point__in=values, template=template_id).order_by("key"):
            values[one.charge_point_id].append(one)
        found = {}
        for row in rows:
            if row.command_id is not None and row.pk not in sent:
                continue
            result = judged(row, values[row.charge_point_id], sent.get(row.pk))
            if (result.state, result.detail[:500]) != (row.state, row.detail):
                found[row.pk] = result
        return found


def judged(row: CampaignStation, values: Sequence[DesiredValue], sent: Result | None) -> Result:
    """The result of a station by its values of the template. `sent` is that of the requests, if there were
    some. A station that waits for its boot stays `sent`, and one with further values to send waits again.
    """
    campaign = row.campaign
    if not values:
        return Result(State.FAILED, Reason.REFUSED, gettext("The template has no value for this station."))
    refused = [one for one in values if one.state in _REFUSED]
    lacking = [one for one in values if one.state in drift.OPEN]
    detail = _words([*refused, *lacking])
    if sent is not None and sent.state == State.FAILED and sent.reason != Reason.REJECTED:
        return Result(sent.state, sent.reason, " ".join(filter(None, (sent.detail, detail))))
    is_unsent = any((one.answered_at or _NEVER) < campaign.created_at for one in lacking)
    if is_unsent and row.attempts < -(-len(values) // AT_ONCE):
        return Result(State.WAITING)
    if refused:
        return Result(State.FAILED, Reason.REJECTED, detail)
    if lacking:
        return Result(State.FAILED, Reason.NO_EFFECT, detail)
    pending = ", ".join(one.key for one in values if one.state == Value.PENDING_REBOOT)
    if not pending:
        return Result(State.DONE)
    is_awaited = campaign.arguments["awaitReboot"] and campaign.state != Campaign.State.CANCELLED
    detail = gettext("Waits for a reboot: %(keys)s.") % {"keys": pending}
    return Result(State.SENT if is_awaited else State.DONE, detail=detail)


def _words(values: Sequence[DesiredValue]) -> str:
    """Each key with the reason of the station, or with its state."""
    return " ".join(f"{one.key}: {one.reason or one.get_state_display()}." for one in values)


CONFIGURATION: Final = ConfigurationKind()
