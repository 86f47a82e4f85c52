"""The buttons of the station page, as a table: name, title, icon, form, command and sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.commands import availability, data_transfer, provisioning
from chargepoints.models import ChargePoint, Command
from configuration.commands import variables
from ocpp_server.domain import DomainError, Invalid, StationOffline
from ocpp_server.transport import calls
from operations import button_forms as forms
from transactions.commands import authorization
from transactions.commands.remote_control import sessions, trigger, unlock
from transactions.models import Transaction

Send = Callable[..., Awaitable[Command]]
MOST_SESSIONS = 50


async def _any_action(
    charge_point: ChargePoint, *, action: str, payload: dict[str, Any], **how: Any
) -> Command:
    return await calls.call(charge_point, action, payload, **how)


async def _read_configuration(charge_point: ChargePoint, **how: Any) -> Command:
    return (await variables.read(charge_point, **how)).command


async def _data_transfer(
    charge_point: ChargePoint, *, vendor_id: str, message_id: str, data: str, **how: Any
) -> Command:
    return await data_transfer.data_transfer(
        charge_point, vendor_id=vendor_id, message_id=message_id or None, data=data or None, **how
    )


@dataclass(frozen=True)
class Button:
    name: str
    title: Promise
    icon: str
    form: type[forms.ButtonForm]
    send: Send
    sentence: Promise
    tone: str = ""


BUTTONS = (
    Button("start", _("Remote start"), "play_arrow", forms.RemoteStart, sessions.remote_start,
           _("Start a session with a token, as if it had been presented at the station."), "primary"),
    Button("stop", _("Remote stop"), "stop", forms.RemoteStop, sessions.remote_stop,
           _("Stop a running session.")),
    Button("reset", _("Reset"), "restart_alt", forms.Reset, provisioning.reset, _("Restart the station.")),
    Button("unlock", _("Unlock"), "lock_open", forms.Unlock, unlock.unlock,
           _("Unlock the connector of an EVSE.")),
    Button("availability", _("Availability"), "power_settings_new", forms.Availability,
           availability.change_availability, _("Put the station or one EVSE in or out of service.")),
    Button("trigger", _("Trigger"), "campaign", forms.Trigger, trigger.trigger,
           _("Request a message from the station now.")),
    Button("configuration-get", _("Get configuration"), "tune", forms.GetConfiguration, _read_configuration,
           _("Read the settings of the station. The answer is in the command log.")),
    Button("configuration-change", _("Change configuration"), "edit", forms.ChangeConfiguration,
           variables.change, _("Set one key or variable of the station.")),
    Button("cache", _("Clear cache"), "cleaning_services", forms.Nothing, authorization.clear_cache,
           _("Delete the tokens that the station has cached.")),
    Button("data", _("Data transfer"), "data_object", forms.DataTransfer, _data_transfer,
           _("Send a vendor-specific message.")),
    Button("any", _("Any action"), "terminal", forms.AnyAction, _any_action,
           _("Send any command of the station's OCPP version.")),
)  # fmt: skip
BY_NAME = {button.name: button for button in BUTTONS}


@dataclass(frozen=True)
class Outcome:
    """The result of a pressed button, for the page."""

    sent: bool
    sentence: str
    command: str = ""
    errors: tuple[dict[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "sent": self.sent,
            "sentence": self.sentence,
            "command": self.command,
            "errors": list(self.errors),
        }


def of(charge_point: ChargePoint) -> list[dict[str, Any]]:
    """The buttons with their forms, for the page."""
    choices_now = _station_choices(charge_point)
    return [{"button": button, "form": button.form(charge_point, *choices_now)} for button in BUTTONS]


def choices(charge_point: ChargePoint) -> dict[str, list[tuple[Any, str]]]:
    """The choices that change while the page is open, by the id of their select."""
    choices_now = _station_choices(charge_point)
    found: dict[str, list[tuple[Any, str]]] = {}
    for button in BUTTONS:
        form = button.form(charge_point, *choices_now)
        for name in form.fields.keys() & forms.CHANGING:
            found[str(form[name].id_for_label)] = list(form.fields[name].choices)  # type: ignore[attr-defined]
    return found


def press(button: Button, charge_point: ChargePoint, data: Any, *, actor: str) -> Outcome:
    """Send without waiting for the station: the page follows the command in the log."""
    form = button.form(charge_point, *_station_choices(charge_point), data=data)
    if not form.is_valid():
        errors = [
            {
                "field": str(form.fields[name].label or name) if name in form.fields else "",
                "reason": str(reason),
            }
            for name, reasons in form.errors.items()
            for reason in reasons
        ]
        return Outcome(False, _not_sent(_spelled(errors)), errors=tuple(errors))
    try:
        command = async_to_sync(button.send)(charge_point, actor=actor, wait=False, **_arguments(form))
    except Invalid as error:
        reason = f"{error.sentence} {_spelled(error.errors)}".strip()
        return Outcome(False, _not_sent(reason), errors=tuple(error.errors))
    except StationOffline:
        return Outcome(False, _offline(charge_point))
    except DomainError as error:
        return Outcome(False, _not_sent(error.sentence))
    sentence = gettext("Sent %(action)s to %(station)s.") % {
        "action": command.action,
        "station": charge_point.identity,
    }
    return Outcome(True, sentence, command.pk)


def _not_sent(reason: str) -> str:
    return gettext("Not sent: %(reason)s") % {"reason": reason}


def _offline(charge_point: ChargePoint) -> str:
    sentence = gettext("%(station)s is offline, so nothing was sent.") % {"station": charge_point.identity}
    if charge_point.last_seen_at is None:
        return sentence
    seen = timezone.localtime(charge_point.last_seen_at).strftime("%Y-%m-%d %H:%M")
    return f"{sentence} {gettext('Last seen %(time)s.') % {'time': seen}}"


def _arguments(form: forms.ButtonForm) -> dict[str, Any]:
    arguments = dict(form.cleaned_data)
    if "transaction" in arguments:
        # The form offers the running sessions of this station; the chosen one may have ended since.
        arguments["transaction"] = Transaction.objects.get(pk=arguments["transaction"])
    return arguments


def _station_choices(charge_point: ChargePoint) -> tuple[list[int], list[tuple[int, str]]]:
    """The EVSEs and the running sessions that the forms offer."""
    evses = list(charge_point.evses.order_by("number").values_list("number", flat=True))
    running = charge_point.transactions.active().order_by("-id")[:MOST_SESSIONS]
    return evses, [
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
    ]


def _spelled(errors: Any) -> str:
    return " ".join(
        f"{error['field']}: {error['reason']}" if error["field"] else error["reason"] for error in errors
    )
