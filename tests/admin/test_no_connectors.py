"""Commands to stations without connectors: a form can be sent, or the page says why not and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from operations import buttons
from tests.admin.rows import a_station, person


@pytest.fixture(params=["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
def bare(request: pytest.FixtureRequest, db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="BARE", ocpp_version=request.param)


def test_no_form_has_a_select_that_can_not_be_sent(bare: ChargePoint) -> None:
    user = person(User.Role.ADMINISTRATOR)

    for button in buttons.of(bare, user):
        for name, field in button.form.fields.items():
            if not isinstance(field, forms.ChoiceField) or button.reason:
                continue
            assert list(field.choices), f"{button.command.name} {name}"


def test_the_number_of_an_evse_is_typed_and_checked(bare: ChargePoint) -> None:
    user = person(User.Role.OPERATOR)
    unlock = next(one.command for one in buttons.of(bare, user) if one.command.name == "unlock")

    for text, argument in (("1", {"evse_number": 1}), ("0", None), ("", None), ("one", None)):
        form = buttons.form_of(unlock, bare, {"evse_number": text})

        assert form.is_valid() == (argument is not None), text
        assert argument is None or form.arguments == argument

    assert "Enter the number" in str(form.fields["evse_number"].help_text)


def test_an_optional_number_may_stay_empty_and_says_what_that_means(bare: ChargePoint) -> None:
    user = person(User.Role.OPERATOR)

    for button in buttons.of(bare, user):
        for field in button.command.fields_at(bare):
            if isinstance(field, fields.Evse) and not field.required:
                shown = button.form.fields[field.argument]
                assert not shown.required
                assert f"Empty: {field.nothing}." in str(shown.help_text)


def test_known_evses_are_offered_and_reported_ones_reach_an_open_page(
    operator: Client, bare: ChargePoint
) -> None:
    known = a_station("KNOWN")

    assert (
        'name="evse_number"'
        in operator.get(reverse("admin:station-command", args=[bare.pk, "unlock"])).content.decode()
    )
    choices: Any = operator.get(reverse("admin:station-live", args=[known.pk])).json()["choices"]
    assert choices["id_unlock_evse_number"] == [[1, "EVSE 1"]]


def test_a_station_that_has_never_connected_says_what_to_do(operator: Client) -> None:
    station = ChargePoint.objects.create(identity="NEW 1")

    page = operator.get(reverse("admin:station", args=[station.pk])).content.decode()

    assert "has never connected" in page
    assert "ws://testserver/ocpp/NEW%201" in page
