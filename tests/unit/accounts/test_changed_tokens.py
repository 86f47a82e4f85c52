"""Changes of tokens: what is stored, and which events tell of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Contract, UnknownToken, User
from accounts.services import reversed_uids, token_groups, tokens, unknown_tokens
from tests.unit.accounts.emitted import events

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_a_new_token_is_an_event_with_its_owners_and_leaves_the_inbox(family: Contract, bob: User) -> None:
    for uid in ("card-4711", "other"):
        UnknownToken.objects.create(uid=uid, uid_key=uid, first_seen_at=NOON, last_seen_at=NOON)

    token = tokens.create(uid="CARD-4711", user=bob, contract=family)

    assert events() == [
        (
            "token.created",
            {
                "token_id": token.pk,
                "uid": "CARD••••",
                "type": "RFID",
                "status": "active",
                "contract_id": family.pk,
                "user_id": bob.pk,
            },
        )
    ]
    assert UnknownToken.objects.get().uid == "other"


@pytest.mark.parametrize(
    ("given", "change", "event"),
    [
        ({}, {"name": "x"}, "token.updated"),
        ({}, {"status": "blocked"}, "token.blocked"),
        ({}, {"status": "lost"}, "token.blocked"),
        ({}, {"valid": False}, "token.blocked"),
        ({}, {"status": "invalid", "name": "x"}, "token.blocked"),
        ({"status": "blocked"}, {"status": "active"}, "token.updated"),
        ({"status": "blocked"}, {"status": "lost"}, "token.updated"),
        ({"valid": False}, {"name": "x"}, "token.updated"),
        ({"valid": False}, {"valid": True}, "token.updated"),
    ],
)
def test_a_change_is_an_event_and_another_one_when_the_token_can_no_longer_charge(
    db: None, given: dict[str, Any], change: dict[str, Any], event: str
) -> None:
    token = tokens.create(uid="CARD", **given)
    events()

    tokens.update(token, **change)

    [(name, data)] = events()
    assert (name, data["token_id"], data["status"]) == (event, token.pk, token.status)
    assert data.get("changed") == (sorted(change) if event == "token.updated" else None)


def test_every_field_of_a_token_is_stored_when_it_is_added_and_when_it_is_changed(
    family: Contract, bob: User
) -> None:
    values: dict[str, Any] = {
        "user": bob,
        "contract": family,
        "group_id": "G",
        "name": "n",
        "visual_number": "v",
        "issuer": "i",
        "country_code": "DE",
        "party_id": "ABC",
        "language": "de",
        "whitelist": "NEVER",
        "default_profile_type": "FAST",
        "energy_contract": {"supplier_name": "s"},
        "is_master": True,
        "status": "lost",
        "valid": False,
        "valid_from": NOON,
        "expires_at": NOON + timedelta(days=1),
        "energy_wh_per_day": 1,
        "energy_wh_per_month": 2,
        "cost_per_day": 3,
        "cost_per_month": 4,
    }
    token = tokens.create(uid="A")

    tokens.update(token, uid="B", type="APP", **values)
    made = tokens.create(uid="C", **values)

    for row in (token, made):
        row.refresh_from_db()
        assert {name: getattr(row, name) for name in values} == values
    assert {*values, "uid", "type"} == tokens.FIELDS


def test_changed_fields_are_named_in_their_order(db: None) -> None:
    token = tokens.create(uid="CARD")
    events()

    tokens.update(token, name="x", issuer="y", cost_per_day=1)

    assert events()[0][1]["changed"] == ["cost_per_day", "issuer", "name"]


def test_a_token_is_blocked_unblocked_and_invalidated(db: None) -> None:
    token = tokens.create(uid="CARD")
    steps: list[Any] = [tokens.block, tokens.block, tokens.unblock, tokens.unblock, tokens.invalidate]

    found = []
    for step in steps:
        assert step(token) is token
        token.refresh_from_db()
        found.append((token.status, token.valid))

    assert found == [
        ("blocked", True), ("blocked", True), ("active", True), ("active", True), ("invalid", False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("uid", "type", "stored"),
    [
        (" 04A2 ", "RFID", "04A2"),
        (" aa:bb:cc:00:11:22 ", "OTHER", "aa:bb:cc:00:11:22"),
        *[(text, "VEHICLE", "VID:AABBCC001122") for text in (
            "aa:bb:cc:00:11:22", "AA-BB-CC-00-11-22", "aabb.cc00.1122", "aa bb cc 00 11 22",
            "VID:AABBCC001122", " vid:aa:bb:cc:00:11:22",
        )],
        ("aabbcc001122", "AUTOCHARGE", "VID:AABBCC001122"),
    ],
)  # fmt: skip
def test_a_vehicle_is_stored_by_its_address_and_other_tokens_as_they_are(
    db: None, uid: str, type: str, stored: str
) -> None:
    token = tokens.create(uid=uid, type=type)

    assert (token.uid, token.type) == (stored, tokens.INPUT_TYPES[type])


def test_uid_and_type_are_changed_by_the_rules_of_their_type(db: None) -> None:
    token = tokens.create(uid="AABBCC001122")

    tokens.update(token, type="VEHICLE")
    assert (token.uid, token.type) == ("VID:AABBCC001122", "OTHER")
    tokens.update(token, uid=" plain ")
    assert (token.uid, token.type) == ("plain", "OTHER")
    tokens.update(token, uid="aa:bb:cc:00:11:33", type="AUTOCHARGE")
    assert (token.uid, token.type) == ("VID:AABBCC001133", "OTHER")
    tokens.update(token, type="APP")
    assert (token.uid, token.type) == ("VID:AABBCC001133", "APP_USER")


@pytest.mark.parametrize(
    ("uid", "type"),
    [("04A2", "RFID"), ("VID:AABBCC001122", "OTHER"), ("vid:aabbcc001122", "OTHER"), ("XVID:1", "RFID")],
)
def test_a_token_from_the_inbox_is_a_card_or_a_vehicle(db: None, uid: str, type: str) -> None:
    unknown = UnknownToken.objects.create(uid=uid, uid_key=uid.lower(), first_seen_at=NOON, last_seen_at=NOON)

    token = unknown_tokens.add(unknown, name="Found")

    assert (token.uid, token.type, token.name, token.valid) == (uid, type, "Found", True)
    assert not UnknownToken.objects.exists()


def test_a_token_in_a_group_belongs_to_the_contract_of_the_group(family: Contract) -> None:
    token_groups.create(contract=family, group_id="FAMILY")

    grouped, free = tokens.create(uid="A", group_id="family "), tokens.create(uid="B", group_id="FREE")

    assert (grouped.contract, free.contract) == (family, None)


@pytest.mark.parametrize(
    ("uid", "back"),
    [
        ("04A2B3", "B3A204"),
        (" 04:a2-b3 C4 ", "C4b3a204"),
        ("0102030405060708090A", "0A090807060504030201"),
        ("0102030405060708090A0B", ""),
        ("04A2", ""),
        ("04A2B", ""),
        ("04A2G3", ""),
        ("010201", ""),
    ],
)
def test_the_bytes_of_a_card_are_reversed(uid: str, back: str) -> None:
    assert reversed_uids.reversed_uid(uid) == back
