"""The buttons of the station page: name, words, inputs and the intent each one calls. Reads as a table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync

from chargepoints.commands import availability, data_transfer, provisioning
from chargepoints.models import ChargePoint, Command
from configuration.commands import variables
from ocpp_server.domain import DomainError, Invalid
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
    words: str
    icon: str
    form: type[forms.ButtonForm]
    send: Send
    sentence: str
    tone: str = ""


BUTTONS = (
    Button("start", "Remote start", "play_arrow", forms.RemoteStart, sessions.remote_start,
           "Start a session, as if the token had been held to the station.", "primary"),
    Button("stop", "Remote stop", "stop", forms.RemoteStop, sessions.remote_stop, "End a running session."),
    Button("reset", "Reset", "restart_alt", forms.Reset, provisioning.reset, "Restart the station."),
    Button("unlock", "Unlock", "lock_open", forms.Unlock, unlock.unlock, "Release the plug of an EVSE."),
    Button("availability", "Availability", "power_settings_new", forms.Availability,
           availability.change_availability, "Put the station or one EVSE in or out of service."),
    Button("trigger", "Trigger", "campaign", forms.Trigger, trigger.trigger,
           "Have the station send a message now."),
    Button("configuration-get", "Get configuration", "tune", forms.GetConfiguration, _read_configuration,
           "Ask what the station is set to. The answer is in the command log."),
    Button("configuration-change", "Change configuration", "edit", forms.ChangeConfiguration,
           variables.change, "Set one key or variable of the station."),
    Button("cache", "Clear cache", "cleaning_services", forms.Nothing, authorization.clear_cache,
           "Make the station forget the tokens it knows."),
    Button("data", "Data transfer", "data_object", forms.DataTransfer, _data_transfer,
           "Send a vendor's own message."),
    Button("any", "Any action", "terminal", forms.AnyAction, _any_action,
           "Send any command of the station's OCPP version."),
)  # fmt: skip
BY_NAME = {button.name: button for button in BUTTONS}


@dataclass(frozen=True)
class Outcome:
    """What the page says after a button was pressed."""

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
    around = _around(charge_point)
    return [{"button": button, "form": button.form(charge_point, *around)} for button in BUTTONS]


def choices(charge_point: ChargePoint) -> dict[str, list[tuple[Any, str]]]:
    """What the selects offer that changes while the page is open, by the id of the select."""
    around = _around(charge_point)
    found: dict[str, list[tuple[Any, str]]] = {}
    for button in BUTTONS:
        form = button.form(charge_point, *around)
        for name in form.fields.keys() & forms.MOVING:
            found[str(form[name].id_for_label)] = list(form.fields[name].choices)  # type: ignore[attr-defined]
    return found


def press(button: Button, charge_point: ChargePoint, data: Any, *, actor: str) -> Outcome:
    """Send without waiting for the station: the page follows the command in the log."""
    form = button.form(charge_point, *_around(charge_point), data=data)
    if not form.is_valid():
        errors = [
            {
                "field": str(form.fields[name].label or name) if name in form.fields else "",
                "reason": str(reason),
            }
            for name, reasons in form.errors.items()
            for reason in reasons
        ]
        return Outcome(False, "Not sent: " + _spelled(errors), errors=tuple(errors))
    try:
        command = async_to_sync(button.send)(charge_point, actor=actor, wait=False, **_arguments(form))
    except Invalid as error:
        return Outcome(
            False, f"Not sent: {error.sentence} {_spelled(error.errors)}".strip(), errors=tuple(error.errors)
        )
    except DomainError as error:
        return Outcome(False, f"Not sent: {error.sentence}")
    return Outcome(True, f"{command.action} is on its way to {charge_point.identity}.", command.pk)


def _arguments(form: forms.ButtonForm) -> dict[str, Any]:
    arguments = dict(form.cleaned_data)
    if "transaction" in arguments:
        # Chosen from the running sessions of this very station; it may have ended since the page was drawn.
        arguments["transaction"] = Transaction.objects.get(pk=arguments["transaction"])
    return arguments


def _around(charge_point: ChargePoint) -> tuple[list[int], list[tuple[int, str]]]:
    """The EVSEs and the running sessions that the forms offer."""
    evses = list(charge_point.evses.order_by("number").values_list("number", flat=True))
    running = charge_point.transactions.active().order_by("-id")[:MOST_SESSIONS]
    return evses, [
        (session.pk, f"{session.pk} · EVSE {session.evse_number or '?'} · {session.id_token or 'no token'}")
        for session in running
    ]


def _spelled(errors: Any) -> str:
    return " ".join(
        f"{error['field']}: {error['reason']}" if error["field"] else error["reason"] for error in errors
    )
