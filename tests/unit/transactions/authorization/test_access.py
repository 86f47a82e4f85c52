"""The access rule alone: which reason comes first, from when on it holds, and which rules must agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.live.records import Budget, Consumption, Places, TokenRecord
from ocpp_server.protocol.translate import Verdict
from ocpp_server.protocol.translate.energy import mwh_of
from tests.unit.transactions.transactions.live_station import running
from transactions.live.stations import MAX_SILENCE
from transactions.services.authorization import access
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, choose, ended_with
from transactions.services.transactions import concurrency

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HERE, SITE, ELSEWHERE = 1, 10, 2


def a_record(**more: Any) -> TokenRecord:
    values: dict[str, Any] = {
        "pk": 7,
        "uid": "CARD",
        "type": "RFID",
        "status": "active",
        "valid": True,
        "expires_at": None,
        "group_id": "",
    }
    return TokenRecord(**(values | more))


def verdict(record: TokenRecord, now: datetime = NOON) -> Verdict | None:
    refused = access.standing(record, now)
    return refused.verdict if refused else None


# -- the token at any place ----------------------------------------------------------------------------------


def test_a_valid_token_is_refused_nowhere() -> None:
    assert access.standing(a_record(user_status="active", contract_status="active"), NOON) is None


# Every reason, in the order in which it is given, with its verdict and a word of its sentence.
REASONS: list[tuple[dict[str, Any], Verdict, str]] = [
    ({"status": "blocked"}, Verdict.BLOCKED, "token is blocked"),
    ({"status": "lost"}, Verdict.BLOCKED, "reported lost"),
    ({"user_status": "suspended"}, Verdict.BLOCKED, "driver is suspended"),
    ({"contract_status": "suspended", "contract_id": "C"}, Verdict.BLOCKED, "contract C is suspended"),
    ({"contract_status": "terminated", "contract_id": "C"}, Verdict.BLOCKED, "contract C is terminated"),
    ({"status": "expired"}, Verdict.EXPIRED, "token has expired"),
    ({"contract_status": "expired", "contract_id": "C"}, Verdict.EXPIRED, "contract C has expired"),
    ({"contract_until": NOON, "contract_id": "C"}, Verdict.EXPIRED, "contract C has expired"),
    ({"expires_at": NOON}, Verdict.EXPIRED, "token has expired"),
    ({"status": "invalid"}, Verdict.INVALID, "marked as invalid"),
    ({"valid": False}, Verdict.INVALID, "marked as invalid"),
    ({"bar": "stranger"}, Verdict.INVALID, "not a member"),
]


@pytest.mark.parametrize(("fields", "wanted", "words"), REASONS)
def test_each_reason_has_its_verdict_and_sentence(
    fields: dict[str, Any], wanted: Verdict, words: str
) -> None:
    refused = access.standing(a_record(**fields), NOON)

    assert refused is not None
    assert (refused.verdict, words in refused.reason) == (wanted, True)


def test_of_several_reasons_the_first_is_given() -> None:
    for place, (fields, _, words) in enumerate(REASONS):
        later: dict[str, Any] = {}
        for others, _, _ in REASONS[:place:-1]:
            later |= others
        refused = access.standing(a_record(**(later | fields)), NOON)
        assert refused is not None and words in refused.reason, (fields, refused)


@pytest.mark.parametrize("name", ["expires_at", "contract_until"])
def test_a_token_and_its_contract_are_valid_until_just_before_their_end(name: str) -> None:
    assert verdict(a_record(**{name: NOON + TICK})) is None
    assert verdict(a_record(**{name: NOON})) is Verdict.EXPIRED
    assert verdict(a_record(**{name: NOON - TICK})) is Verdict.EXPIRED


# -- time, place and budget ----------------------------------------------------------------------------------


def circumstances(record: TokenRecord, **more: Any) -> Verdict | None:
    refused = access.circumstances(record, **({"now": NOON, "station": HERE, "site": SITE} | more))
    return refused.verdict if refused else None


@pytest.mark.parametrize("name", ["valid_from", "contract_from"])
def test_a_token_and_its_contract_are_valid_from_their_begin(name: str) -> None:
    assert circumstances(a_record(**{name: NOON})) is None
    assert circumstances(a_record(**{name: NOON + TICK})) is Verdict.WRONG_TIME


def test_a_master_pass_starts_nothing_and_is_known_otherwise() -> None:
    verdicts = [circumstances(a_record(is_master=True), purpose=purpose) for purpose in Purpose]

    assert verdicts == [Verdict.INVALID if purpose is Purpose.START else None for purpose in Purpose]
    assert {circumstances(a_record(), purpose=purpose) for purpose in Purpose} == {None}


def at(*stations: int, sites: tuple[int, ...] = ()) -> Places:
    return Places(frozenset(stations), frozenset(sites))


@pytest.mark.parametrize(
    ("allowed_at", "is_allowed"),
    [
        ((), True),
        ((at(HERE),), True),
        ((at(sites=(SITE,)),), True),
        ((at(ELSEWHERE),), False),
        ((at(ELSEWHERE, sites=(SITE,)),), True),
        ((at(HERE), at(HERE)), True),
        ((at(HERE), at(ELSEWHERE)), False),  # the token is allowed here, its contract only elsewhere
        ((at(ELSEWHERE), at(HERE)), False),
        ((at(HERE), at(HERE), at(ELSEWHERE)), False),
        ((at(),), False),
    ],
)
def test_token_group_and_contract_must_all_allow_the_place(
    allowed_at: tuple[Places, ...], is_allowed: bool
) -> None:
    verdict = circumstances(a_record(allowed_at=allowed_at))

    assert verdict is (None if is_allowed else Verdict.WRONG_PLACE)


@pytest.mark.parametrize(
    ("refused_at", "is_refused"),
    [
        (None, False),
        (at(), False),
        (at(HERE), True),
        (at(ELSEWHERE), False),
        (at(sites=(SITE,)), True),
        (at(HERE, sites=(11,)), True),
        (at(ELSEWHERE, sites=(11,)), False),
    ],
)
def test_one_refusal_of_the_station_or_its_site_is_enough(
    refused_at: Places | None, is_refused: bool
) -> None:
    record = a_record(refused_at=refused_at, allowed_at=(at(HERE),))

    assert circumstances(record) is (Verdict.WRONG_PLACE if is_refused else None)
    assert circumstances(record, station=None, site=None) is None


def test_a_station_without_a_site_follows_no_rule_of_a_site() -> None:
    record = a_record(refused_at=at(sites=(SITE,)))

    assert circumstances(record, site=None) is None
    assert circumstances(a_record(allowed_at=(at(sites=(SITE,)),)), site=None) is Verdict.WRONG_PLACE


@pytest.mark.parametrize(
    ("budget", "drawn", "period"),
    [
        ((1000, None), (999.9, 5000), ""),
        ((1000, None), (1000, 1000), "day"),
        ((None, 1000), (5000, 999.9), ""),
        ((None, 1000), (0, 1000), "month"),
        ((1000, 2000), (1000, 2000), "day"),
        ((0, None), (0, 0), "day"),
        ((None, None), (9e9, 9e9), ""),
    ],
)
def test_a_budget_is_used_up_at_its_limit(
    budget: tuple[int | None, int | None], drawn: tuple[float, float], period: str
) -> None:
    sentence = access.exceeded(Budget("token:7", *budget), Consumption(date(2026, 5, 4), *map(mwh_of, drawn)))

    assert (f"budget for the {period} is" in sentence) if period else sentence == ""


def test_a_sentence_about_a_budget_names_its_owner_and_kwh() -> None:
    drawn = Consumption(date(2026, 5, 4), 1_234_560_000, 0)

    sentences = [
        access.exceeded(Budget(f"{owner}:7", 1_000_000, None), drawn) for owner in ("token", "contract")
    ]

    assert sentences == [
        f"The {owner}'s budget for the day is used up: 1,234.6 of 1,000.0 kWh."
        for owner in ("token", "contract")
    ]


def test_each_budget_is_compared_with_its_own_consumption() -> None:
    record = a_record(budgets=(Budget("token:7", 1000, None), Budget("contract:3", 500, None)))

    def drawn(token: float, contract: float) -> Verdict | None:
        return circumstances(
            record, drawn=[Consumption(date(2026, 5, 4), mwh_of(wh), mwh_of(wh)) for wh in (token, contract)]
        )

    assert (drawn(999, 499), drawn(499, 500), drawn(1000, 0)) == (None, Verdict.NO_CREDIT, Verdict.NO_CREDIT)


# -- other sessions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charging", "limit", "is_refused"),
    [(0, 1, False), (1, 1, True), (2, 3, False), (3, 3, True), (9, 0, False)],
)
def test_a_group_is_refused_at_its_limit(charging: int, limit: int, is_refused: bool) -> None:
    refused = access.group_limit_reached(a_record(group_id="FAMILY"), charging, limit)

    assert (refused is not None) is is_refused
    if refused:
        assert refused.reason == f"The group FAMILY already has {charging} sessions; {limit} are allowed."


def test_a_token_is_refused_where_it_charges_already() -> None:
    assert access.concurrent([]) is None
    assert access.concurrent(["CP-2", "CP-3"]) == (
        Verdict.CONCURRENT,
        "The token is already charging at CP-2.",
    )


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({}, True),
        ({"last_message_at": NOON - MAX_SILENCE}, True),
        ({"last_message_at": NOON - MAX_SILENCE - TICK}, False),
        ({"authorization_status": "Blocked"}, False),
        ({"authorization_status": "Blocked", "energy_mwh": 1}, True),
        ({"authorization_status": ""}, True),
        ({"suspect_reasons": ["connector-available"]}, False),
        ({"suspect_reasons": ["start-missing: the first event is Updated"]}, False),
        ({"suspect_reasons": ["superseded", "connector-available"]}, False),
        ({"suspect_reasons": ["meter-jump"]}, True),
    ],
)
def test_a_session_counts_while_its_vehicle_may_be_charging(more: dict[str, Any], counts: bool) -> None:
    session = running()
    for name, value in ({"last_message_at": NOON} | more).items():
        setattr(session, name, value)

    assert concurrency.counting([session], NOON) == ([session] if counts else [])


# -- the token that is meant ---------------------------------------------------------------------------------


def test_of_several_tokens_with_one_uid_the_type_decides_and_then_the_oldest() -> None:
    old, new = a_record(pk=1), a_record(pk=2, type="APP_USER")

    assert choose((), "RFID") is None
    assert choose((old,), "APP_USER") is old
    assert choose((old, new), "APP_USER") is new
    assert choose((old, new), "OTHER") is old
    assert choose((old, new), None) is old
    assert choose((old,), "APP_USER", is_strict=True) is None
    assert choose((old, new), "APP_USER", is_strict=True) is new


@pytest.mark.parametrize(
    ("decision", "key", "words"),
    [
        (Decision(Verdict.BLOCKED, reason="The token is blocked."), "card", "The token is blocked."),
        (
            Decision(Verdict.ACCEPTED, "OTHER", is_master=True),
            "card",
            "Ended with the token that started it.",
        ),
        (Decision(Verdict.ACCEPTED, "family"), "other", "Ended with another token of the group family."),
        (Decision(Verdict.ACCEPTED, "M", is_master=True), "other", "Ended with a master pass."),
        (Decision(Verdict.ACCEPTED, "M"), "other", "Ended with an unrelated token."),
        (Decision(Verdict.ACCEPTED), "other", "Ended with an unrelated token."),
    ],
)
def test_a_sentence_says_which_token_ended_a_session(decision: Decision, key: str, words: str) -> None:
    assert ended_with(decision, key, running(group_id="FAMILY")) == words
    assert ended_with(Decision(Verdict.ACCEPTED), "other", running()) == "Ended with an unrelated token."
