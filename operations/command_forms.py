"""The form of a declared command: a form field with unfold's widget for each field of the declaration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from ocpp_server import command_fields as fields
from ocpp_server.commanding import OperatorCommand

Choices = list[tuple[Any, Any]]


@dataclass(frozen=True)
class Offered:
    """The EVSE numbers and the running sessions (number, text) to choose from."""

    evses: Sequence[int] = ()
    sessions: Sequence[tuple[int, str]] = ()


class CommandForm(forms.Form):
    """A form with these declared fields. Its own field names are the names of the arguments."""

    def __init__(
        self, command: OperatorCommand, declared: Iterable[fields.Field], offered: Offered, data: Any = None
    ) -> None:
        super().__init__(data, auto_id=element_id(command, "%s"))
        self.fields |= {field.argument: form_field(field, offered) for field in declared}

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of a valid form."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}

    @property
    def problems(self) -> list[dict[str, str]]:
        """The invalid inputs, by the labels of their fields."""
        return [
            {"field": str(self.fields[name].label), "reason": str(reason)}
            for name, reasons in self.errors.items()
            for reason in reasons
        ]


def element_id(command: OperatorCommand, argument: str) -> str:
    """The id of an input in the page."""
    return f"id_{command.name}_{argument}"


def changing_choices(field: fields.Field, offered: Offered) -> Choices | None:
    """The choices of a field if they change while a page is open, else None.

    The number of an EVSE is typed while the station has reported none: an empty select could not be sent.
    """
    match field:
        case fields.Evse() if offered.evses:
            none = str(field.nothing or "–")
            numbers: Choices = [
                (number, gettext("EVSE %(number)s") % {"number": number}) for number in offered.evses
            ]
            return numbers if field.required else [("", none), *numbers]
        case fields.Transaction():
            sessions: Choices = list(offered.sessions)
            if not field.required:
                return [("", "–"), *sessions]
            return sessions or [("", gettext("No session is running"))]
    return None


@singledispatch
def form_field(field: fields.Field, offered: Offered) -> forms.Field:
    """The form field of a declared field."""
    raise TypeError(f"{field.argument}: {type(field).__name__} has no form field")


def _shared(field: fields.Field) -> dict[str, Any]:
    return {
        "label": field.label,
        "required": field.required,
        "help_text": field.help,
        "initial": field.default,
    }


@form_field.register
def _text(field: fields.Text, offered: Offered) -> forms.Field:
    shared = _shared(field) | {"required": field.required and not field.blank}
    # An empty text is a value only where the declaration says so, and then spaces are part of it.
    empty, strip = ("", False) if field.blank else (None, True)
    off = {"autocomplete": "off"}
    widget: forms.Widget = UnfoldAdminTextInputWidget(attrs=off)
    if isinstance(field, fields.Secret):
        widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    elif field.lines > 1:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": field.lines})
    return forms.CharField(max_length=field.most, empty_value=empty, strip=strip, widget=widget, **shared)


@form_field.register
def _whole(field: fields.Whole, offered: Offered) -> forms.Field:
    widget = UnfoldAdminIntegerFieldWidget()
    return forms.IntegerField(min_value=field.least, max_value=field.most, widget=widget, **_shared(field))


@form_field.register
def _listed(field: fields.Listed, offered: Offered) -> forms.Field:
    none: Choices = [] if field.required else [("", "–")]
    words = {"invalid_choice": _("%(value)s is not in the list. It may have been deleted.")}
    return _select(field, [*none, *field.rows()], coerce=int, error_messages=words)


@form_field.register
def _evse(field: fields.Evse, offered: Offered) -> forms.Field:
    choices = changing_choices(field, offered)
    if choices is None:
        return _typed_evse(field)
    # The help is about numbers that the select spells in words.
    return _select(field, choices, coerce=int, help_text="")


def _typed_evse(field: fields.Evse) -> forms.Field:
    """An input for the number, for a station that has not reported its EVSEs yet."""
    help_text = gettext("The station has not reported its connectors yet. Enter the number, usually 1.")
    if field.nothing and not field.required:
        help_text = gettext("%(help)s Empty: %(nothing)s.") % {"help": help_text, "nothing": field.nothing}
    return forms.IntegerField(
        min_value=field.least,
        max_value=field.most,
        widget=UnfoldAdminIntegerFieldWidget(),
        **_shared(field) | {"help_text": help_text},
    )


@form_field.register
def _transaction(field: fields.Transaction, offered: Offered) -> forms.Field:
    words = {
        "required": _("No session is running at this station."),
        "invalid_choice": _("This session has ended."),
    }
    choices = changing_choices(field, offered) or []
    return _select(field, choices, coerce=int, help_text="", error_messages=words)


@form_field.register
def _choice(field: fields.Choice, offered: Offered) -> forms.Field:
    none: Choices = [] if field.required or field.default is not None else [("", "–")]
    return _select(field, [*none, *field.choices], coerce=str)


def _select(field: fields.Field, choices: Choices, **more: Any) -> forms.Field:
    widget = UnfoldAdminSelectWidget()
    return forms.TypedChoiceField(choices=choices, empty_value=None, widget=widget, **_shared(field) | more)


@form_field.register
def _flag(field: fields.Flag, offered: Offered) -> forms.Field:
    return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **_shared(field) | {"required": False})


@form_field.register
def _json(field: fields.Json, offered: Offered) -> forms.Field:
    shared = _shared(field)
    if not field.text_is_json:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": field.lines})
        return forms.CharField(empty_value=None, widget=widget, **shared)
    if field.default is not None:
        shared["initial"] = json.dumps(field.default)
    example = "" if field.example is None else json.dumps(field.example)
    return JsonField(is_object=False, rows=field.lines, example=example, **shared)


@form_field.register
def _object(field: fields.Object, offered: Offered) -> forms.Field:
    initial = json.dumps({} if field.default is None else field.default)
    return JsonField(is_object=True, rows=field.lines, **_shared(field) | {"initial": initial})


@form_field.register
def _texts(field: fields.Texts, offered: Offered) -> forms.Field:
    return LinesField(most=field.most, most_characters=field.most_characters, **_shared(field))


class JsonField(forms.CharField):
    """JSON, or a JSON object, in a text area."""

    def __init__(self, *, is_object: bool, rows: int, example: str = "", **options: Any) -> None:
        attributes = {"rows": rows, "class": "op-code", "spellcheck": "false", "placeholder": example}
        widget = UnfoldAdminTextareaWidget(attrs=attributes)
        super().__init__(empty_value=None, widget=widget, **options)
        self.is_object = is_object

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text is None:
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(gettext("Not valid JSON: %(error)s") % {"error": error}) from None
        if self.is_object and not isinstance(found, dict):
            sentence = gettext("The %(field)s must be a JSON object: {…}.")
            raise forms.ValidationError(sentence % {"field": str(self.label).lower()})
        return found


class LinesField(forms.CharField):
    """A list of different texts, one per line."""

    def __init__(self, *, most: int, most_characters: int, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), **options)
        self.most, self.most_characters = most, most_characters

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in (super().to_python(value) or "").splitlines()]
        found = list(dict.fromkeys(filter(None, lines)))
        if len(found) > self.most:
            raise forms.ValidationError(gettext("At most %(most)s lines are allowed.") % {"most": self.most})
        for text in found:
            if len(text) > self.most_characters:
                sentence = gettext("Each line must have at most %(most)s characters.")
                raise forms.ValidationError(sentence % {"most": self.most_characters})
        return found or None
