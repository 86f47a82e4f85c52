"""The inputs of the station page's buttons, in the operator's words; the intents translate to the dialect."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chargepoints.commands import provisioning
from chargepoints.models import ChargePoint
from configuration.commands import variables
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.transport import calls
from transactions.commands.remote_control import trigger

_TEXT = UnfoldAdminTextInputWidget
_SELECT = UnfoldAdminSelectWidget


# Fields whose choices follow the station.
MOVING = frozenset({"evse_number", "transaction"})


class ButtonForm(forms.Form):
    """Built for one station, whose EVSEs and running sessions are read once for all buttons of the page."""

    def __init__(
        self, charge_point: ChargePoint, evses: list[int], running: list[tuple[int, str]], data: Any = None
    ) -> None:
        super().__init__(data, auto_id=f"id_{type(self).__name__}_%s")
        self.charge_point = charge_point
        self.offer(evses, running)

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        """Fill in the choices that depend on the station."""

    def choose(self, name: str, choices: list[tuple[Any, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # tells mypy what the class above declares
        field.choices = choices


class Nothing(ButtonForm):
    """A command without inputs."""


class RemoteStart(ButtonForm):
    id_token = forms.CharField(
        label="Token",
        max_length=255,
        widget=_TEXT(attrs={"autocomplete": "off"}),
        help_text="The uid to charge on.",
    )
    evse_number = forms.TypedChoiceField(
        label="EVSE", required=False, coerce=int, empty_value=None, widget=_SELECT, choices=()
    )
    force = forms.BooleanField(
        label="Even if the token is refused",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("evse_number", [("", "The station decides"), *((n, f"EVSE {n}") for n in evses)])


class RemoteStop(ButtonForm):
    transaction = forms.TypedChoiceField(
        label="Session",
        coerce=int,
        widget=_SELECT,
        choices=(),
        error_messages={
            "required": "no session is running at this station.",
            "invalid_choice": "it is not running any more.",
        },
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("transaction", list(running) or [("", "No session is running")])


class Reset(ButtonForm):
    type = forms.ChoiceField(
        label="How",
        widget=_SELECT,
        choices=[("Soft", "Soft: end the sessions first"), ("Hard", "Hard: at once, sessions are cut off")],
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        if not provisioning.soft_ends_sessions(self.charge_point):
            self.choose(
                "type",
                [
                    ("Soft", "When idle: wait for running sessions"),
                    ("Hard", "Immediately: sessions are ended"),
                ],
            )


class Unlock(ButtonForm):
    evse_number = forms.TypedChoiceField(label="EVSE", coerce=int, widget=_SELECT, choices=())

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("evse_number", [(n, f"EVSE {n}") for n in evses])


class Availability(ButtonForm):
    operative = forms.TypedChoiceField(
        label="Wanted",
        coerce=lambda value: value == "True",
        widget=_SELECT,
        choices=[("True", "Operative: may charge"), ("False", "Inoperative: out of service")],
    )
    evse_number = forms.TypedChoiceField(
        label="Where", required=False, coerce=int, empty_value=None, widget=_SELECT, choices=()
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("evse_number", [("", "The whole station"), *((n, f"EVSE {n}") for n in evses)])


class Trigger(ButtonForm):
    message = forms.ChoiceField(label="Message", widget=_SELECT, choices=())
    evse_number = forms.TypedChoiceField(
        label="Where", required=False, coerce=int, empty_value=None, widget=_SELECT, choices=()
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        version = self.charge_point.ocpp_version
        names = trigger.triggers(version) if version in VERSIONS else ()
        self.choose("message", [(name, name) for name in names])
        self.choose("evse_number", [("", "The whole station"), *((n, f"EVSE {n}") for n in evses)])


class GetConfiguration(ButtonForm):
    keys = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="One a line. Empty: all of them.",
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        if not variables.has_keys(self.charge_point):
            self.fields["keys"].required = True
            self.fields["keys"].label = "Variables"
            self.fields["keys"].help_text = "One a line, like OCPPCommCtrlr.HeartbeatInterval."

    def clean_keys(self) -> list[str]:
        return [
            key.strip() for key in self.cleaned_data["keys"].replace(",", "\n").splitlines() if key.strip()
        ]


class ChangeConfiguration(ButtonForm):
    key = forms.CharField(max_length=255, widget=_TEXT(attrs={"autocomplete": "off"}))
    value = forms.CharField(
        required=False, max_length=2500, strip=False, widget=_TEXT(attrs={"autocomplete": "off"})
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        if not variables.has_keys(self.charge_point):
            self.fields["key"].label = "Variable"
            self.fields["key"].help_text = "Like OCPPCommCtrlr.HeartbeatInterval."


class DataTransfer(ButtonForm):
    vendor_id = forms.CharField(label="Vendor", max_length=255, widget=_TEXT)
    message_id = forms.CharField(label="Message", required=False, max_length=50, widget=_TEXT)
    data = forms.CharField(  # type: ignore[assignment]  # the metaclass takes it out of the class
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )


class AnyAction(ButtonForm):
    action = forms.ChoiceField(widget=_SELECT, choices=())
    payload = forms.CharField(
        initial="{}",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "class": "op-code", "spellcheck": "false"}),
        help_text="JSON, in the words of the station's OCPP version. It is checked before it is sent.",
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("action", [(name, name) for name in sorted(calls.supported(self.charge_point))])

    def clean_payload(self) -> dict[str, Any]:
        try:
            payload = json.loads(self.cleaned_data["payload"])
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from None
        if not isinstance(payload, dict):
            raise forms.ValidationError("A payload is a JSON object: {…}.")
        return payload
