"""The place, the time and the budget of a token, and the session that it may still end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ocpp_server.live.records import Budget, Consumption, Places
from ocpp_server.protocol.translate import Verdict
from tests.unit.transactions.authorization.decisions.memory import NOON, Stored, a_session, a_station, present
from transactions.services.authorization import access
from transactions.services.authorization.access import Purpose

HERE = Places(frozenset({1}))
USED_UP = (Budget("token:7", 1000, None),)
CIRCUMSTANCES: Sequence[tuple[dict[str, Any], Verdict]] = [
    ({"refused_at": HERE}, Verdict.WRONG_PLACE),
    ({"refused_at": Places(sites=frozenset({10}))}, Verdict.WRONG_PLACE),
    ({"allowed_at": (Places(frozenset({2})),)}, Verdict.WRONG_PLACE),
    ({"valid_from": datetime(9999, 1, 1, tzinfo=UTC)}, Verdict.WRONG_TIME),
    ({"budgets": USED_UP}, Verdict.NO_CREDIT),
]


@pytest.mark.parametrize(("fields", "verdict"), CIRCUMSTANCES)
async def test_place_time_and_budget_count_for_a_start_and_not_for_a_stop(
    token: Any, stored: Stored, fields: dict[str, Any], verdict: Verdict
) -> None:
    stored.drawn_wh = {"token:7": 1000.0}
    token(**fields)
    station = a_station()

    verdicts = {purpose: (await present(station, purpose=purpose)).verdict for purpose in Purpose}

    assert verdicts == {
        Purpose.IDENTIFY: verdict,
        Purpose.START: verdict,
        Purpose.STOP: Verdict.ACCEPTED,
    }


async def test_each_budget_is_compared_with_the_energy_of_its_own_owner(token: Any, stored: Stored) -> None:
    token(budgets=(Budget("token:7", 1000, None), Budget("contract:3", 500, None)))

    async def verdict(token_wh: float, contract_wh: float) -> Verdict:
        stored.drawn_wh = {"token:7": token_wh, "contract:3": contract_wh}
        return (await present(a_station(), purpose=Purpose.START)).verdict

    assert await verdict(999, 499) is Verdict.ACCEPTED
    assert await verdict(999, 500) is Verdict.NO_CREDIT
    assert await verdict(1000, 499) is Verdict.NO_CREDIT


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_budget_whose_energy_is_unknown_allows_nothing(token: Any, count: int) -> None:
    record = token(budgets=(USED_UP * 2))
    drawn = [Consumption(date(2026, 5, 4), 0, 0)] * count

    with pytest.raises(ValueError, match="argument 2"):
        access.circumstances(record, now=NOON, station=1, site=None, drawn=drawn)


@pytest.mark.parametrize(
    ("session", "verdict"),
    [
        ({"token_key": "card"}, Verdict.ACCEPTED),
        ({"token_key": "card", "is_active": False}, Verdict.NO_CREDIT),
        ({"token_key": "other"}, Verdict.NO_CREDIT),
        ({"token_key": "other", "group_id": "FaMiLy"}, Verdict.ACCEPTED),
        ({"token_key": "other", "group_id": "family", "is_active": False}, Verdict.NO_CREDIT),
        ({"token_key": "other", "group_id": "OTHERS"}, Verdict.NO_CREDIT),
        ({"token_key": "other", "group_id": ""}, Verdict.NO_CREDIT),
        (None, Verdict.NO_CREDIT),
    ],
)
async def test_without_a_budget_only_a_token_that_may_end_a_session_here_is_accepted(
    token: Any, stored: Stored, session: dict[str, Any] | None, verdict: Verdict
) -> None:
    stored.drawn_wh = {"token:7": 1000.0}
    token(group_id="Family", budgets=USED_UP)
    station = a_station()
    if session is not None:
        a_session(station, **session)

    assert (await present(station)).verdict is verdict
    assert (await present(station, purpose=Purpose.START)).verdict is Verdict.NO_CREDIT


async def test_two_tokens_without_a_group_are_no_group(token: Any, stored: Stored) -> None:
    stored.drawn_wh = {"token:7": 1000.0}
    token(budgets=USED_UP)
    station = a_station()
    a_session(station, token_key="other")

    assert (await present(station)).verdict is Verdict.NO_CREDIT


async def test_a_master_pass_may_end_sessions_where_a_rule_refuses_it(token: Any) -> None:
    token(is_master=True, refused_at=HERE)

    assert (await present(a_station())).verdict is Verdict.ACCEPTED


async def test_a_blocked_token_is_blocked_also_for_the_owner_of_a_session(token: Any) -> None:
    token(user_status="suspended")
    station = a_station()
    a_session(station)

    assert (await present(station)).verdict is Verdict.BLOCKED
