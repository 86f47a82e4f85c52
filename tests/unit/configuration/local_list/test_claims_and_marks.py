"""Each column that a claim, a part, an answer and a mark change, and the lists that they leave alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import CampaignStation, ChargePoint
from configuration.models import ListChange, LocalList
from configuration.services.local_list import contents, due, knowledge, shown
from configuration.services.local_list.contents import Stamp

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE, MOMENT = timedelta(minutes=1), timedelta(microseconds=1)
BEFORE = NOW - timedelta(days=1)
State = LocalList.State


def a_list(name: str = "CP-1", **more: Any) -> LocalList:
    """A list of version 4 that is up to date, last changed a day ago."""
    station = ChargePoint.objects.create(identity=name, is_online=True, registration_status="Accepted")
    usual = {"is_automatic": True, "state": State.IN_SYNC, "version": 4, "entries": "{}", "digest": "d"}
    row = LocalList.objects.create(charge_point=station, **(usual | {"claimed_at": BEFORE} | more))
    LocalList.objects.filter(pk=row.pk).update(updated_at=BEFORE)
    row.refresh_from_db()
    return row


def changed(row: LocalList) -> dict[str, Any]:
    """The columns that differ from the given row."""
    now = LocalList.objects.get(pk=row.pk)
    names = [field.attname for field in LocalList._meta.concrete_fields]
    return {name: getattr(now, name) for name in names if getattr(now, name) != getattr(row, name)}


# -- claims and parts ----------------------------------------------------------------------------------------


def test_a_claim_changes_one_list() -> None:
    row, other = a_list(due_at=NOW, reason="Before.", state=State.FAILED), a_list("CP-2", due_at=NOW)

    claimed = knowledge.claim(row.charge_point_id, NOW)

    assert claimed is not None and claimed.pk == row.pk
    assert changed(row) == {
        "state": "sending", "claimed_at": NOW, "due_at": None, "reason": "", "updated_at": NOW
    }  # fmt: skip
    assert changed(other) == {}


def test_a_claim_after_a_death_forgets_the_contents() -> None:
    row, other = a_list(part_entries="{}", part_version=5), a_list("CP-2", part_entries="{}")

    claimed = knowledge.claim(row.charge_point_id, NOW)

    assert claimed is not None
    assert (claimed.entries, claimed.digest, claimed.part_entries) == (None, "", None)
    found = changed(row)
    assert (found["entries"], found["digest"], found["part_entries"]) == (None, "", None)
    assert (found["updated_at"], "part_version" in found) == (NOW, False)
    assert changed(other) == {}


def test_a_part_is_stored_before_it_is_sent_and_renews_the_claim() -> None:
    row, other = a_list(), a_list("CP-2")

    assert knowledge.begin_part(row, NOW, version=5, digest="p", entries='{"1":[]}', is_full=False)

    part = {"part_version": 5, "part_digest": "p", "part_entries": '{"1":[]}'}
    assert changed(row) == {**part, "claimed_at": NOW, "updated_at": NOW}
    assert changed(other) == {}


def test_a_part_of_an_unknown_list_is_not_stored() -> None:
    row = a_list(entries=None)

    assert not knowledge.begin_part(row, NOW, version=5, digest="p", entries="{}", is_full=False)

    assert changed(row) == {}


@pytest.mark.parametrize(
    ("part", "is_certain", "is_forgotten"),
    [("{}", False, True), ("{}", True, False), (None, False, False)],
)
def test_the_end_of_a_part(part: str | None, is_certain: bool, is_forgotten: bool) -> None:
    row = a_list(part_entries=part)

    knowledge.end_part(row, NOW, command="c-1", is_certain=is_certain)

    forgotten = {"entries": None, "digest": "", "part_entries": None}
    assert changed(row) == {
        "last_command": "c-1", "updated_at": NOW, **(forgotten if is_forgotten else {})
    }  # fmt: skip


def test_the_wanted_list_is_stored_for_one_station() -> None:
    row, other = a_list(), a_list("CP-2")

    knowledge.intend(row, wanted_version=7, capacity=3)

    assert (changed(row), changed(other)) == ({"wanted_version": 7, "capacity": 3}, {})


@pytest.mark.parametrize(
    ("state", "mark", "own", "expected"),
    [
        (State.IN_SYNC, None, NOW, (State.IN_SYNC, NOW)),
        (State.IN_SYNC, NOW, NOW + MINUTE, (State.DUE, NOW)),
        (State.IN_SYNC, NOW + MINUTE, NOW, (State.DUE, NOW)),
        (State.FAILED, NOW, None, (State.FAILED, NOW)),
        (State.FAILED, NOW, NOW + MINUTE, (State.FAILED, NOW)),
        (State.DUE, NOW, NOW + MINUTE, (State.DUE, NOW)),
        (State.UNSUPPORTED, NOW, None, (State.UNSUPPORTED, None)),
    ],
)
def test_a_mark_during_an_update_counts(
    state: State, mark: datetime | None, own: datetime | None, expected: tuple[State, datetime | None]
) -> None:
    row = a_list(state=State.SENDING, due_at=mark)

    settled = knowledge.settle(row, NOW, state=state, reason="Why.", due_at=own)

    assert (settled.state, settled.due_at, settled.reason) == (*expected, "Why.")
    assert knowledge.known(settled) is not None and settled.pk == row.pk
    assert settled.synced_at == (NOW if state == State.IN_SYNC else None)
    assert settled.attempts == (1 if state == State.FAILED else 0)


def test_a_list_that_is_not_automatic_keeps_a_mark_of_an_operator() -> None:
    row = a_list(state=State.SENDING, is_automatic=False, due_at=NOW)

    settled = knowledge.settle(row, NOW, state=State.IN_SYNC, reason="", due_at=None)

    assert (settled.state, settled.due_at) == (State.DUE, NOW)


# -- answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "version", "expected"),
    [
        ({"state": State.SENDING}, 9, {}),
        ({"state": State.SENDING}, -1, {}),
        ({}, 4, {}),
        ({"state": State.UNSUPPORTED}, 4, {"state": "unknown", "entries": None, "digest": "", "due_at": NOW}),
        (
            {"is_automatic": False},
            9,
            {"state": "unknown", "entries": None, "digest": "", "version": 9},
        ),
        (
            {"due_at": NOW + MINUTE, "reason": "Before."},
            9,
            {"state": "unknown", "reason": "", "entries": None, "digest": "", "version": 9, "due_at": NOW},
        ),
        (
            {"due_at": NOW - MINUTE},
            9,
            {"state": "unknown", "entries": None, "digest": "", "version": 9},
        ),
        (
            {"due_at": NOW},
            -2,
            {"state": "unsupported", "reason": "The station reports the list version -2.", "due_at": None},
        ),
    ],
)
def test_a_reported_version(more: dict[str, Any], version: int, expected: dict[str, Any]) -> None:
    row, other = a_list(**more), a_list("CP-2")

    knowledge.version_reported(row.charge_point_id, version, NOW)

    found = changed(row)
    assert found.pop("updated_at") > BEFORE
    assert found == {"checked_at": NOW, **expected}
    assert changed(other) == {}


PART = {"part_version": 5, "part_digest": "p", "part_entries": '{"1":["","n","s"]}'}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (
            {},
            {
                "version": 5,
                "entries": PART["part_entries"],
                "digest": contents.digest({1: Stamp("", "n", "s")}),
                "part_entries": None,
            },
        ),
        ({"is_accepted": False, "is_untouched": True}, {"part_entries": None}),
        ({"is_accepted": False}, {"part_entries": None, "entries": None, "digest": ""}),
        ({"version": 6, "is_accepted": False}, {}),
        ({"digest": "q", "is_accepted": False}, {}),
        (
            {"version": 6},
            {
                "version": 6,
                "entries": None,
                "digest": "",
                "state": "unknown",
                "due_at": NOW,
                "part_version": None,
                "part_digest": "",
                "part_entries": None,
            },
        ),
    ],
)
def test_an_answer_to_an_update(how: dict[str, Any], expected: dict[str, Any]) -> None:
    row, other = a_list(**PART), a_list("CP-2", **PART)
    usual = {"version": 5, "digest": "p", "is_accepted": True, "is_untouched": False, "at": NOW}

    knowledge.answered(row.charge_point_id, **(usual | how))

    found = changed(row)
    assert found.pop("updated_at") > BEFORE
    assert (found, changed(other)) == (expected, {})


@pytest.mark.parametrize(("is_accepted", "is_untouched"), [(True, False), (False, False), (False, True)])
def test_a_second_run_of_a_handler_changes_nothing(is_accepted: bool, is_untouched: bool) -> None:
    row = a_list(**PART | {"part_entries": None})

    knowledge.answered(
        row.charge_point_id, version=5, digest="p", is_accepted=is_accepted, is_untouched=is_untouched, at=NOW
    )

    assert set(changed(row)) == {"updated_at"}


# -- marks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # A campaign begins the update of a list, unless it is under way.
        ({}, {"state": "due", "updated_at": NOW}),
        ({"due_at": NOW + MINUTE}, {"state": "due", "updated_at": NOW}),
        ({"state": State.FAILED, "due_at": NOW}, {}),
        ({"state": State.FAILED}, {}),
        ({"state": State.SENDING}, {"due_at": NOW + MINUTE, "updated_at": NOW}),
        ({"state": State.SENDING, "due_at": NOW + MINUTE}, {}),
        (
            {"state": State.SENDING, "due_at": NOW + MINUTE + MOMENT},
            {"due_at": NOW + MINUTE, "updated_at": NOW},
        ),
        ({"state": State.UNSUPPORTED}, {}),
        ({"is_automatic": False}, {}),
    ],
)
def test_a_change_marks_the_lists(settings: Any, more: dict[str, Any], expected: dict[str, Any]) -> None:
    settings.OCPP_LOCAL_LIST_DELAY = 60
    row = a_list(**more)
    due.note_change(None)

    assert due.take_changes(NOW)

    assert changed(row) == expected
    is_left = "state" in more and more["state"] == State.UNSUPPORTED or more.get("is_automatic") is False
    assert CampaignStation.objects.count() == (0 if is_left else 1)
    assert not ListChange.objects.exists() and not due.take_changes(NOW)


def test_a_save_that_lists_do_not_depend_on_is_no_change() -> None:
    due.note_change(None, update_fields=["last_login"])
    assert not ListChange.objects.exists()
    due.note_change(None, update_fields=["last_login", "status"])

    assert ListChange.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "is_full", "expected"),
    [
        ({}, False, {"state": "due"}),
        ({"state": State.FAILED, "reason": "Why."}, False, {"state": "due", "reason": ""}),
        ({"state": State.SENDING, "reason": "Why."}, False, {}),
        ({"state": State.SENDING}, True, {"entries": None, "digest": ""}),
    ],
)
def test_a_requested_update(more: dict[str, Any], is_full: bool, expected: dict[str, Any]) -> None:
    row, other = a_list(**more), a_list("CP-2")

    due.request(row.charge_point_id, NOW, is_full=is_full)

    found = changed(row)
    assert found.pop("updated_at") > BEFORE
    assert found == {"due_at": NOW, **expected} and changed(other) == {}


@pytest.mark.parametrize(("since", "is_picked"), [(timedelta(minutes=5), False), (5 * MINUTE + MOMENT, True)])
def test_an_update_whose_process_died_is_picked_after_five_minutes(since: timedelta, is_picked: bool) -> None:
    row = a_list(state=State.SENDING, due_at=NOW, claimed_at=NOW - since)

    assert due.pick(NOW, 9) == ([row.charge_point] if is_picked else [])
    assert (knowledge.claim(row.charge_point_id, NOW) is not None) is is_picked


def test_a_list_after_a_boot_comes_after_those_that_are_due() -> None:
    booted, second, first = a_list("A"), a_list("B", due_at=NOW), a_list("C", due_at=NOW - MOMENT)
    ChargePoint.objects.filter(pk=booted.charge_point_id).update(last_boot_at=BEFORE + MOMENT)
    third = a_list("D", due_at=NOW)

    picked = [row.charge_point for row in (first, second, third, booted)]
    assert due.pick(NOW, 9) == picked and due.pick(NOW, 3) == picked[:3]


def test_a_boot_at_the_moment_of_the_update_is_no_later_one() -> None:
    row = a_list()
    ChargePoint.objects.filter(pk=row.charge_point_id).update(last_boot_at=BEFORE)

    assert due.pick(NOW, 9) == []


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 60), (1, 300), (2, 1800), (3, 7200), (4, 86_400), (5, 86_400)]
)
def test_the_wait_after_a_failure_grows(attempts: int, seconds: int) -> None:
    assert due.after_failure(NOW, attempts) == NOW + timedelta(seconds=seconds)


def test_the_next_look_is_within_a_day() -> None:
    assert due.after_success(NOW, NOW + timedelta(days=2)) == NOW + timedelta(days=1)


# -- the setting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"state": State.UNSUPPORTED, "reason": "None."}, {"state": "due", "reason": ""}),
        ({"state": State.IN_SYNC}, {"state": "due"}),
    ],
)
def test_automatic_updates_are_due_at_once(more: dict[str, Any], expected: dict[str, Any]) -> None:
    row = a_list(is_automatic=False, **more)

    shown.change(row.charge_point, automatic=True)

    found = changed(row)
    assert abs(found.pop("due_at") - found.pop("updated_at")) < MINUTE
    assert found == {"is_automatic": True, **expected}


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"state": State.DUE, "wanted_digest": "d"}, "in_sync"),
        ({"state": State.DUE, "wanted_digest": "e"}, "unknown"),
        ({"state": State.DUE, "digest": ""}, "unknown"),
        ({"state": State.FAILED, "reason": "Why."}, "failed"),
        ({"state": State.SENDING}, "sending"),
    ],
)
def test_a_list_without_automatic_updates_is_not_due(more: dict[str, Any], state: str) -> None:
    row = a_list(due_at=NOW, **more)

    after = shown.change(row.charge_point, automatic=False)

    now = LocalList.objects.get()
    assert (now.is_automatic, now.due_at, now.state, now.reason) == (False, None, state, row.reason)
    assert after == now


@pytest.mark.parametrize("automatic", [True, False])
def test_the_setting_that_a_list_has_changes_nothing(automatic: bool) -> None:
    row = a_list(is_automatic=automatic, state=State.DUE, due_at=NOW)

    shown.change(row.charge_point, automatic=automatic)

    assert changed(row) == {}


def test_a_station_whose_list_is_left_alone_has_an_empty_one() -> None:
    row = a_list()
    other = ChargePoint.objects.create(identity="CP-2")

    assert (shown.stored(row.charge_point), shown.stored(other)) == (row, None)
    assert shown.of(row.charge_point) == row
    empty = shown.of(other)
    assert (empty.pk, empty.charge_point, empty.state) == (None, other, "unknown")
