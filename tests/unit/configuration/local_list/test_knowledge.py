"""The stored knowledge of a station's list, and when the list is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Token, User
from accounts.services import token_import
from chargepoints.models import ChargePoint
from configuration.models import ListChange, LocalList
from configuration.services.local_list import contents, due, knowledge, planning, shown
from configuration.services.local_list.selection import Listed
from ocpp_server.protocol.translate import Verdict
from ocpp_server.protocol.versions import V16
from tests.direct.accounts import a_contract, a_person, a_token
from transactions.models import AccessRule
from transactions.services import privacy

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
State = LocalList.State


@pytest.fixture
def station() -> ChargePoint:
    return ChargePoint.objects.create(
        identity="CP-1", ocpp_version=V16, registration_status="Accepted", is_online=True
    )


def entries(*tokens: Token) -> contents.Contents:
    listed = [Listed(one.pk, one.uid, "", Verdict.ACCEPTED, "", None) for one in tokens]
    return planning.contents_of(planning.entries(listed, V16))


def a_list(station: ChargePoint, *tokens: Token, **more: Any) -> LocalList:
    usual = {
        "is_automatic": True,
        "state": State.IN_SYNC,
        "version": 4,
        "entries": contents.packed(entries(*tokens)),
        "claimed_at": NOW - MINUTE,
    }
    return LocalList.objects.create(charge_point=station, **(usual | more))


def fresh(row: LocalList) -> LocalList:
    return LocalList.objects.get(pk=row.pk)


# -- claims --------------------------------------------------------------------------------------------------


def test_one_update_runs_at_a_time_until_its_claim_is_old(station: ChargePoint) -> None:
    first = knowledge.claim(station.pk, NOW)

    assert first is not None
    assert (first.state, first.is_automatic, knowledge.known(first)) == (State.SENDING, True, None)
    assert knowledge.claim(station.pk, NOW + knowledge.CLAIM_KEPT) is None
    assert knowledge.claim(station.pk, NOW + knowledge.CLAIM_KEPT + MINUTE) is not None


def test_only_the_claim_of_its_time_is_released(station: ChargePoint) -> None:
    row = a_list(station, state=State.SENDING, claimed_at=NOW)

    for claimed_at in (NOW - MINUTE, NOW + MINUTE):
        knowledge.release(station.pk, claimed_at, NOW + MINUTE, "Stopped.")
    assert (fresh(row).state, fresh(row).reason) == (State.SENDING, "")

    knowledge.release(station.pk, NOW, NOW + MINUTE, "Stopped.")
    now = fresh(row)
    assert (now.state, now.reason, now.due_at) == (State.DUE, "Stopped.", NOW + MINUTE)


def test_the_contents_are_unknown_after_the_death_of_a_process_that_was_sending(station: ChargePoint) -> None:
    a_list(station, state=State.SENDING, part_entries="{}", claimed_at=NOW - timedelta(hours=1))

    claimed = knowledge.claim(station.pk, NOW)

    assert claimed is not None
    assert knowledge.known(claimed) == planning.Known(4, None)


def test_a_mark_during_an_update_makes_the_list_due_again(station: ChargePoint) -> None:
    a_list(station)
    claimed = knowledge.claim(station.pk, NOW)
    assert claimed is not None
    a_token()
    due.take_changes(NOW)

    settled = knowledge.settle(claimed, NOW, state=State.IN_SYNC, reason="", due_at=NOW + timedelta(days=1))

    assert (settled.state, settled.due_at) == (State.DUE, NOW + timedelta(seconds=30))


def test_failures_are_counted_until_the_next_success(station: ChargePoint) -> None:
    a_list(station)
    later = NOW + MINUTE

    def settled(state: str, reason: str = "") -> LocalList:
        row = knowledge.claim(station.pk, NOW)
        assert row is not None
        return knowledge.settle(row, NOW, state=state, reason=reason, due_at=later)

    for attempts in (1, 2):
        row = settled(State.FAILED, "x" * 400)
        assert (row.attempts, row.due_at, len(row.reason), row.synced_at) == (attempts, later, 300, None)
    row = settled(State.IN_SYNC)
    assert (row.state, row.attempts, row.synced_at, row.reason) == (State.IN_SYNC, 0, NOW, "")


def test_a_list_without_automatic_updates_is_not_due_after_one(station: ChargePoint) -> None:
    row = a_list(station, is_automatic=False)

    for state, expected in ((State.FAILED, State.FAILED), (State.DUE, State.UNKNOWN)):
        settled = knowledge.settle(row, NOW, state=state, reason="", due_at=NOW)
        assert (settled.state, settled.due_at) == (expected, None)


# -- answers -------------------------------------------------------------------------------------------------


def begun(row: LocalList, *tokens: Token, version: int = 5) -> None:
    text = contents.packed(entries(*tokens))
    assert knowledge.begin_part(row, NOW, version=version, digest="d", entries=text, is_full=False)


def answer(station: ChargePoint, **how: Any) -> None:
    usual = {"version": 5, "digest": "d", "is_accepted": True, "is_untouched": False, "at": NOW}
    knowledge.answered(station.pk, **(usual | how))


def test_an_accepted_update_is_known_also_when_its_handler_runs_twice(station: ChargePoint) -> None:
    alice, bob = a_token("ALICE"), a_token("BOB")
    row = a_list(station, alice, state=State.SENDING)
    begun(row, alice, bob)

    answer(station)
    answer(station)

    known = knowledge.known(fresh(row))
    assert known == planning.Known(5, entries(alice, bob))
    assert fresh(row).digest == contents.digest(entries(bob, alice))


@pytest.mark.parametrize(("is_untouched", "is_known"), [(True, True), (False, False)])
def test_a_refused_update_changes_nothing_or_anything(
    station: ChargePoint, is_untouched: bool, is_known: bool
) -> None:
    row = a_list(station, a_token())
    begun(row)

    answer(station, is_accepted=False, is_untouched=is_untouched)

    assert (fresh(row).version, fresh(row).entries is not None) == (4, is_known)


def test_an_update_of_an_operator_makes_the_contents_unknown(station: ChargePoint) -> None:
    row = a_list(station, a_token())

    answer(station, digest="other", is_accepted=False)
    assert fresh(row).entries is not None
    answer(station, digest="other", version=9)

    found = fresh(row)
    assert (found.state, found.version, found.entries, found.due_at) == (State.UNKNOWN, 9, None, NOW)


def test_an_update_of_an_operator_between_two_parts_stops_ours(station: ChargePoint) -> None:
    row = a_list(station, a_token(), state=State.SENDING)
    begun(row)
    answer(station, digest="other", version=9)

    part = {"version": 6, "digest": "e", "entries": "{}"}
    assert not knowledge.begin_part(row, NOW, **part, is_full=False)
    assert knowledge.begin_part(row, NOW, **part, is_full=True)
    assert fresh(row).state == State.SENDING


@pytest.mark.parametrize("is_certain", [True, False])
def test_an_update_without_an_answer_leaves_the_contents_unknown(
    station: ChargePoint, is_certain: bool
) -> None:
    row = a_list(station, a_token())
    begun(row)
    if is_certain:
        answer(station)

    knowledge.end_part(row, NOW, command="c-1", is_certain=is_certain)

    assert (fresh(row).entries is not None, fresh(row).last_command) == (is_certain, "c-1")


@pytest.mark.parametrize(
    ("version", "state", "is_known"),
    [
        (4, State.IN_SYNC, True),
        (5, State.UNKNOWN, False),
        (0, State.UNKNOWN, False),
        (-1, State.UNSUPPORTED, True),
    ],
)
def test_a_reported_version_is_compared(
    station: ChargePoint, version: int, state: str, is_known: bool
) -> None:
    row = a_list(station, a_token(), due_at=NOW + MINUTE)

    knowledge.version_reported(station.pk, version, NOW)

    found = fresh(row)
    assert (found.state, found.entries is not None, found.checked_at) == (state, is_known, NOW)
    assert found.due_at == {State.IN_SYNC: NOW + MINUTE, State.UNKNOWN: NOW}.get(State(state))


def test_the_answers_of_a_station_whose_list_is_left_alone_are_not_stored(station: ChargePoint) -> None:
    knowledge.version_reported(station.pk, 3, NOW)
    answer(station)

    assert not LocalList.objects.exists()


# -- changes -------------------------------------------------------------------------------------------------


def test_changes_of_all_that_authorization_reads_are_noted(station: ChargePoint) -> None:
    person = a_person()
    contract = a_contract(owner=person)
    token = a_token(user=person, contract=contract)
    rule = AccessRule.objects.create(token=token, charge_point=station)
    for change in (person.save, contract.save, token.save, rule.save, rule.delete):
        ListChange.objects.all().delete()
        change()
        assert ListChange.objects.exists(), change

    ListChange.objects.all().delete()
    User.objects.get().save(update_fields=["last_login"])
    assert not ListChange.objects.exists()


def test_an_import_of_tokens_is_noted() -> None:
    token_import.write(token_import.Plan(created=[Token(uid="A", uid_key="a")], changes=[]))

    assert ListChange.objects.count() == 1


def test_changes_together_are_taken_once(station: ChargePoint) -> None:
    row = a_list(station, due_at=NOW + timedelta(days=1))
    a_token("A")
    a_token("B")

    assert due.take_changes(NOW)
    assert not due.take_changes(NOW + MINUTE)

    assert fresh(row).state == State.DUE
    assert not ListChange.objects.exists()


# -- the stations whose time has come ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "row", "is_picked"),
    [
        ({}, {"due_at": NOW}, True),
        ({}, {"due_at": NOW + MINUTE}, False),
        ({}, {}, False),
        ({"is_online": False}, {"due_at": NOW}, False),
        ({"registration_status": "Pending"}, {"due_at": NOW}, False),
        ({}, {"due_at": NOW, "is_automatic": False}, True),
        ({}, {"due_at": NOW, "state": State.UNSUPPORTED}, False),
        ({}, {"due_at": NOW, "state": State.SENDING}, False),
        ({}, {"due_at": NOW, "state": State.SENDING, "claimed_at": NOW - timedelta(hours=1)}, True),
        ({"last_boot_at": NOW}, {}, True),
        ({"last_boot_at": NOW - timedelta(hours=1)}, {}, False),
        ({"last_boot_at": NOW}, {"is_automatic": False}, False),
    ],
)
def test_connected_stations_are_picked_when_due_and_after_a_boot(
    station: ChargePoint, columns: Any, row: Any, is_picked: bool
) -> None:
    ChargePoint.objects.filter(pk=station.pk).update(**columns)
    a_list(station, **row)

    assert due.pick(NOW, 20) == ([station] if is_picked else [])


def test_a_bounded_number_is_picked_the_longest_due_first() -> None:
    for number in range(3):
        one = ChargePoint.objects.create(
            identity=f"CP-{number}", is_online=True, registration_status="Accepted"
        )
        a_list(one, due_at=NOW - number * MINUTE)

    assert [one.identity for one in due.pick(NOW, 2)] == ["CP-2", "CP-1"]


def test_the_next_look_and_the_next_attempt() -> None:
    assert due.after_success(NOW, None) == NOW + timedelta(days=1)
    assert due.after_success(NOW, NOW + MINUTE) == NOW + MINUTE
    assert due.after_failure(NOW, 0) == NOW + MINUTE
    assert due.after_failure(NOW, 99) == NOW + timedelta(days=1)


def test_a_requested_update_is_due_now(station: ChargePoint) -> None:
    due.request(station.pk, NOW, is_full=False)
    row = LocalList.objects.get()
    assert (row.state, row.due_at, row.is_automatic) == (State.DUE, NOW, True)

    LocalList.objects.update(entries=contents.packed({}), state=State.UNSUPPORTED)
    due.request(station.pk, NOW, is_full=True)

    assert (fresh(row).state, fresh(row).entries) == (State.DUE, None)


def test_automatic_updates_are_switched_off_and_on(station: ChargePoint) -> None:
    row = a_list(station, state=State.DUE, due_at=NOW, digest="d", wanted_digest="d")

    assert (shown.change(station, automatic=False).state, fresh(row).due_at) == (State.IN_SYNC, None)
    assert shown.change(station, automatic=True).state == State.DUE
    assert fresh(row).due_at is not None


# -- erasure -------------------------------------------------------------------------------------------------


def test_an_erased_person_is_in_no_copy_and_leads_to_a_full_list(station: ChargePoint) -> None:
    person = a_person()
    token, others = a_token("ALICE-CARD", user=person), [a_token("B"), a_token("C"), a_token("D")]
    row = a_list(station, token, *others)
    assert "ALICE" not in (row.entries or "")
    ListChange.objects.all().delete()

    privacy.erase(person)

    assert ListChange.objects.exists()
    known = entries(token, *others)
    uids = dict(Token.objects.values_list("pk", "uid"))
    # A removal would write the uid into the logs again.
    assert planning.removals([token.pk], uids, known, V16) is None
