"""The types of tokens in the API's spelling, and the types that are stored."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Contract, UnknownToken
from accounts.models.token import normalise_uid
from accounts.services import tokens, unknown_tokens
from ocpp_server.domain import Invalid

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
        ("EMAID", "DE-8AA-001234567-0", "EMAID", "Plug & Charge"),
        ("OTHER", "thing", "OTHER", "Other"),
    ],
)
def test_every_type_of_the_api_is_stored_as_its_type_of_OCPI(
    given: str, uid: str, stored: str, method: str
) -> None:
    token = tokens.create(uid=uid, type=given)

    token.refresh_from_db()
    assert (token.type, token.method) == (stored, method)


def test_a_token_of_an_emaid_belongs_to_the_contract_of_this_id() -> None:
    contract = Contract.objects.create(contract_id="DE-8AA-001234567-0")
    other = Contract.objects.create(contract_id="OTHER")

    assert tokens.create(uid="de8aa001234567", type="EMAID").contract == contract
    assert tokens.create(uid="DE8AA001234568", type="EMAID").contract is None
    assert tokens.create(uid="FR-XYZ-123456789-2", type="EMAID", contract=other).contract == other


@pytest.mark.parametrize("uid", ["04A2B3C4", "", "DE8AA00123456", "NLTNM7223458"])
def test_a_token_of_an_emaid_needs_one(uid: str) -> None:
    with pytest.raises(Invalid):
        tokens.create(uid=uid, type="EMAID")


@pytest.mark.parametrize(
    ("uid", "key"),
    [
        ("DE8AA0012345670", "de8aa001234567"),
        (" de-8aa-001234567 ", "de8aa001234567"),
        ("DE*8AA*001234567*0", "de8aa001234567"),
        # A wrong check character stays, and the separators go.
        ("DE-8AA-001234567-9", "de8aa0012345679"),
        # A uid of 7 bytes, and 12 digits, are no eMAIDs with a check character.
        ("ABCDEF12345678", "abcdef12345678"),
        ("NLTNM7223458", "nltnm7223458"),
        ("NL-TNM-722345-8", "nltnm722345"),
    ],
)
def test_every_spelling_of_an_emaid_has_one_key(uid: str, key: str) -> None:
    assert normalise_uid(uid) == key


@pytest.mark.parametrize(
    ("uid", "kind"),
    [
        ("DE8AA0012345670", "EMAID"),
        ("DE-8AA-001234567-0", "EMAID"),
        ("DE8AA0012345679", "RFID"),
        ("ABCDEF12345678", "RFID"),
        ("NLTNM7223458", "RFID"),
        ("VID:001122334455", "OTHER"),
    ],
)
def test_an_unknown_token_gets_the_type_of_its_form(uid: str, kind: str) -> None:
    now = timezone.now()
    unknown = UnknownToken.objects.create(
        uid=uid, uid_key=normalise_uid(uid), first_seen_at=now, last_seen_at=now
    )

    assert unknown_tokens.add(unknown).type == kind
    assert not UnknownToken.objects.exists()
