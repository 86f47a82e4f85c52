"""The tokens of a station's list: who is on it, who is left out first, and as whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from configuration.services.local_list.selection import Pool, Selection
from ocpp_server.live.records import Budget, Places, TokenRecord
from ocpp_server.protocol.translate import Verdict
from ocpp_server.protocol.versions import V16, V201
from tests.unit.configuration.local_list.records import NOW, a_record, used

HOUR = timedelta(hours=1)


def select(*records: TokenRecord, version: str = V16, **how: Any) -> Selection:
    pool = Pool(version, NOW)
    pool.add(records)
    return pool.select(**({"station": 7, "site": 3, "used": {}, "most": None} | how))


def keys(selection: Selection) -> list[int]:
    return [one.pk for one in selection.tokens]


def test_a_long_list_keeps_used_tokens_then_their_groups_then_groups_then_the_newest() -> None:
    records = [
        a_record(1, group_id="Family"),
        a_record(2),
        a_record(3, group_id="FAMILY"),
        a_record(4, group_id="Other"),
        a_record(5),
        a_record(6),
    ]

    found = select(*records, used=used(2, 1))

    assert keys(found) == [2, 1, 3, 4, 6, 5]
    assert keys(select(*records, used=used(2, 1), most=3)) == [2, 1, 3]
    assert select(*records, most=3).eligible == 6


def test_a_list_of_the_test_site_has_the_tokens_of_tests_alone() -> None:
    records = [a_record(1), a_record(2, uid="TEST-2"), a_record(3, uid="test-3")]

    found = select(*records, used=used(1), is_test=True)

    assert (keys(found), found.eligible) == ([3, 2], 2)
    assert keys(select(*records, is_test=True, most=1)) == [3]


def test_the_newest_tokens_of_the_group_of_a_used_one_come_first() -> None:
    allowed = {"allowed_at": (Places(frozenset({7})),)}
    records = [a_record(pk, group_id="FAMILY", **(allowed if pk == 3 else {})) for pk in range(1, 5)]

    assert keys(select(*records, a_record(9, group_id="Other"), used=used(1))) == [1, 4, 3, 2, 9]


def test_a_second_station_gets_its_own_order_of_the_same_pool() -> None:
    pool = Pool(V16, NOW)
    pool.add([a_record(1), a_record(2)])
    pool.select(station=7, site=None, used=used(1), most=None)
    pool.add([a_record(3)])

    assert keys(pool.select(station=8, site=None, used=used(2), most=None)) == [2, 3, 1]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "blocked"}, Verdict.BLOCKED),
        ({"status": "lost"}, Verdict.BLOCKED),
        ({"expires_at": NOW}, Verdict.EXPIRED),
        ({"valid": False}, Verdict.INVALID),
        ({"bar": "viewer"}, Verdict.INVALID),
        ({"contract_id": "C", "contract_status": "suspended"}, Verdict.BLOCKED),
        ({"valid_from": NOW + HOUR}, Verdict.WRONG_TIME),
        ({"refused_at": Places(frozenset({7}))}, Verdict.WRONG_PLACE),
        ({"allowed_at": (Places(sites=frozenset({9})),)}, Verdict.WRONG_PLACE),
    ],
)
def test_a_refused_token_is_listed_as_refused_only_where_it_was_used(state: Any, expected: Verdict) -> None:
    record = a_record(1, **state)

    assert select(record) == Selection([], 0, 0, record.valid_from)
    (listed,) = select(record, used=used(1)).tokens
    assert (listed.verdict, listed.uid) == (expected, "T1")
    assert select(record, used=used(1)).eligible == 1


def test_rules_allow_a_token_at_their_stations_and_sites_alone() -> None:
    here, site, elsewhere = (
        a_record(1, allowed_at=(Places(frozenset({7})),)),
        a_record(2, allowed_at=(Places(sites=frozenset({3})),), group_id="G"),
        a_record(3, refused_at=Places(frozenset({8}))),
    )

    assert keys(select(here, site, elsewhere)) == [2, 3, 1]
    assert keys(select(here, site, elsewhere, station=8, site=3)) == [2]
    assert keys(select(here, site, elsewhere, station=9, site=None, used=used(2))) == [2, 3]


def test_a_budget_does_not_decide_about_a_list() -> None:
    assert keys(select(a_record(1, budgets=(Budget("token:1", 0, 0),)))) == [1]


def test_a_token_that_is_too_long_for_the_version_is_counted() -> None:
    long, longer = a_record(1, "L" * 21), a_record(2, "L" * 37)

    assert (keys(select(long, longer)), select(long, longer).unfit) == ([], 2)
    found = select(long, longer, version=V201)
    assert (keys(found), found.unfit) == ([1], 1)


def test_of_two_tokens_with_one_uid_the_oldest_is_meant() -> None:
    card, app = a_record(1, "abc", status="blocked"), a_record(2, "ABC", type="APP_USER")

    assert keys(select(card, app)) == []
    assert keys(select(card, app, version=V201)) == [2]


def test_the_next_token_that_begins_to_be_valid_is_the_time_of_the_next_look() -> None:
    records = [
        a_record(1, valid_from=NOW + 2 * HOUR),
        a_record(2, contract_from=NOW + HOUR),
        a_record(3, valid_from=NOW - HOUR),
    ]

    found = select(*records)

    assert (keys(found), found.changes_at) == ([3], NOW + HOUR)


@pytest.mark.parametrize(
    ("kind", "used_as", "expected"),
    [
        ("RFID", None, "ISO14443"),
        ("RFID", "ISO15693", "ISO15693"),
        ("RFID", "Central", "ISO14443"),
        ("APP_USER", None, "Central"),
        ("APP_USER", "eMAID", "eMAID"),
    ],
)
def test_a_token_has_the_type_with_which_the_station_reads_it(
    kind: str, used_as: str | None, expected: str
) -> None:
    uses = {} if used_as is None else used(1, type=used_as)

    (listed,) = select(a_record(1, type=kind), version=V201, used=uses).tokens

    assert listed.type == expected
