"""The forms of the station page's buttons, in the operator's words. The commands spell them in OCPP."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
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


# Fields whose choices change while the page is open.
CHANGING = frozenset({"evse_number", "transaction"})


def _evse(number: int) -> str:
    return gettext("EVSE %(number)s") % {"number": number}


class ButtonForm(forms.Form):
    """The form of one button for one station. The page reads its EVSEs and sessions once for all forms."""

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
        assert isinstance(field, forms.ChoiceField)  # for mypy: the class above declares the field
        field.choices = choices


class Nothing(ButtonForm):
    """A command without inputs."""


class RemoteStart(ButtonForm):
    id_token = forms.CharField(
        label=_("Token (UID)"),
        max_length=255,
        widget=_TEXT(attrs={"autocomplete": "off"}),
    )
    evse_number = forms.TypedChoiceField(
        label=_("EVSE"), required=False, coerce=int, empty_value=None, widget=_SELECT, choices=()
    )
    force = forms.BooleanField(
        label=_("Start even if this token is not authorized"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("evse_number", [("", gettext("Chosen by the station")), *((n, _evse(n)) for n in evses)])


class RemoteStop(ButtonForm):
    transaction = forms.TypedChoiceField(
        label=_("Session"),
        coerce=int,
        widget=_SELECT,
        choices=(),
        error_messages={
            "required": _("No session is running at this station."),
            "invalid_choice": _("This session has ended."),
        },
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("transaction", list(running) or [("", gettext("No session is running"))])


class Reset(ButtonForm):
    type = forms.ChoiceField(
        label=_("Type"),
        widget=_SELECT,
        choices=[("Soft", _("Soft: stop sessions first")), ("Hard", _("Hard: interrupt sessions"))],
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        if not provisioning.soft_ends_sessions(self.charge_point):
            self.choose(
                "type",
                [
                    ("Soft", gettext("When idle: wait until sessions end")),
                    ("Hard", gettext("Immediately: sessions are stopped")),
                ],
            )


class Unlock(ButtonForm):
    evse_number = forms.TypedChoiceField(label=_("EVSE"), coerce=int, widget=_SELECT, choices=())

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("evse_number", [(n, _evse(n)) for n in evses])


class Availability(ButtonForm):
    operative = forms.TypedChoiceField(
        label=_("Availability"),
        coerce=lambda value: value == "True",
        widget=_SELECT,
        choices=[("True", _("In service")), ("False", _("Out of service"))],
    )
    evse_number = forms.TypedChoiceField(
        label=_("EVSE"), required=False, coerce=int, empty_value=None, widget=_SELECT, choices=()
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("evse_number", [("", gettext("Whole station")), *((n, _evse(n)) for n in evses)])


class Trigger(ButtonForm):
    message = forms.ChoiceField(label=_("Message"), widget=_SELECT, choices=())
    evse_number = forms.TypedChoiceField(
        label=_("EVSE"), required=False, coerce=int, empty_value=None, widget=_SELECT, choices=()
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        version = self.charge_point.ocpp_version
        names = trigger.triggers(version) if version in VERSIONS else ()
        self.choose("message", [(name, name) for name in names])
        self.choose("evse_number", [("", gettext("Whole station")), *((n, _evse(n)) for n in evses)])


class GetConfiguration(ButtonForm):
    keys = forms.CharField(
        label=_("Keys"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One key per line. Leave empty to read all keys."),
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        if not variables.has_keys(self.charge_point):
            self.fields["keys"].required = True
            self.fields["keys"].label = gettext("Variables")
            self.fields["keys"].help_text = gettext(
                "One variable per line, such as OCPPCommCtrlr.HeartbeatInterval."
            )

    def clean_keys(self) -> list[str]:
        return [
            key.strip() for key in self.cleaned_data["keys"].replace(",", "\n").splitlines() if key.strip()
        ]


class ChangeConfiguration(ButtonForm):
    key = forms.CharField(label=_("Key"), max_length=255, widget=_TEXT(attrs={"autocomplete": "off"}))
    value = forms.CharField(
        label=_("Value"),
        required=False,
        max_length=2500,
        strip=False,
        widget=_TEXT(attrs={"autocomplete": "off"}),
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        if not variables.has_keys(self.charge_point):
            self.fields["key"].label = gettext("Variable")
            self.fields["key"].help_text = gettext("Such as OCPPCommCtrlr.HeartbeatInterval.")


class DataTransfer(ButtonForm):
    vendor_id = forms.CharField(label=_("Vendor"), max_length=255, widget=_TEXT)
    message_id = forms.CharField(label=_("Message"), required=False, max_length=50, widget=_TEXT)
    data = forms.CharField(  # type: ignore[assignment]  # the metaclass takes it out of the class
        label=_("Data"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )


class AnyAction(ButtonForm):
    action = forms.ChoiceField(label=_("Action"), widget=_SELECT, choices=())
    payload = forms.CharField(
        label=_("Payload"),
        initial="{}",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "class": "op-code", "spellcheck": "false"}),
        help_text=_("JSON by the schema of the station's OCPP version. It is validated before it is sent."),
    )

    def offer(self, evses: list[int], running: list[tuple[int, str]]) -> None:
        self.choose("action", [(name, name) for name in sorted(calls.supported(self.charge_point))])

    def clean_payload(self) -> dict[str, Any]:
        try:
            payload = json.loads(self.cleaned_data["payload"])
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(gettext("Not valid JSON: %(error)s") % {"error": error}) from None
        if not isinstance(payload, dict):
            raise forms.ValidationError(gettext("The payload must be a JSON object: {…}."))
        return payload
