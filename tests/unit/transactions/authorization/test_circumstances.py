"""Sessions elsewhere, groups, master passes, budgets: decisions that depend on more than the token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Member, Token
from ocpp_server import live
from ocpp_server.live.extensions import load_station
from ocpp_server.protocol.versions import V16, V201, VERSIONS
from tests.direct.accounts import a_contract, a_person, a_token
from tests.direct.station import DirectStation
from transactions.live.stations import load_running
from transactions.models import AccessRule, Refusal, Transaction
from transactions.services.transactions import closing

pytestmark = pytest.mark.django_db(transaction=True)


# -- other sessions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_token_charges_at_one_place_at_a_time(station: Any, run_orm: Any, version: str) -> None:
    first, second = await station(version), await station(version, "CP-2")
    await run_orm(a_token)
    begun = await first.start("CARD")

    meanwhile = await second.authorize("CARD"), await second.start("CARD")
    await first.stop(begun, "CARD")
    await second.stop(meanwhile[1], "CARD")
    afterwards = await second.start("CARD")

    assert [answer["status"] for answer in (*meanwhile, afterwards)] == [
        "Accepted",
        "ConcurrentTx",
        "Accepted",
    ]
    refusal = await run_orm(Refusal.objects.get)
    assert refusal.reason == "The token is already charging at CP-1."


async def test_a_session_without_signs_of_life_blocks_no_token(station: Any, run_orm: Any) -> None:
    first, second = await station(V16), await station(V16, "CP-2")
    await run_orm(a_token)
    await first.start("CARD")
    for session in await live.state().running("card"):
        session.last_message_at -= timedelta(days=2)

    answer = await second.start("CARD")

    assert answer["status"] == "Accepted"


@pytest.mark.parametrize(("limit", "wanted"), [(0, "Accepted"), (2, "ConcurrentTx"), (3, "Accepted")])
async def test_a_group_has_as_many_sessions_as_the_setting_allows(
    station: Any, run_orm: Any, settings: Any, limit: int, wanted: str
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = limit
    chargers = [await station(V16, f"CP-{number}") for number in range(3)]
    for number in range(3):
        await run_orm(a_token, f"CARD-{number}", group_id="FAMILY" if number else "family")

    answers = [await charger.start(f"CARD-{number}") for number, charger in enumerate(chargers)]

    assert [answer["status"] for answer in answers] == ["Accepted", "Accepted", wanted]


async def test_the_sessions_of_a_group_are_known_after_a_restart(
    station: Any, run_orm: Any, settings: Any
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    first, second = await station(V16), await station(V16, "CP-2")
    for number in range(2):
        await run_orm(a_token, f"CARD-{number}", group_id="FAMILY")
    begun = await first.start("CARD-0")

    live.reset()
    last_number, active = await run_orm(load_running)
    live.state().rebuild(last_number=last_number, active=active)
    during = await second.start("CARD-1")
    await run_orm(closing.close_abandoned, timezone.now() + timedelta(days=1))
    after = await second.start("CARD-1")

    assert begun["status"] == "Accepted"
    assert (during["status"], after["status"]) == ("ConcurrentTx", "Accepted")


# -- groups and master passes --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("other", "status", "how"),
    [
        ({}, "Accepted", "Ended with an unrelated token."),
        ({"group_id": "FAMILY"}, "Accepted", "Ended with another token of the group FAMILY."),
        ({"group_id": "MASTER", "is_master": True}, "Accepted", "Ended with a master pass."),
        ({"group_id": "FAMILY", "status": "blocked"}, "Blocked", "The token is blocked."),
    ],
)
async def test_the_stop_is_always_stored_with_its_authorization(  # noqa: PLR0917 - pytest passes by name
    station: Any, run_orm: Any, version: str, other: dict[str, Any], status: str, how: str
) -> None:
    charger = await station(version)
    await run_orm(a_token, group_id="FAMILY")
    await run_orm(a_token, "OTHER", **other)
    begun = await charger.start("CARD")

    answer = await charger.stop(begun, "OTHER", 700)

    session = await run_orm(Transaction.objects.get)
    assert answer["status"] == status
    assert (session.status, session.energy_wh, session.stop_id_token) == ("ended", 700, "OTHER")
    assert (session.stop_authorization_status, session.stop_authorization_reason) == (status, how)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_master_pass_is_accepted_and_starts_nothing(station: Any, run_orm: Any, version: str) -> None:
    charger = await station(version)
    await run_orm(a_token, group_id="MASTER", is_master=True)

    asked, begun = await charger.authorize("CARD"), await charger.start("CARD")

    group = asked["parentIdTag"] if version == V16 else asked["groupIdToken"]["idToken"]
    assert (asked["status"], group, begun["status"]) == ("Accepted", "MASTER", "Invalid")


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_owner_of_a_session_may_end_it_despite_place_and_budget(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version)
    mine = await run_orm(a_token, group_id="FAMILY")
    sisters = await run_orm(a_token, "SISTER", group_id="FAMILY")
    await charger.start("CARD")

    def tighten() -> None:
        Token.objects.all().update(energy_wh_per_day=0)
        for token in (mine, sisters):
            AccessRule.objects.create(token=token, charge_point_id=charger.station.pk, effect="refuse")

    await run_orm(tighten)
    asked = [await charger.authorize(uid) for uid in ("CARD", "SISTER")]
    begun = await charger.start("SISTER", evse=2)

    assert [answer["status"] for answer in asked] == ["Accepted", "Accepted"]
    assert begun["status"] == ("Invalid" if version == V16 else "NotAtThisLocation")


# -- budgets -------------------------------------------------------------------------------------------------


async def a_session(charger: DirectStation, uid: str, wh: int) -> str:
    begun = await charger.start(uid)
    await charger.stop(begun, uid, wh)
    return str(begun["status"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_token_charges_until_its_budget_is_used_up(
    station: Any, run_orm: Any, version: str, period: str
) -> None:
    charger = await station(version)
    await run_orm(a_token, **{f"energy_wh_per_{period}": 1000})

    statuses = [await a_session(charger, "CARD", 600) for _ in range(3)]

    refused = "Invalid" if version == V16 else "NoCredit"
    assert statuses == ["Accepted", "Accepted", refused]
    refusal = await run_orm(Refusal.objects.get)
    assert refusal.reason == f"The token's budget for the {period} is used up: 1.2 of 1.0 kWh."


async def test_the_budget_of_a_contract_counts_all_its_tokens_at_all_stations(
    station: Any, run_orm: Any
) -> None:
    first, second = await station(V201), await station(V16, "CP-2")
    contract = await run_orm(a_contract, energy_wh_per_month=1000)
    for uid in ("A", "B"):
        await run_orm(a_token, uid, contract=contract)

    statuses = [await a_session(first, "A", 1000), await a_session(second, "B", 500)]

    assert statuses == ["Accepted", "Invalid"]
    assert (await run_orm(Refusal.objects.get)).reason.startswith(
        "The contract's budget for the month is used up"
    )


async def test_yesterday_counts_in_the_month_and_not_in_the_day(
    station: Any, run_orm: Any, time_machine: Any
) -> None:
    charger = await station(V201)
    time_machine.move_to("2026-05-30T11:00:00Z", tick=True)
    await run_orm(a_token, energy_wh_per_day=1000, energy_wh_per_month=2000)

    days = {
        "30": [await a_session(charger, "CARD", 1000), await a_session(charger, "CARD", 1)],
    }
    for day, moment in (("31", "2026-05-31T11:00:00Z"), ("1", "2026-06-01T11:00:00Z")):
        time_machine.move_to(moment, tick=True)
        days[day] = [await a_session(charger, "CARD", 1000), await a_session(charger, "CARD", 1)]

    assert days == {
        "30": ["Accepted", "NoCredit"],
        "31": ["Accepted", "NoCredit"],
        "1": ["Accepted", "NoCredit"],
    }
    reasons = await run_orm(lambda: [row.reason.split(" is")[0] for row in Refusal.objects.order_by("pk")])
    assert reasons == ["The token's budget for the day"] * 3


# -- uids as stations write them -----------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["AA:BB:CC:00:11:22", "aabbcc001122", "AA-BB-CC-00-11-22"])
async def test_a_vehicle_is_found_by_its_mac_in_any_spelling(
    station: Any, run_orm: Any, written: str
) -> None:
    old, new = await station(V16), await station(V201, "CP-2")
    await run_orm(a_token, "VID:AABBCC001122", type="OTHER")

    answers = [await old.authorize(f"VID:{written}"), await new.authorize(written, "MacAddress")]

    assert [answer["status"] for answer in answers] == ["Accepted", "Accepted"]


@pytest.mark.parametrize(("normal_form", "wanted"), [(False, "Invalid"), (True, "Accepted")])
async def test_separators_are_ignored_if_the_setting_is_on(
    station: Any, run_orm: Any, settings: Any, normal_form: bool, wanted: str
) -> None:
    settings.OCPP_TOKEN_NORMAL_FORM = normal_form
    charger = await station(V16)
    await run_orm(a_token, "04:A2-B3 C4")

    answers = [await charger.authorize(uid) for uid in ("04a2b3c4", "04 A2 B3 C4", "04:a2-b3 c4")]

    assert [answer["status"] for answer in answers] == [wanted, wanted, "Accepted"]


async def test_a_token_that_is_longer_than_ocpp_allows_is_found_and_reversed_bytes_are_not(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    await run_orm(a_token, "X" * 60)
    await run_orm(a_token, "04A2B3C4")

    answers = [await charger.authorize(uid) for uid in ("x" * 60, "C4B3A204")]

    assert [answer["status"] for answer in answers] == ["Accepted", "Invalid"]


# -- the cache of tokens -------------------------------------------------------------------------------------


async def test_every_saved_change_counts_from_then_on(station: Any, run_orm: Any) -> None:
    charger = await station(V201)
    alice = await run_orm(a_person)
    contract = await run_orm(a_contract, owner=alice)
    token = await run_orm(a_token, user=alice, contract=contract)
    rule = AccessRule(token=token, charge_point_id=charger.station.pk, effect="refuse")
    answers = [(await charger.authorize("CARD"))["status"]]

    async def save(row: Any, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(row, name, value)
        await run_orm(row.save)
        answers.append((await charger.authorize("CARD"))["status"])

    await save(alice, status="suspended")
    await save(alice, status="active")
    await save(contract, status="terminated")
    await save(contract, status="active")
    member = await run_orm(Member.objects.get)
    await run_orm(Member.objects.filter(pk=member.pk).update, role="member")
    await save(member, role="viewer")
    await save(member, role="owner")
    await save(rule)
    await run_orm(rule.delete)
    answers.append((await charger.authorize("CARD"))["status"])
    await save(token, uid="NEW")
    assert answers == [
        "Accepted", "Blocked", "Accepted", "Blocked", "Accepted", "Invalid", "Accepted", "NotAtThisLocation",
        "Accepted", "Unknown",
    ]  # fmt: skip


async def test_a_cached_decision_reads_no_database(
    station: Any, run_orm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    charger = await station(V201, site="Depot")

    def known() -> None:
        alice = a_person()
        contract = a_contract(owner=alice, energy_wh_per_day=10_000)
        token = a_token(user=alice, contract=contract, group_id="FAMILY", energy_wh_per_month=10_000)
        AccessRule.objects.create(token=token, charge_point_id=charger.station.pk, effect="allow")

    await run_orm(known)
    await charger.authorize("CARD")

    async def read(*args: Any) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr("ocpp_server.storage.journal.journal.run", read)
    answers = [await charger.authorize("CARD") for _ in range(3)]

    assert {answer["status"] for answer in answers} == {"Accepted"}


async def test_last_uses_are_collected_and_written_in_one_batch(station: Any, run_orm: Any) -> None:
    from ocpp_server.process import scheduler

    charger = await station(V16)
    token = await run_orm(a_token)
    await run_orm(a_token, "BAD", status="blocked")
    for uid in ("CARD", "CARD", "BAD"):
        await charger.authorize(uid)
    assert (await run_orm(Token.objects.get, pk=token.pk)).last_used_at is None

    await scheduler.MIRROR.run()

    used = await run_orm(lambda: dict(Token.objects.values_list("uid", "last_used_at")))
    assert used["CARD"] is not None and used["BAD"] is None


async def test_a_station_that_moves_to_a_site_follows_the_rules_of_the_site(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V201)
    other = await station(V201, "CP-2", site="Depot")
    token = await run_orm(a_token)
    await run_orm(AccessRule.objects.create, token=token, site_id=other.station.site_pk, effect="refuse")
    before = await charger.authorize("CARD")

    from chargepoints.models import ChargePoint

    await run_orm(ChargePoint.objects.filter(pk=charger.station.pk).update, site=other.station.site_pk)
    charger.station.take_over(await run_orm(load_station, charger.station.pk, V201))
    after = await charger.authorize("CARD")

    assert (before["status"], after["status"]) == ("Accepted", "NotAtThisLocation")
