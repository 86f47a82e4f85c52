"""Changed fields that an event names, and the rows that a token without a group needs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Token
from accounts.services import tokens
from tests.unit.accounts.emitted import events

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "change", "named"),
    [
        ("RFID", {"uid": " B "}, ["uid"]),
        ("VEHICLE", {"uid": "aa:bb"}, ["uid"]),
        ("RFID", {"name": "x"}, ["name"]),
        ("RFID", {"type": "VEHICLE"}, ["type", "uid"]),
        ("RFID", {"type": "VEHICLE", "uid": "AABBCC001133"}, ["type", "uid"]),
    ],
)
def test_a_change_of_a_uid_is_no_change_of_its_type(
    kind: str, change: dict[str, Any], named: list[str]
) -> None:
    token = tokens.create(uid="AABBCC001122", type=kind)
    events()

    tokens.update(token, **change)

    [(_, data)] = events()
    assert data["changed"] == named


def test_a_uid_alone_is_stored_without_blanks_and_keeps_its_type() -> None:
    token = tokens.create(uid="AABBCC001122", type="VEHICLE")

    tokens.update(token, uid=" aa:bb ")

    token.refresh_from_db()
    assert (token.uid, token.uid_key, token.type) == ("aa:bb", "aa:bb", "OTHER")


def test_a_lost_token_that_is_invalidated_names_both_fields() -> None:
    token = tokens.create(uid="A", status="lost")
    events()

    tokens.invalidate(token)

    [(name, data)] = events()
    assert (name, data["changed"], data["status"]) == ("token.updated", ["status", "valid"], "invalid")


def test_a_token_without_a_group_reads_no_group() -> None:
    with CaptureQueriesContext(connection) as captured:
        tokens.create(uid="A")

    assert Token.objects.exists()
    assert [query["sql"] for query in captured if "accounts_tokengroup" in query["sql"]] == []
