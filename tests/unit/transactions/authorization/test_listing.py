"""The tokens that a station may keep, their verdict there, and their last use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint
from ocpp_server.live.records import Budget, Places, TokenRecord
from ocpp_server.protocol.translate import Verdict
from tests.direct.accounts import a_token
from transactions.models import Transaction
from transactions.services.authorization import listing
from transactions.services.authorization.listing import Use

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.django_db
def test_tokens_are_read_in_steps_without_those_that_must_be_asked_for() -> None:
    first, second, third = a_token("A"), a_token("B", status=Token.Status.BLOCKED), a_token("C")
    a_token("N", whitelist=Token.Whitelist.NEVER)
    a_token("M", is_master=True)
    last = a_token("Z", whitelist=Token.Whitelist.ALWAYS)

    assert [one.pk for one in listing.listable(0, 2)] == [first.pk, second.pk]
    assert [one.pk for one in listing.listable(second.pk, 9)] == [third.pk, last.pk]
    assert listing.listable(last.pk, 9) == []


def record(**more: object) -> TokenRecord:
    usual = {"type": "RFID", "status": "active", "valid": True, "expires_at": None, "group_id": ""}
    return TokenRecord(**({"pk": 1, "uid": "A"} | usual | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, Verdict.ACCEPTED),
        ({"budgets": (Budget("token:1", 0, 0),)}, Verdict.ACCEPTED),
        ({"status": "blocked"}, Verdict.BLOCKED),
        ({"expires_at": NOW}, Verdict.EXPIRED),
        ({"valid_from": NOW + DAY}, Verdict.WRONG_TIME),
        ({"refused_at": Places(frozenset({7}))}, Verdict.WRONG_PLACE),
        ({"refused_at": Places(sites=frozenset({3}))}, Verdict.WRONG_PLACE),
        ({"budgets": (Budget("token:1", 0, 0),), "refused_at": Places(frozenset({7}))}, Verdict.WRONG_PLACE),
    ],
)
def test_the_verdict_at_a_station_is_that_of_its_state_time_and_place(
    more: dict[str, object], expected: Verdict
) -> None:
    assert listing.verdict(record(**more), now=NOW, station=7, site=3) is expected


def test_a_use_counts_for_ninety_days() -> None:
    assert timedelta(days=90) == listing.USED_WITHIN


@pytest.mark.django_db
def test_the_last_use_of_each_token_at_this_station(monkeypatch: pytest.MonkeyPatch) -> None:
    here, other = (ChargePoint.objects.create(identity=name) for name in ("CP-1", "CP-2"))
    alice, bob, carol, dave = (a_token(uid) for uid in ("A", "B", "C", "D"))
    uses = [
        (here, alice, NOW - 3 * DAY, "ISO14443"),
        (here, alice, NOW - DAY, "ISO15693"),
        (here, bob, NOW - 9 * DAY, "eMAID"),
        (here, carol, NOW - 9 * DAY - timedelta(seconds=1), "eMAID"),
        (here, None, NOW, ""),
        (other, dave, NOW, ""),
    ]
    for number, (station, token, at, kind) in enumerate(uses, 1000):
        Transaction.objects.create(
            id=number,
            charge_point=station,
            ocpp_id=str(number),
            token=token,
            started_at=at,
            start_received_at=at,
            last_message_at=at,
            id_token_type=kind,
        )

    found = listing.used_at(here.pk, NOW - 9 * DAY)

    assert found == {alice.pk: Use(NOW - DAY, "ISO15693"), bob.pk: Use(NOW - 9 * DAY, "eMAID")}
    monkeypatch.setattr(listing, "_MOST_SESSIONS", 3)
    assert list(listing.used_at(here.pk, NOW - 9 * DAY)) == [bob.pk]
