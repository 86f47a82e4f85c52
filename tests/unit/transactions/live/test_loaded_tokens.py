"""Stored tokens with everything that decides whether they may charge, and the energy of their budgets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contract, Member, Token, TokenGroup
from chargepoints.models import ChargePoint, Site
from ocpp_server.live.records import Budget, Consumption, Places, TokenRecord
from tests.direct.accounts import a_contract, a_person, a_token
from transactions.live import tokens
from transactions.models import AccessRule, Transaction

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def record(uid_key: str = "card") -> TokenRecord:
    (found,) = tokens.read_tokens(uid_key)
    return found


# -- the record ----------------------------------------------------------------------------------------------


def test_a_plain_token_has_its_own_values_only() -> None:
    later = NOON + timedelta(days=1)
    token = a_token("Card", type="APP_USER", status="lost", valid=False, valid_from=NOON, expires_at=later)

    assert record() == TokenRecord(
        pk=token.pk,
        uid="Card",
        type="APP_USER",
        status="lost",
        valid=False,
        expires_at=later,
        group_id="",
        valid_from=NOON,
    )


def test_a_token_of_a_contract_has_every_value_of_its_driver_and_contract() -> None:
    alice = a_person(status="suspended")
    until = NOON + timedelta(days=9)
    contract = a_contract(
        owner=alice, status="suspended", valid_from=NOON, valid_until=until, energy_wh_per_day=10
    )
    token = a_token(user=alice, contract=contract, group_id="FAMILY", is_master=True, energy_wh_per_month=20)

    assert record() == TokenRecord(
        pk=token.pk,
        uid="CARD",
        type=token.type,
        status=token.status,
        valid=True,
        expires_at=until,
        group_id="FAMILY",
        is_master=True,
        user_status="suspended",
        contract_id="C-1",
        contract_status="suspended",
        contract_from=NOON,
        contract_until=until,
        budgets=(Budget(f"token:{token.pk}", None, 20), Budget(f"contract:{contract.pk}", 10, None)),
    )


@pytest.mark.parametrize("limits", [{"energy_wh_per_day": 5}, {"energy_wh_per_month": 5}, {}])
def test_a_budget_is_only_where_a_limit_is(limits: dict[str, int]) -> None:
    a_token(contract=a_contract(**limits))

    assert len(record().budgets) == len(limits)


@pytest.mark.parametrize(("own", "of_contract"), [(1, 2), (2, 1), (1, None), (None, 1)])
def test_a_token_expires_with_the_earlier_of_its_own_end_and_that_of_its_contract(
    own: int | None, of_contract: int | None
) -> None:
    def after(days: int | None) -> datetime | None:
        return None if days is None else NOON + timedelta(days=days)

    a_token(expires_at=after(own), contract=a_contract(valid_until=after(of_contract)))

    assert record().expires_at == NOON + timedelta(days=1)


def test_a_token_of_a_group_is_on_the_contract_of_its_group() -> None:
    of_group, own = a_contract("GROUP"), a_contract("OWN")
    TokenGroup.objects.create(group_id="Family", contract=of_group)
    a_token("BY-GROUP", group_id="FAMILY")
    a_token("BY-BOTH", group_id="family", contract=own)
    a_token("BY-OTHER", group_id="OTHER")

    found = [record(uid).contract_id for uid in ("by-group", "by-both", "by-other")]

    assert found == ["GROUP", "OWN", ""]


# -- drivers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "bar"),
    [
        ({"role": "owner"}, ""),
        ({"role": "member"}, ""),
        ({"role": "viewer"}, "viewer"),
        ({"role": "viewer", "status": "invited"}, "invited"),
        ({"status": "removed"}, "removed"),
        (None, "stranger"),
    ],
)
def test_a_driver_must_be_an_active_member_who_may_charge(member: dict[str, Any] | None, bar: str) -> None:
    alice, contract = a_person(), a_contract()
    if member is not None:
        Member.objects.create(contract=contract, user=alice, **member)
    a_token(user=alice, contract=contract)

    assert record().bar == bar


def test_another_member_and_another_contract_are_no_membership() -> None:
    alice, contract = a_person(), a_contract(owner=a_person("Bob"))
    a_contract("C-2", owner=alice)
    a_token(user=alice, contract=contract)

    assert record().bar == "stranger"


def test_a_token_without_a_driver_or_a_contract_has_no_bar() -> None:
    a_token("A", contract=a_contract())
    a_token("B", user=a_person())

    assert [record(uid).bar for uid in ("a", "b")] == ["", ""]


# -- access rules --------------------------------------------------------------------------------------------


def test_the_refusals_of_token_group_and_contract_are_one_set_of_places() -> None:
    stations = [ChargePoint.objects.create(identity=f"CP-{number}") for number in range(2)]
    site = Site.objects.create(name="Depot")
    contract = a_contract()
    group = TokenGroup.objects.create(group_id="FAMILY", contract=a_contract("C-2"))
    token = a_token(contract=contract, group_id="FAMILY")
    for subject, place in (
        ({"token": token}, {"charge_point": stations[0]}),
        ({"group": group}, {"charge_point": stations[1]}),
        ({"contract": contract}, {"site": site}),
    ):
        AccessRule.objects.create(effect="refuse", **subject, **place)

    assert record().refused_at == Places(frozenset(station.pk for station in stations), frozenset([site.pk]))
    assert record().allowed_at == ()


def test_the_allowances_of_token_and_contract_are_a_set_each() -> None:
    stations = [ChargePoint.objects.create(identity=f"CP-{number}") for number in range(3)]
    contract = a_contract()
    token = a_token(contract=contract)
    for station in stations[:2]:
        AccessRule.objects.create(effect="allow", token=token, charge_point=station)
    AccessRule.objects.create(effect="allow", contract=contract, charge_point=stations[2])

    assert record().refused_at is None
    assert set(record().allowed_at) == {
        Places(frozenset(station.pk for station in stations[:2])),
        Places(frozenset([stations[2].pk])),
    }


def test_a_token_follows_the_rules_of_its_contract_its_group_and_the_contract_of_its_group() -> None:
    stations = [ChargePoint.objects.create(identity=f"CP-{number}") for number in range(3)]
    own, of_group = a_contract("OWN"), a_contract("OF-GROUP")
    group = TokenGroup.objects.create(group_id="FAMILY", contract=of_group)
    a_token("ON-CONTRACT", contract=own)
    a_token("IN-GROUP", group_id="FAMILY")
    for station, subject in zip(
        stations, ({"contract": own}, {"group": group}, {"contract": of_group}), strict=True
    ):
        AccessRule.objects.create(effect="refuse", charge_point=station, **subject)

    assert record("on-contract").refused_at == Places(frozenset([stations[0].pk]))
    assert record("in-group").refused_at == Places(frozenset(station.pk for station in stations[1:]))


def test_a_plain_token_follows_its_own_rule() -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    AccessRule.objects.create(effect="refuse", token=a_token(), charge_point=station)
    a_token("OTHER")

    assert record().refused_at == Places(frozenset([station.pk]))
    assert record("other").refused_at is None


# -- many tokens ---------------------------------------------------------------------------------------------


def test_tokens_are_found_in_the_order_asked_and_the_oldest_of_one_uid_first() -> None:
    first, second = a_token(type="RFID"), a_token(type="APP_USER")
    other = a_token("OTHER")

    found = tokens.read_all_tokens(["other", "nobody", "card"])

    assert [[one.pk for one in each] for each in found] == [[other.pk], [], [first.pk, second.pk]]
    assert tokens.read_tokens("nobody") == ()


def test_hundreds_of_tokens_are_all_found() -> None:
    Token.objects.bulk_create(Token(uid=f"T-{number}", uid_key=f"t-{number}") for number in range(501))

    found = tokens.read_all_tokens([f"t-{number}" for number in range(501)])

    assert [one.uid for (one,) in found] == [f"T-{number}" for number in range(501)]


def queries(uid_keys: list[str]) -> int:
    with CaptureQueriesContext(connection) as asked:
        tokens.read_all_tokens(uid_keys)
    return len(asked)


def test_plain_tokens_and_their_drivers_cost_two_queries_together() -> None:
    for number in range(3):
        a_token(f"T-{number}", user=a_person(f"P{number}"))

    assert queries(["t-0", "t-1", "t-2"]) == 2


def test_a_token_of_a_contract_costs_its_membership_or_group_and_its_rules_more() -> None:
    alice = a_person()
    a_token("ON", user=alice, contract=a_contract(owner=alice))
    a_token("BY-GROUP", group_id="FAMILY")
    TokenGroup.objects.create(group_id="FAMILY", contract=Contract.objects.get())

    assert queries(["on"]) == 3
    assert queries(["by-group"]) == 3


# -- consumption ---------------------------------------------------------------------------------------------


def a_session(number: int, token: Token, started_at: datetime, wh: float) -> None:
    charger, _ = ChargePoint.objects.get_or_create(identity="CP-1")
    Transaction.objects.create(
        id=number,
        ocpp_id=str(number),
        charge_point=charger,
        token=token,
        energy_wh=wh,
        started_at=started_at,
        start_received_at=started_at,
        last_message_at=started_at,
    )


def test_without_sessions_nothing_is_used(time_machine: Any) -> None:
    time_machine.move_to("2026-05-04T12:34:56.789Z", tick=False)

    assert tokens.read_consumption("token:7") == Consumption(date(2026, 5, 4), 0, 0)


def test_a_session_counts_in_the_day_and_the_month_of_its_start(settings: Any, time_machine: Any) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"  # 5 h 30 min ahead of UTC
    time_machine.move_to("2026-05-04T12:34:56.789Z", tick=False)
    midnight = datetime(2026, 5, 3, 18, 30, tzinfo=UTC)
    first = datetime(2026, 4, 30, 18, 30, tzinfo=UTC)
    token = a_token()
    tick = timedelta(microseconds=1)
    for number, (at, wh) in enumerate(
        [(midnight, 1), (midnight - tick, 10), (first, 100), (first - tick, 1000)], start=1000
    ):
        a_session(number, token, at, wh)

    assert tokens.read_consumption(f"token:{token.pk}") == Consumption(date(2026, 5, 4), 1000, 111_000)


def test_a_contract_uses_the_energy_of_all_its_tokens_and_a_token_its_own(time_machine: Any) -> None:
    time_machine.move_to("2026-05-04T12:34:56Z", tick=False)
    contract = a_contract()
    mine, sisters, stranger = a_token("A", contract=contract), a_token("B", contract=contract), a_token("C")
    for number, (token, wh) in enumerate([(mine, 1), (sisters, 10), (stranger, 100)], start=1000):
        a_session(number, token, NOON, wh)

    assert tokens.read_consumption(f"contract:{contract.pk}").day_mwh == 11_000
    assert tokens.read_consumption(f"token:{mine.pk}").day_mwh == 1000


def test_the_sum_of_sessions_has_no_binary_noise(time_machine: Any) -> None:
    time_machine.move_to("2026-05-04T12:34:56Z", tick=False)
    token = a_token()
    for number in range(1000, 1010):
        a_session(number, token, NOON, 0.1)  # with floats: 0.9999999999999999

    assert tokens.read_consumption(f"token:{token.pk}") == Consumption(date(2026, 5, 4), 1000, 1000)
