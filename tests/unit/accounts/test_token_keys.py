"""The keys of stored tokens after OCPP_TOKEN_NORMAL_FORM was changed."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Token
from accounts.services import token_keys, tokens
from tests.logged import captured_logs

pytestmark = pytest.mark.django_db


def keys() -> list[str]:
    return list(Token.objects.order_by("pk").values_list("uid_key", flat=True))


@pytest.mark.parametrize("separator", [":", "-", " ", "."])
def test_the_key_of_a_uid_with_a_separator_follows_the_setting(settings: Any, separator: str) -> None:
    tokens.create(uid=f"04{separator}A2")

    settings.OCPP_TOKEN_NORMAL_FORM = True
    assert (token_keys.renew(), keys()) == (1, ["04a2"])
    settings.OCPP_TOKEN_NORMAL_FORM = False
    assert (token_keys.renew(), keys()) == (1, [f"04{separator}a2"])


def test_keys_that_agree_with_the_setting_are_not_written(settings: Any) -> None:
    for uid in ("04:A2", "04A3", "04-A4"):
        tokens.create(uid=uid)
    assert token_keys.renew() == 0

    settings.OCPP_TOKEN_NORMAL_FORM = True
    assert [token_keys.renew(), token_keys.renew()] == [2, 0]
    assert keys() == ["04a2", "04a3", "04a4"]


def test_a_key_that_agrees_already_does_not_end_the_renewal(settings: Any) -> None:
    settings.OCPP_TOKEN_NORMAL_FORM = True
    tokens.create(uid="04:A2")
    settings.OCPP_TOKEN_NORMAL_FORM = False
    tokens.create(uid="04:A3")

    settings.OCPP_TOKEN_NORMAL_FORM = True
    assert (token_keys.renew(), keys()) == (1, ["04a2", "04a3"])


def test_of_two_uids_with_one_key_the_newer_keeps_its_own_and_is_logged(settings: Any) -> None:
    older, newer = tokens.create(uid="04:A2"), tokens.create(uid="04-A2")
    tokens.create(uid="04.A3")

    settings.OCPP_TOKEN_NORMAL_FORM = True
    with captured_logs() as logged:
        renewed = token_keys.renew()

    assert (renewed, keys()) == (2, ["04a2", "04-a2", "04a3"])
    assert [(one["event"], one["token_id"]) for one in logged] == [("token.same_normal_form", newer.pk)]
    assert Token.objects.get(uid_key="04a2") == older


def test_the_key_of_an_emaid_from_before_loses_its_check_character() -> None:
    """Releases before had the whole text in the key."""
    plain, spelled = tokens.create(uid="DE8AA0012345670"), tokens.create(uid="FR*XYZ*123456789*2")
    Token.objects.filter(pk=plain.pk).update(uid_key="de8aa0012345670")
    Token.objects.filter(pk=spelled.pk).update(uid_key="fr*xyz*123456789*2")

    assert (token_keys.renew(), keys()) == (2, ["de8aa001234567", "frxyz123456789"])
    assert token_keys.renew() == 0
