"""Tokens that may be ending a session, decided from the database: their place and budget do not count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint
from ocpp_server.protocol.translate import Verdict
from tests.direct.accounts import a_token
from transactions.models import Transaction
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import decide_now

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def without_budget(uid: str = "CARD", **more: Any) -> Token:
    return a_token(uid, energy_wh_per_day=0, **more)


def charging(charger: ChargePoint, token: Token, **more: Any) -> None:
    values = {"started_at": NOW, "start_received_at": NOW, "last_message_at": NOW, "group_id": token.group_id}
    number = 1000 + Transaction.objects.count()
    Transaction.objects.create(
        id=number, ocpp_id=str(number), charge_point=charger, token=token, **(values | more)
    )


def verdict(charger: ChargePoint | None, purpose: Purpose = Purpose.IDENTIFY) -> Verdict:
    return decide_now(uid="CARD", charge_point=charger, purpose=purpose).verdict


def test_the_token_of_a_session_at_the_station_is_accepted_without_a_budget(charger: ChargePoint) -> None:
    charging(charger, without_budget())

    assert verdict(charger) is Verdict.ACCEPTED
    assert verdict(charger, Purpose.START) is Verdict.NO_CREDIT
    assert verdict(None) is Verdict.NO_CREDIT
    assert verdict(ChargePoint.objects.create(identity="CP-2")) is Verdict.NO_CREDIT


def test_a_session_that_has_ended_proves_nothing(charger: ChargePoint) -> None:
    charging(charger, without_budget(), status="ended")

    assert verdict(charger) is Verdict.NO_CREDIT


@pytest.mark.parametrize(
    ("group", "other", "expected"),
    [
        ("FAMILY", "family", Verdict.ACCEPTED),
        ("FAMILY", "OTHER", Verdict.NO_CREDIT),
        ("", "", Verdict.NO_CREDIT),
    ],
)
def test_a_token_of_the_group_of_a_session_is_accepted_and_none_without_a_group(
    charger: ChargePoint, group: str, other: str, expected: Verdict
) -> None:
    without_budget(group_id=group)
    charging(charger, a_token("SISTER", group_id=other))

    assert verdict(charger) is expected


@pytest.mark.parametrize("is_somewhere", [True, False])
def test_a_master_pass_is_identified_anywhere_and_starts_nothing(
    charger: ChargePoint, is_somewhere: bool
) -> None:
    without_budget(is_master=True)
    place = charger if is_somewhere else None

    assert verdict(place) is Verdict.ACCEPTED
    assert verdict(place, Purpose.START) is Verdict.INVALID


def test_a_blocked_token_is_blocked_also_while_it_charges(charger: ChargePoint) -> None:
    charging(charger, without_budget(status="blocked"))

    assert verdict(charger) is Verdict.BLOCKED


def test_a_token_with_a_budget_that_charges_here_is_accepted(charger: ChargePoint) -> None:
    charging(charger, a_token())

    assert verdict(charger) is Verdict.ACCEPTED
