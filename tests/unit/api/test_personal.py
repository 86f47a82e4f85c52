"""Personal data in answers is found by the names of fields, wherever they are."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.api import personal
from ocpp_server.api.personal import MASK, masked


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"idTag": "04A1", "connectorId": 1}, {"idTag": MASK, "connectorId": 1}),
        ({"id_tag": "04A1", "visual_number": "7"}, {"id_tag": MASK, "visual_number": MASK}),
        ({"idTag": "", "uid": None}, {"idTag": "", "uid": None}),
        ({"idToken": {"idToken": "04A1", "type": "ISO14443"}},
         {"idToken": {"idToken": MASK, "type": "ISO14443"}}),
        ({"idToken": {"additionalInfo": [{"additionalIdToken": "x", "type": "t"}]}},
         {"idToken": {"additionalInfo": [{"additionalIdToken": MASK, "type": "t"}]}}),
        ({"idTagInfo": {"status": "Accepted", "parentIdTag": "G"}},
         {"idTagInfo": {"status": "Accepted", "parentIdTag": MASK}}),
        ({"email": ["a@b.c"]}, {"email": [MASK]}),
        ({"request": '{"idTag":"04A1","meterStart":5}'}, {"request": '{"idTag":"••••","meterStart":5}'}),
        ({"request": '{"idTag": broken'}, {"request": MASK}),
        ({"data": "card 04A1"}, {"data": MASK}),
        ({"data": {"name": "Depot"}}, {"data": {"name": "Depot"}}),
        ({"note": "[draft"}, {"note": MASK}),
        ({"ok": True, "energyWh": 1.5}, {"ok": True, "energyWh": 1.5}),
    ],
)  # fmt: skip
def test_only_personal_values_are_masked(value: Any, shown: Any) -> None:
    assert masked(value) == shown


def test_a_view_names_further_fields() -> None:
    assert masked({"users": [{"name": "Ann", "id": 7}]}, ("name",)) == {"users": [{"name": MASK, "id": 7}]}


def test_what_is_too_deep_is_masked_whole() -> None:
    value: Any = "x"
    for _ in range(80):
        value = {"a": value}

    assert "x" not in str(masked(value))


def test_columns_of_an_export_are_masked_by_their_names() -> None:
    chunks = iter([[("1", "04A1", "Ann")]])

    assert list(personal.masked_columns(["id", "idTag", "name"], chunks, ("name",))) == [[("1", MASK, MASK)]]


def test_hiding_ends_with_its_context() -> None:
    with personal.kept():
        personal.hide(True)
        assert personal.is_hidden()

    assert not personal.is_hidden()


@pytest.mark.parametrize(
    ("path", "values", "shown"),
    [
        ("/api/v1/tokens/by-uid/A-1/block", {"uid": "A-1"}, "/api/v1/tokens/by-uid/••••/block"),
        ("/api/v1/contracts/AT-ABC-1/members/7", {"contract_id": "AT-ABC-1", "user_id": "7"},
         "/api/v1/contracts/••••/members/7"),
        ("/api/v1/tokens/by-uid/04112233", {"uid": "04112233"}, "/api/v1/tokens/by-uid/••••"),
        ("/api/v1/contracts/12", {"contract_id": "12"}, "/api/v1/contracts/12"),
        ("/api/v1/chargepoints/A\0B", {"client_id": "A\0B"}, "/api/v1/chargepoints/AB"),
    ],
)  # fmt: skip
def test_a_path_shows_no_personal_value(path: str, values: dict[str, str], shown: str) -> None:
    assert personal.shown_path(path, values) == shown
