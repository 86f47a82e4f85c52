"""Full and Differential updates, their parts, their versions, and what the station has after each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from configuration.services.local_list import contents, planning, syncing
from configuration.services.local_list.planning import Entry, Known, Update
from configuration.services.local_list.selection import Listed
from ocpp_server.protocol.translate import Verdict
from ocpp_server.protocol.translate.local_list import LARGEST_VERSION, list_update
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.splitting import Limits

EXPIRY = datetime(2027, 1, 2, tzinfo=UTC)


def listed(*pks: int, **more: Any) -> list[Listed]:
    return [
        Listed(**({"pk": pk, "uid": f"T{pk}", "type": "ISO14443", "verdict": Verdict.ACCEPTED,
                   "group_id": "", "expires_at": None} | more))
        for pk in pks
    ]  # fmt: skip


def wanted(*pks: int, **more: Any) -> list[Entry]:
    return planning.entries(listed(*pks, **more), V16)


def known(version: int, *pks: int) -> Known:
    return Known(version, planning.contents_of(wanted(*pks)))


def plan(before: Known | None, entries: Sequence[Entry], most: int = 100, **how: Any) -> list[Update]:
    def split(of: Sequence[Entry]) -> list[list[Entry]]:
        return [list(of[start : start + most]) for start in range(0, len(of), most)]

    at_station = before.contents if before is not None and before.contents else {}
    aim = planning.contents_of(entries)
    uids = {pk: f"T{pk}" for pk in at_station}
    removed = planning.removals(planning.gone(at_station, aim), uids, at_station, V16)
    usual = {"reported": before.version if before else 0, "removed": removed, "split": split}
    return planning.plan(before, wanted=entries, **(usual | how))


def shown(updates: list[Update]) -> list[tuple[bool, int, list[str]]]:
    return [
        (one.is_full, one.version, [entry["idTag"] + ("" if "idTagInfo" in entry else "-")
                                    for entry in one.entries])
        for one in updates
    ]  # fmt: skip


def test_an_unknown_list_is_replaced_by_a_full_one_with_a_higher_version() -> None:
    assert shown(plan(None, wanted(1, 2), reported=7)) == [(True, 8, ["T1", "T2"])]
    assert shown(plan(None, wanted(1))) == [(True, 1, ["T1"])]
    assert shown(plan(Known(5, None), wanted(1))) == [(True, 6, ["T1"])]


def test_nothing_is_sent_to_a_station_that_has_the_list() -> None:
    assert plan(known(4, 1, 2), wanted(2, 1)) == []
    assert plan(None, []) == []


def test_a_change_is_a_differential_update_removals_first() -> None:
    entries = [*wanted(1, 2, 3, 4), *wanted(6, verdict=Verdict.BLOCKED)]

    found = plan(known(4, 1, 2, 3, 5, 6), entries)

    assert shown(found) == [(False, 5, ["T5-", "T4", "T6"])]
    assert found[0].after == planning.contents_of(entries)


def test_many_changes_are_a_full_list() -> None:
    assert shown(plan(known(4, 1, 2), wanted(3, 4))) == [(True, 5, ["T3", "T4"])]
    assert shown(plan(known(4, 1), [])) == [(True, 5, [])]


def test_a_list_of_another_version_is_not_changed_but_replaced() -> None:
    assert shown(plan(known(4, 1, 2, 3), wanted(1, 2), reported=6)) == [(True, 7, ["T1", "T2"])]
    assert shown(plan(known(9, 1, 2, 3), wanted(1, 2), reported=2)) == [(True, 10, ["T1", "T2"])]
    assert shown(plan(known(9, 1, 2, 3), wanted(1, 2), reported=0)) == [(True, 10, ["T1", "T2"])]


def test_a_full_list_can_be_asked_for() -> None:
    assert shown(plan(known(4, 1, 2), wanted(1, 2), is_full=True)) == [(True, 5, ["T1", "T2"])]


def test_a_list_in_parts_begins_full_and_goes_on_with_differential_updates() -> None:
    found = plan(None, wanted(1, 2, 3, 4, 5), most=2, reported=3)

    assert shown(found) == [(True, 4, ["T1", "T2"]), (False, 5, ["T3", "T4"]), (False, 6, ["T5"])]
    assert [sorted(one.after) for one in found] == [[1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5]]


def test_a_differential_update_in_parts_keeps_what_each_part_has_done() -> None:
    found = plan(known(3, 1, 2, 3, 4, 9), wanted(1, 2, 3, 4, 5, 6), most=2)

    assert shown(found) == [(False, 4, ["T9-", "T5"]), (False, 5, ["T6"])]
    assert [sorted(one.after) for one in found] == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize("is_full", [True, False])
def test_a_version_beyond_32_bits_begins_again_with_a_full_list(is_full: bool) -> None:
    before = known(LARGEST_VERSION, 1, 2, 3)

    assert shown(plan(before, wanted(1, 2), is_full=is_full)) == [(True, 1, ["T1", "T2"])]
    assert plan(before._replace(version=LARGEST_VERSION - 1), wanted(1, 2))[0].version == LARGEST_VERSION


def test_a_token_with_another_uid_needs_a_full_list() -> None:
    before = known(4, 1, 2, 3)

    assert plan(before, wanted(1, 2), removed=None)[0].is_full
    assert plan(before, [*wanted(1, 2), *wanted(3, uid="OTHER")])[0].is_full
    assert planning.removals([3], {3: "OTHER"}, before.contents or {}, V16) is None
    assert planning.removals([3], {}, before.contents or {}, V16) is None


def test_a_new_token_under_the_uid_of_an_old_one_overwrites_its_entry() -> None:
    before = known(4, 1, 2, 3)

    (update,) = plan(before, [*wanted(1, 2), *wanted(8, uid="t3")])

    assert shown([update]) == [(False, 5, ["t3"])]
    assert sorted(update.after) == [1, 2, 8]


def test_16_entries_have_status_expiry_and_parent() -> None:
    (entry,) = wanted(1, group_id="G" * 36, expires_at=EXPIRY, verdict=Verdict.EXPIRED)

    info = {"status": "Expired", "parentIdTag": "G" * 20, "expiryDate": "2027-01-02T00:00:00.000Z"}
    assert entry.wire == {"idTag": "T1", "idTagInfo": info}


def test_2x_entries_have_the_type_of_the_token() -> None:
    tokens = [*listed(1, group_id="G", verdict=Verdict.WRONG_PLACE), *listed(2, uid="VID:aa:bb:cc:dd:ee:0f")]

    first, second = planning.entries(tokens, V201)

    assert first.wire == {
        "idToken": {"idToken": "T1", "type": "ISO14443"},
        "idTokenInfo": {
            "status": "NotAtThisLocation",
            "groupIdToken": {"idToken": "G", "type": "Central"},
        },
    }
    assert second.wire["idToken"] == {"idToken": "aabbccddee0f", "type": "MacAddress"}
    stored = planning.contents_of([second])
    (removed,) = planning.removals([2], {2: "VID:AABBCCDDEE0F"}, stored, V201) or []
    assert removed.wire == {"idToken": {"idToken": "AABBCCDDEE0F", "type": "MacAddress"}}


def test_an_empty_list_has_no_entries_on_the_wire() -> None:
    assert list_update(V16, is_full=True, number=3, entries=[]) == {"listVersion": 3, "updateType": "Full"}
    assert list_update(V201, is_full=False, number=3, entries=[{}]) == {
        "versionNumber": 3,
        "updateType": "Differential",
        "localAuthorizationList": [{}],
    }


def test_a_stored_copy_has_no_uid_and_the_same_list_the_same_digest() -> None:
    stored = planning.contents_of(wanted(1, 2))
    text = contents.packed(stored)

    assert "T1" not in text
    assert contents.unpacked(text) == stored
    assert contents.digest(stored) == contents.digest(dict(reversed(stored.items())))
    assert contents.digest(stored) != contents.digest(planning.contents_of(wanted(1, 3)))
    assert contents.digest(stored) != contents.digest(
        planning.contents_of([*wanted(1), *wanted(2, verdict=Verdict.BLOCKED)])
    )


@pytest.mark.parametrize("version", [V16, V201])
def test_each_part_fits_into_a_message_whatever_its_version_and_its_type(version: str) -> None:
    entries = planning.entries(listed(1, 2), version)
    longest = list_update(
        version, is_full=False, number=LARGEST_VERSION, entries=[entry.wire for entry in entries]
    )
    frame = [2, "m" * 36, "SendLocalList", longest]
    # A comma is counted for each entry, and 4 bytes to spare for the frame.
    size = len(orjson.dumps(frame)) + 1 + 4

    whole, halves = (syncing._parts(entries, version, Limits(bytes=most)) for most in (size, size - 1))

    assert (whole, halves) == ([entries], [entries[:1], entries[1:]])
