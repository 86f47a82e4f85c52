"""The REST body of a command: each declared field becomes a strict field with its limits."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.views import APIView

from ocpp_server import command_fields as fields
from ocpp_server.api.command_bodies import TransactionReference, body_of, camel, echo_field, serializer_field
from ocpp_server.api.fields import FlagField, StrictSerializer, TextField, WholeField
from ocpp_server.commanding import OperatorCommand
from tests.unit.api import generated

REFUSED = object()
REFERENCES = [1, 2**63 - 1, "a", "x" * 36]


def command(*declared: fields.Field, name: str = "light-up") -> OperatorCommand:
    return OperatorCommand(name, "Light", "Light it.", fields=declared)


def read(field: fields.Field, value: Any) -> Any:
    """The value as the field of the body reads it; REFUSED if it refuses the value."""
    try:
        return serializer_field(field).run_validation(value)
    except ValidationError:
        return REFUSED


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (fields.Text("name", "Name", most=3), ["a", "abc", " "], ["", "abcd", 5, None]),
        (fields.Text("name", "Name", most=3, blank=True), ["", "abc"], ["abcd"]),
        (fields.Secret("word", "Word", most=3), ["abc"], ["", "abcd"]),
        (fields.Whole("count", "Count", least=2, most=4), [2, 4, "3"], [1, 5, True, 2.5]),
        (fields.Evse("evse", "EVSE"), [1], [0]),
        (fields.Choice("type", "Type", choices=(("a", "A"),), also=("b",)), ["a", "b"], ["c", "A", ""]),
        (fields.Choice("type", "Type", most=3), ["abc"], ["abcd", "", 5]),
        (fields.Flag("force", "Force"), [True, False, "true"], ["maybe", 1]),
        (fields.Transaction("transaction", "Session"), REFERENCES, [0]),
        (fields.Json("data", "Data"), [{"a": 1}, [1], "text", 5], [None]),
        (fields.Object("data", "Data"), [{"a": 1}, {}], [[1], "text", None]),
        (
            fields.Texts("keys", "Keys", most=2, most_characters=3),
            [["a", "abc"], []],
            [["a", "b", "c"], ["abcd"], [""], [5], "a"],
        ),
    ],
)
def test_each_kind_of_field_takes_the_values_within_its_limits(
    field: fields.Field, good: list[Any], bad: list[Any]
) -> None:
    assert REFUSED not in [read(field, value) for value in good]
    assert [value for value in bad if read(field, value) is not REFUSED] == []


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        *((value, True) for value in REFERENCES),
        *((value, False) for value in (0, -1, 2**63, "", "x" * 37, "a\0b", True, False, 1.5, [], {})),
    ],
)
def test_a_session_is_named_by_a_positive_number_or_a_short_text(given: Any, is_taken: bool) -> None:
    if is_taken:
        assert TransactionReference().run_validation(given) == given
        return
    with pytest.raises(ValidationError, match="Must "):
        TransactionReference().run_validation(given)


def test_a_declaration_without_a_serializer_field_is_an_error() -> None:
    with pytest.raises(TypeError, match="colour: Field has no serializer field"):
        serializer_field(fields.Field("colour", "Colour"))


@pytest.mark.parametrize(
    ("declared", "words", "required", "default"),
    [
        (fields.Whole("a", "Label"), "Label", False, serializers.empty),
        (fields.Whole("a", "Label", required=True), "Label", True, serializers.empty),
        (fields.Whole("a", "Label", help="Help."), "Help.", False, serializers.empty),
        (fields.Whole("a", "Label", help="Help.", default=5), "Help.", False, 5),
        (fields.Flag("a", "Label", default=False), "Label", False, False),
    ],
)
def test_a_field_has_its_explanation_and_is_required_or_has_a_default(
    declared: fields.Field, words: str, required: bool, default: Any
) -> None:
    field = serializer_field(declared)

    assert (field.help_text, field.required, field.default) == (words, required, default)


def test_a_body_has_the_names_of_the_api_and_gives_those_of_the_arguments() -> None:
    one = command(
        fields.Whole("evse_number", "EVSE", name="evseId"),
        fields.Text("type", "Type"),
        fields.Flag("is_on", "On"),
    )

    body = body_of(one)(data={"evseId": 2, "type": "a", "isOn": True, "timeout": 5})

    assert body.is_valid()
    assert body.validated_data == {"evse_number": 2, "type": "a", "is_on": True, "timeout": 5}
    assert not body_of(one)(data={"evse_number": 2}).is_valid()


@pytest.mark.parametrize(("seconds", "is_taken"), [(1, True), (120, True), (0, False), (121, False)])
def test_every_body_may_have_the_seconds_to_wait(seconds: int, is_taken: bool) -> None:
    assert body_of(command())(data={"timeout": seconds}).is_valid() is is_taken
    assert body_of(command())(data={}).is_valid()


def test_an_endpoint_may_add_fields_before_those_of_the_command() -> None:
    one = command(fields.Text("type", "Type", required=True))

    kind = body_of(one, "SitesBody", sites=serializers.ListField(required=True))

    assert kind.__name__ == "SitesBody"
    assert list(kind().fields) == ["sites", "type", "timeout"]


def test_a_body_is_named_after_its_command_and_made_once() -> None:
    one = command()

    assert (camel(one), body_of(one).__name__) == ("LightUp", "LightUpBody")
    assert body_of(one) is body_of(one)
    assert issubclass(body_of(one), StrictSerializer)


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (fields.Whole("a", "A"), serializers.IntegerField),
        (fields.Evse("a", "A"), serializers.IntegerField),
        (fields.Transaction("a", "A"), serializers.IntegerField),
        (fields.Text("a", "A"), serializers.CharField),
        (fields.Choice("a", "A"), serializers.CharField),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_an_answer_repeats_numbers_as_numbers_and_the_rest_as_text(
    declared: fields.Field, kind: type[Any], required: bool
) -> None:
    made = echo_field(type(declared)("a", "A", required=required))

    assert (type(made), made.required) == (kind, required)


def test_the_document_shows_a_session_as_a_number_or_a_text() -> None:
    @extend_schema(request=body_of(command(fields.Transaction("session", "Session"))), responses={})
    def post(view: Any, request: Any) -> None:
        """Nothing: only its description is used."""

    view = type("LightView", (APIView,), {"post": post})
    made = generated.document([path("api/v1/light", view.as_view())])

    found = made["components"]["schemas"]["LightUpBodyRequest"]["properties"]["session"]
    assert [one["type"] for one in found["oneOf"]] == ["integer", "string"]


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (fields.Text("a", "A"), TextField),
        (fields.Whole("a", "A"), WholeField),
        (fields.Choice("a", "A", choices=(("x", "X"),)), serializers.ChoiceField),
        (fields.Choice("a", "A"), TextField),
        (fields.Flag("a", "A"), FlagField),
        (fields.Object("a", "A"), serializers.DictField),
    ],
)
def test_each_kind_of_field_has_its_kind_in_the_document(declared: fields.Field, kind: type[Any]) -> None:
    assert type(serializer_field(declared)) is kind
