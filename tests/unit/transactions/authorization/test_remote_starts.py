"""The decision for callers that are no stations: POST /authorize and remote starts, from the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from accounts.models import Contract, Token
from chargepoints.models import ChargePoint, Site
from events.models import Event
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate import Verdict
from tests.direct.accounts import a_contract, a_token
from transactions.live.stations import MAX_SILENCE
from transactions.models import AccessRule, Refusal, Transaction
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import (
    Decision,
    decide_now,
    refuse_remote_start,
    warn_remote_start,
)

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", site=Site.objects.create(name="Depot"))


def a_session(charger: ChargePoint, token: Token, **more: Any) -> Transaction:
    values: dict[str, Any] = {
        "evse_number": 1,
        "group_id": token.group_id,
        "authorization_status": "Accepted",
        "started_at": NOW,
        "start_received_at": NOW,
        "last_message_at": NOW,
    }
    number = 1000 + Transaction.objects.count()
    return Transaction.objects.create(
        id=number, ocpp_id=str(number), charge_point=charger, token=token, **(values | more)
    )


# -- the decision --------------------------------------------------------------------------------------------


def test_a_decision_has_the_data_of_the_token_and_its_contract(db: None) -> None:
    until = NOW + timedelta(days=1)
    token = a_token(group_id="FAMILY", contract=a_contract(valid_until=until))

    assert decide_now(uid=" card ") == Decision(
        Verdict.ACCEPTED, group_id="FAMILY", expires_at=until, token_pk=token.pk, contract_id="C-1"
    )


@pytest.mark.parametrize(
    ("unknown_tokens", "verdict"),
    [("accept", Verdict.ACCEPTED), ("refuse", Verdict.UNKNOWN), ("", Verdict.UNKNOWN)],
)
def test_an_unknown_token_may_charge_where_all_may(unknown_tokens: str, verdict: Verdict) -> None:
    charger = ChargePoint.objects.create(identity="CP-1", unknown_tokens=unknown_tokens)

    there = decide_now(uid="NEW", charge_point=charger)

    assert (there.verdict, there.is_unknown) == (verdict, True)
    assert decide_now(uid="NEW").verdict is Verdict.UNKNOWN


def test_a_type_must_match_where_it_is_given(db: None) -> None:
    old, new = a_token(type="RFID"), a_token(type="APP_USER")

    found = {type: decide_now(uid="CARD", type=type).token_pk for type in ("", "RFID", "APP_USER", "OTHER")}

    assert found == {"": old.pk, "RFID": old.pk, "APP_USER": new.pk, "OTHER": None}
    Token.objects.filter(pk=old.pk).delete()
    assert decide_now(uid="CARD", type="RFID").is_unknown
    assert decide_now(uid="CARD").token_pk == new.pk


@pytest.mark.parametrize("place", ["charge_point", "site"])
def test_a_rule_counts_at_its_station_or_site_and_only_there(charger: ChargePoint, place: str) -> None:
    where = charger if place == "charge_point" else charger.site
    AccessRule.objects.create(token=a_token(), effect="refuse", **{place: where})
    other = ChargePoint.objects.create(identity="CP-2", site=Site.objects.create(name="Other"))
    without_site = ChargePoint.objects.create(identity="CP-3")

    verdicts = [
        decide_now(uid="CARD", charge_point=one).verdict for one in (charger, other, without_site, None)
    ]

    assert verdicts == [Verdict.WRONG_PLACE, Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.ACCEPTED]


def test_the_status_of_a_token_comes_before_place_and_budget(charger: ChargePoint) -> None:
    AccessRule.objects.create(token=a_token(status="blocked"), effect="refuse", charge_point=charger)

    assert decide_now(uid="CARD", charge_point=charger).verdict is Verdict.BLOCKED


@pytest.mark.parametrize(("limit", "verdict"), [(2001, Verdict.ACCEPTED), (2000, Verdict.NO_CREDIT)])
@pytest.mark.parametrize("owner", ["token", "contract"])
def test_a_budget_is_compared_with_the_stored_sessions(
    charger: ChargePoint, owner: str, limit: int, verdict: Verdict
) -> None:
    token = a_token(contract=a_contract())
    a_session(charger, token, energy_wh=2000, status="ended")
    model: Any = Token if owner == "token" else Contract
    model.objects.update(energy_wh_per_month=limit)

    assert decide_now(uid="CARD").verdict is verdict


# -- other sessions ------------------------------------------------------------------------------------------


def test_a_session_elsewhere_refuses_a_start_and_not_the_question_who_it_is(charger: ChargePoint) -> None:
    a_session(charger, a_token())

    def ask(purpose: Purpose, station: ChargePoint | None, evse: int | None) -> Verdict:
        return decide_now(uid="CARD", purpose=purpose, charge_point=station, evse_number=evse).verdict

    other = ChargePoint.objects.create(identity="CP-2")
    assert ask(Purpose.START, None, None) is Verdict.CONCURRENT
    assert ask(Purpose.START, None, 1) is Verdict.CONCURRENT
    assert ask(Purpose.START, charger, None) is Verdict.CONCURRENT
    assert ask(Purpose.START, charger, 2) is Verdict.CONCURRENT
    assert ask(Purpose.START, other, 1) is Verdict.CONCURRENT
    assert ask(Purpose.START, charger, 1) is Verdict.ACCEPTED
    assert ask(Purpose.IDENTIFY, other, 1) is Verdict.ACCEPTED
    assert decide_now(uid="CARD").verdict is Verdict.CONCURRENT


@pytest.mark.parametrize(
    ("session", "verdict"),
    [
        ({}, Verdict.CONCURRENT),
        ({"status": "ended"}, Verdict.ACCEPTED),
        ({"last_message_at": NOW - MAX_SILENCE - timedelta(minutes=1)}, Verdict.ACCEPTED),
        ({"last_message_at": NOW - MAX_SILENCE + timedelta(hours=1)}, Verdict.CONCURRENT),
        ({"authorization_status": "Blocked"}, Verdict.ACCEPTED),
        ({"authorization_status": "Blocked", "energy_wh": 1}, Verdict.CONCURRENT),
        ({"suspect_reasons": ["connector-available"]}, Verdict.ACCEPTED),
    ],
)
def test_only_a_session_that_may_be_charging_counts(
    charger: ChargePoint, session: dict[str, Any], verdict: Verdict
) -> None:
    a_session(charger, a_token(), **session)

    assert decide_now(uid="CARD").verdict is verdict


def test_the_newest_session_is_named(charger: ChargePoint) -> None:
    token = a_token()
    a_session(charger, token)
    a_session(ChargePoint.objects.create(identity="CP-2"), token)

    assert decide_now(uid="CARD").reason == "The token is already charging at CP-2."


def test_sessions_at_once_may_be_allowed(charger: ChargePoint, settings: Any) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    a_session(charger, a_token())

    assert decide_now(uid="CARD").is_accepted


@pytest.mark.parametrize(
    ("limit", "verdict"), [(0, Verdict.ACCEPTED), (2, Verdict.CONCURRENT), (3, Verdict.ACCEPTED)]
)
def test_the_sessions_of_a_group_are_limited(
    charger: ChargePoint, settings: Any, limit: int, verdict: Verdict
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = limit
    sister = a_token("SISTER", group_id="FAMILY")
    for evse in (1, 2):
        a_session(charger, sister, evse_number=evse)
    a_session(charger, a_token("OTHER"), evse_number=3)
    a_token(group_id="family")
    a_token("SINGLE")

    decision = decide_now(uid="CARD")

    assert decision.verdict is verdict
    assert (
        decision.is_accepted or decision.reason == "The group family already has 2 sessions; 2 are allowed."
    )
    assert decide_now(uid="SINGLE").is_accepted
    assert decide_now(uid="CARD", charge_point=charger, evse_number=1).is_accepted


def test_a_session_of_the_token_is_the_reason_before_its_group(charger: ChargePoint, settings: Any) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    a_session(charger, a_token(group_id="FAMILY"))

    assert decide_now(uid="CARD").reason == "The token is already charging at CP-1."


# -- remote starts -------------------------------------------------------------------------------------------


def test_a_remote_start_of_an_accepted_or_unknown_token_passes(charger: ChargePoint) -> None:
    a_token()

    assert [refuse_remote_start(charger, uid, 1) for uid in ("CARD", "NEW")] == [None, None]
    assert not Refusal.objects.exists() and not Event.objects.exists()


def test_a_refused_remote_start_is_a_row_an_event_and_an_error(charger: ChargePoint) -> None:
    token = a_token("CARD-4711", status="lost")
    before = datetime.now(UTC)

    refused = refuse_remote_start(charger, "card-4711", 2)

    reason = "The token was reported lost."
    assert isinstance(refused, Conflict)
    assert refused.sentence == f"The token may not charge here: {reason}"
    assert refused.data == {"status": "Blocked", "reason": reason}
    assert refused.code == Code.TOKEN_REFUSED
    row = Refusal.objects.get()
    assert (row.charge_point, row.evse_number, row.token, row.id_token) == (charger, 2, token, "card-4711")
    assert (row.purpose, row.status, row.reason) == ("remote", "Blocked", reason)
    assert before <= row.at <= datetime.now(UTC)
    event = Event.objects.get()
    assert (event.type, event.station, event.site_id) == ("token.refused", "CP-1", charger.site_id)
    assert orjson.loads(event.data) == {
        "idTag": "card••••",
        "tokenId": token.pk,
        "status": "Blocked",
        "reason": reason,
        "purpose": "remote",
        "evseId": 2,
    }


def test_a_remote_start_knows_the_place_and_what_1_6_calls_its_reason(charger: ChargePoint) -> None:
    AccessRule.objects.create(token=a_token(), effect="refuse", charge_point=charger)

    refused = refuse_remote_start(charger, "CARD", None)

    assert refused is not None and refused.data["status"] == "Invalid"
    assert (Refusal.objects.get().status, Refusal.objects.get().evse_number) == ("NotAtThisLocation", None)


def test_a_remote_start_while_the_token_charges_elsewhere_has_a_code_of_its_own(charger: ChargePoint) -> None:
    a_session(charger, a_token(), evse_number=2)

    refused = refuse_remote_start(charger, "CARD", 1)

    assert refused is not None and refused.code == Code.CONCURRENT_TX
    assert refuse_remote_start(charger, "CARD", 2) is None


def test_a_long_uid_and_reason_are_cut_to_their_columns(charger: ChargePoint) -> None:
    """SQLite would not notice texts that are too long; PostgreSQL refuses them."""
    a_token("X" * 255, contract=a_contract())
    Contract.objects.update(contract_id="N" * 400, status="suspended")

    refuse_remote_start(charger, "X" * 255 + " " * 9, 1)

    row = Refusal.objects.get()
    assert (len(row.id_token), len(row.reason)) == (255, 300)


def test_only_a_remote_start_of_an_unknown_token_gets_a_warning(charger: ChargePoint) -> None:
    a_token(status="blocked")
    a_token("GOOD")
    a_token("BUSY")
    a_session(charger, Token.objects.get(uid="BUSY"), evse_number=2)
    free = ChargePoint.objects.create(identity="CP-2", unknown_tokens="accept")

    warned = {uid: bool(warn_remote_start(charger, uid)) for uid in ("NEW", "CARD", "GOOD", "BUSY")}

    assert warned == {"NEW": True, "CARD": False, "GOOD": False, "BUSY": False}
    assert warn_remote_start(free, "NEW") == ""
