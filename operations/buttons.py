"""The buttons of the station page, made from the declarations of the commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import commanding
from ocpp_server.admin import access
from ocpp_server.commanding import OperatorCommand
from ocpp_server.protocol.actions import ACTIONS
from ocpp_server.protocol.versions import VERSIONS
from operations.command_forms import Choices, CommandForm, Offered, changing_choices, element_id
from operations.sending import Kind, attempt, check, spelled

MOST_SESSIONS = 50
OTHERS: Final = _("Station")
# The headings of the buttons, with the blocks of their actions. A block that is missing is under OTHERS.
GROUPS: Final = {
    _("Sessions"): ("remote_control", "reservation", "transactions", "battery_swap"),
    OTHERS: ("provisioning", "availability", "authorization", "local_list", "display", "data_transfer"),
    _("Configuration"): ("variables", "network"),
    _("Certificates"): ("certificates",),
    _("Smart charging"): ("smart_charging", "v2x", "der"),
    _("Tariffs and payments"): ("tariff", "payment"),
    _("Logs and monitors"): ("diagnostics", "monitoring"),
    _("Firmware"): ("firmware",),
}
# The input with the sentence that the operator has confirmed.
CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Button:
    """A button with its form. `reason` is why the station does not support the command."""

    command: OperatorCommand
    form: CommandForm
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of a pressed button, for the page. `confirm` is a sentence to confirm before it is sent;
    `shown_once` are labels with texts that only this answer has.
    """

    sent: bool
    sentence: str
    command: str = ""
    confirm: str = ""
    errors: tuple[dict[str, str], ...] = ()
    shown_once: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"errors": list(self.errors)}


def allowed(user: Any) -> list[OperatorCommand]:
    """The commands that the user's role may send."""
    return [one for one in commanding.commands() if access.has_role(user, one.role)]


def of(charge_point: ChargePoint, user: Any) -> list[Button]:
    """The buttons with their forms, for the page: those that the station's version of OCPP has."""
    declared, offered = allowed(user), _offered(charge_point)
    if charge_point.ocpp_version in VERSIONS:
        declared = [one for one in declared if one.is_of(charge_point.ocpp_version)]
    reasons = commanding.unsupported(declared, charge_point)
    return [
        Button(one, CommandForm(one, one.fields_at(charge_point), offered), reasons.get(one.name, ""))
        for one in declared
    ]


def grouped(shown: Sequence[Button]) -> list[tuple[str, list[Button]]]:
    """The buttons under the headings of the page, without empty groups."""
    groups: dict[str, list[Button]] = {str(title): [] for title in GROUPS}
    for button in shown:
        action = ACTIONS.get(button.command.action or button.command.action_16)
        block = action.block if action is not None else ""
        groups[str(next((title for title, blocks in GROUPS.items() if block in blocks), OTHERS))].append(
            button
        )
    return [(title, members) for title, members in groups.items() if members]


def form_of(command: OperatorCommand, charge_point: ChargePoint, data: Any = None) -> CommandForm:
    """The form of one command, with the posted data if there are any."""
    return CommandForm(command, command.fields_at(charge_point), _offered(charge_point), data)


def choices(charge_point: ChargePoint, user: Any) -> dict[str, Choices]:
    """The choices that change while the page is open, by the id of their select."""
    declared, found = allowed(user), {}
    offered = _offered(charge_point) if declared else Offered()
    for one in declared:
        for field in one.fields_at(charge_point):
            listed = changing_choices(field, offered)
            if listed is not None:
                found[element_id(one, field.argument)] = listed
    return found


def press(
    command: OperatorCommand, charge_point: ChargePoint, form: CommandForm, *, confirmed: str, actor: str
) -> Outcome:
    """Send without waiting for the station: the page follows the command in the log.

    A dangerous command, or one with a warning, is sent only when `confirmed` is the sentence about that.
    """
    if not form.is_valid():
        return Outcome(False, _not_sent(spelled(form.problems)), errors=tuple(form.problems))
    danger = command.confirmation(charge_point, form.arguments)
    danger = " ".join(filter(None, (danger, command.warning(charge_point, form.arguments))))
    done = None
    if danger and danger != confirmed:
        done = async_to_sync(check)(command, charge_point)
        if done is None:
            sentence = gettext("Confirm to send it: %(danger)s") % {"danger": danger}
            return Outcome(False, sentence, confirm=danger)
    done = done or async_to_sync(attempt)(command, charge_point, form.arguments, actor=actor)
    if done.kind is not Kind.SENT:
        sentence = done.sentence if done.kind is Kind.OFFLINE else _not_sent(done.sentence)
        return Outcome(False, sentence, errors=done.errors)
    words = {"action": done.action, "station": charge_point.identity}
    sentence = gettext("Sent %(action)s to %(station)s.") % words
    return Outcome(True, sentence, done.command, shown_once=done.shown_once)


def _not_sent(reason: str) -> str:
    return gettext("Not sent: %(reason)s") % {"reason": reason}


def _offered(charge_point: ChargePoint) -> Offered:
    """The EVSEs and the running sessions that the forms offer."""
    evses = list(charge_point.evses.order_by("number").values_list("number", flat=True))
    running = charge_point.transactions.active().order_by("-id")[:MOST_SESSIONS]
    return Offered(
        evses,
        [
            (
                session.pk,
                gettext("%(number)s · EVSE %(evse)s · %(token)s")
                % {
                    "number": session.pk,
                    "evse": session.evse_number or "?",
                    "token": session.id_token or gettext("no token"),
                },
            )
            for session in running
        ],
    )
