"""A decision and everything it leaves behind: the last use, the row and the events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.protocol.translate import Place, Verdict
from tests.unit.transactions.authorization.decisions.memory import (
    NOON,
    Stored,
    a_station,
    events,
    present,
    rows,
    spoken,
)
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision


async def test_an_accepted_token_is_described_and_leaves_only_its_last_use(token: Any) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    token(group_id="FAMILY", is_master=True, contract_id="C-1", expires_at=until)
    station = a_station()

    decision = await present(station, "card")

    assert decision == Decision(
        Verdict.ACCEPTED,
        group_id="FAMILY",
        expires_at=until,
        token_pk=7,
        is_unknown=False,
        reason="",
        is_master=True,
        contract_id="C-1",
    )
    assert (station.used_tokens, station.unit.inserts) == ([7], [])


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("place", [None, Place(2, 1)])
async def test_a_refusal_is_a_row_and_an_event_with_all_its_facts(
    token: Any, purpose: Purpose, place: Place | None
) -> None:
    token("CARD-4711", status="blocked")
    station = a_station()

    decision = await present(station, "card-4711", purpose=purpose, place=place)

    facts = {"status": "Blocked", "reason": "The token is blocked.", "purpose": spoken(purpose)}
    evse = 2 if place else None
    assert decision == Decision(Verdict.BLOCKED, token_pk=7, reason="The token is blocked.")
    assert station.used_tokens == []
    assert rows(station) == [
        {
            "charge_point_id": 1,
            "evse_number": evse,
            "token_id": 7,
            "id_token": "card-4711",
            "at": NOON,
            **facts,
        }
    ]
    assert events(station) == [
        ("token.refused", {"idTag": "card••••", "tokenId": 7, "evseId": evse, **facts})
    ]


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("place", [None, Place(2, 1)])
async def test_an_unknown_token_is_a_row_and_an_event_of_its_own(
    stored: Stored, purpose: Purpose, place: Place | None
) -> None:
    station = a_station()

    decision = await present(station, " ", purpose=purpose, place=place)

    assert decision == Decision(Verdict.UNKNOWN, is_unknown=True, reason="Unknown token.")
    evse = 2 if place else None
    assert events(station) == [
        ("token.unknown", {"idTag": " ••••", "purpose": spoken(purpose), "evseId": evse})
    ]
    [row] = rows(station)
    assert (row["token_id"], row["purpose"], row["evse_number"]) == (None, spoken(purpose), evse)
    assert (row["status"], row["reason"]) == ("Unknown", "Unknown token.")


async def test_long_texts_of_a_refusal_are_cut_to_their_columns(token: Any) -> None:
    """SQLite would not notice texts that are too long; PostgreSQL refuses them."""
    token("X" * 255, contract_id="N" * 400, contract_status="suspended")
    station = a_station()

    decision = await present(station, "X" * 255 + " " * 9)

    [row] = rows(station)
    assert row["id_token"] == "X" * 255
    assert (row["reason"], len(row["reason"])) == (decision.reason[:300], 300)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("is_chosen", [True, False])
async def test_every_presented_token_is_an_event_where_it_is_chosen(
    token: Any, settings: Any, purpose: Purpose, is_chosen: bool
) -> None:
    settings.EVENT_TYPES = ["token.presented"] if is_chosen else []
    token("GOOD-TOKEN")
    token("BAD-TOKEN", pk=8, status="lost")
    station, free = a_station(), a_station()
    free.accepts_unknown_tokens = True

    for uid in ("GOOD-TOKEN", "BAD-TOKEN", " "):
        await present(station, uid, purpose=purpose, place=Place(3, 1))
    await present(free, "NEW-TOKEN", purpose=purpose)

    found = [data for name, data in events(station) + events(free) if name == "token.presented"]
    word = spoken(purpose)
    expected = [
        ("GOOD••••", 7, "Accepted", "", word, 3),
        ("BAD-••••", 8, "Blocked", "The token was reported lost.", word, 3),
        (" ••••", None, "Unknown", "Unknown token.", word, 3),
        ("NEW-••••", None, "Accepted", "", word, None),
    ]
    names = ("idTag", "tokenId", "status", "reason", "purpose", "evseId")
    assert found == [dict(zip(names, one, strict=True)) for one in expected] * is_chosen
