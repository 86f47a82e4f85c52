"""The token of a decision: unknown, missing, one of several with a UID, or barred by its contract."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.translate import Place, Verdict
from tests.unit.transactions.authorization.decisions.memory import (
    Stored,
    a_station,
    events,
    present,
    rows,
    spoken,
)
from transactions.live.abilities import ABILITIES
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision
from transactions.services.authorization.direct_payments import Payment

# -- stations that accept every token, or none without one ---------------------------------------------------


async def test_a_station_that_accepts_unknown_tokens_keeps_nothing_about_them(stored: Stored) -> None:
    station = a_station()
    station.accepts_unknown_tokens = True

    decision = await present(station, "NEW")

    assert decision == Decision(Verdict.ACCEPTED, is_unknown=True, reason="This station accepts every token.")
    assert (station.used_tokens, station.unit.inserts) == ([], [])


async def test_a_station_that_accepts_unknown_tokens_refuses_known_ones_as_any_other(token: Any) -> None:
    station = a_station()
    station.accepts_unknown_tokens = True
    token(status="blocked")

    assert (await present(station)).verdict is Verdict.BLOCKED


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_the_test_site_says_nothing_about_the_cards_of_drivers(token: Any, purpose: Purpose) -> None:
    station = a_station()
    station.is_test = station.accepts_unknown_tokens = True
    reason = "At the test site tokens begin with TEST-."
    for status in ("valid", "blocked"):
        token(status=status)
        decision = await present(station, purpose=purpose, place=Place(1, 1))
        assert (decision.verdict, decision.token_pk, decision.reason) == (Verdict.INVALID, None, reason)

    decision = await present(station, "test-1", purpose=purpose, place=Place(1, 1))
    assert decision.is_accepted


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_the_reference_of_a_payment_is_accepted(stored: Stored, payment: Any, purpose: Purpose) -> None:
    station = a_station()

    decision = await present(station, "PSP-4444", "DirectPayment", purpose=purpose, place=Place(1, 1))

    reason = "Paid at the station's payment terminal."
    assert decision == Decision(Verdict.ACCEPTED, is_unknown=True, reason=reason)
    assert (station.used_tokens, station.unit.inserts) == ([], [])


async def test_a_payment_of_a_remote_start_counts_while_it_is_open(stored: Stored, payment: Any) -> None:
    station = a_station()

    payment(Payment({"maxCost": 50}))
    opened = await present(station, "PSP-1", "DirectPayment", purpose=Purpose.START, place=Place(1, 1))
    payment(Payment({}, is_open=False))
    closed = await present(station, "PSP-1", "DirectPayment", purpose=Purpose.START, place=Place(1, 1))

    assert (opened.verdict, opened.limits) == (Verdict.ACCEPTED, {"maxCost": 50})
    assert closed == Decision(Verdict.INVALID, reason="The payment was used, refused or cancelled.")
    assert [row["status"] for row in rows(station)] == ["Invalid"]


async def test_a_payment_needs_a_reference_and_no_known_token_gets_through_as_one(
    token: Any, payment: Any
) -> None:
    token(status="blocked")

    assert (await present(a_station(), "", "DirectPayment")).verdict is Verdict.UNKNOWN
    assert (await present(a_station(), kind="DirectPayment")).verdict is Verdict.BLOCKED


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_a_start_without_a_token_follows_the_setting_of_the_station(
    stored: Stored, purpose: Purpose
) -> None:
    station = a_station()

    free = await present(station, "", "NoAuthorization", purpose=purpose, place=Place(1, 1))
    left_by_it = list(station.unit.inserts)
    station.refuses_free_vending = True
    refused = await present(station, "", "NoAuthorization", purpose=purpose, place=Place(1, 1))

    reason = "This station accepts no session without a token."
    assert free == Decision(Verdict.ACCEPTED, reason="The session was started without a token.")
    assert left_by_it == []
    assert refused == Decision(Verdict.INVALID, reason=reason)
    [row] = rows(station)
    assert (row["id_token"], row["token_id"], row["status"], row["reason"]) == ("", None, "Invalid", reason)
    assert (row["evse_number"], row["purpose"]) == (1, spoken(purpose))
    assert [name for name, _ in events(station)] == ["token.refused"]


# -- the token that is meant ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        ("ISO14443", "RFID"),
        ("ISO15693", "RFID"),
        ("eMAID", "EMAID"),
        ("MacAddress", "OTHER"),
        ("Central", "AD_HOC_USER"),  # a type of OCPP that no token has: the oldest
        ("", "AD_HOC_USER"),
    ],
)
async def test_the_type_of_a_message_chooses_among_tokens_with_one_uid(
    token: Any, kind: str, chosen: str
) -> None:
    made = [
        token(pk=pk, type=type)
        for pk, type in enumerate(("AD_HOC_USER", "OTHER", "EMAID", "APP_USER", "RFID"), start=1)
    ]

    decision = await present(a_station(), "CARD", kind)

    assert decision.token_pk == next(record.pk for record in made if record.type == chosen)


@pytest.mark.parametrize(
    ("bar", "words"),
    [
        ("viewer", "only a viewer"),
        ("invited", "not accepted the invitation"),
        ("removed", "has left the contract"),
        ("stranger", "not a member"),
    ],
)
async def test_a_driver_who_may_not_charge_on_the_contract_is_refused_with_the_reason(
    token: Any, bar: str, words: str
) -> None:
    token(bar=bar)

    decision = await present(a_station())

    assert decision.verdict is Verdict.INVALID
    assert words in decision.reason


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_the_charging_of_a_battery_in_a_slot_is_accepted(stored: Stored, purpose: Purpose) -> None:
    station = a_station()
    station.refuses_free_vending = True
    ABILITIES.of(station).swaps_batteries = True

    slot = await present(station, "", "NoAuthorization", purpose=purpose, place=Place(1, 1))
    by_hand = await present(station, "X", "NoAuthorization", purpose=purpose, place=Place(1, 1))

    assert (slot.verdict, slot.charges_battery) == (Verdict.ACCEPTED, True)
    assert (by_hand.verdict, by_hand.charges_battery) == (Verdict.INVALID, False)
