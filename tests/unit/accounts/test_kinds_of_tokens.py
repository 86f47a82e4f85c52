"""The types of tokens in the API's spelling, and the types that are stored."""

from __future__ import annotations

import pytest

from accounts.services import tokens

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("given", "uid", "stored", "method"),
    [
        ("RFID", "CARD", "RFID", "RFID"),
        ("APP", "ann", "APP_USER", "App"),
        ("APP_USER", "ann", "APP_USER", "App"),
        ("AD_HOC_USER", "guest", "AD_HOC_USER", "Ad hoc"),
        ("VEHICLE", "00:11:22:33:44:55", "OTHER", "Vehicle autocharge"),
        ("AUTOCHARGE", "00:11:22:33:44:55", "OTHER", "Vehicle autocharge"),
        ("OTHER", "thing", "OTHER", "Other"),
    ],
)
def test_every_type_of_the_api_is_stored_as_its_type_of_OCPI(
    given: str, uid: str, stored: str, method: str
) -> None:
    token = tokens.create(uid=uid, type=given)

    token.refresh_from_db()
    assert (token.type, token.method) == (stored, method)
