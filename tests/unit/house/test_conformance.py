"""docs/conformance.md shows the certification's cases with tests that exist and their recorded results."""

from __future__ import annotations

from collections import Counter

import pytest

from ocpp_server.protocol.actions import BLOCKS
from tests.conformance.cases import CASES, CASES_2X, ids_in, named_tests
from tests.conformance.recording import recorded
from tests.conformance.table import PAGE, result, written

AGAIN = "RECORD_CONFORMANCE=1 python -m pytest tests/conformance"


def test_a_test_names_only_cases_that_there_are_and_each_case_is_there_once() -> None:
    counted = Counter(case.id for case in CASES + CASES_2X)

    assert set(named_tests()) - set(counted) == set()
    assert [case for case, count in counted.items() if count > 1] == []


def test_the_block_of_a_case_is_one_of_the_table() -> None:
    assert {case.block for case in CASES + CASES_2X} - set(BLOCKS) == set()


def test_every_case_of_16_has_passed_or_waits_for_a_later_issue() -> None:
    tests, results = named_tests(), recorded()
    found = {case.id: result(tests.get(case.id, []), results) for case in CASES if not case.later}

    assert {case: word for case, word in found.items() if word != "passed"} == {}, AGAIN


def test_no_case_of_2x_has_failed() -> None:
    tests, results = named_tests(), recorded()
    words = Counter(result(tests.get(case.id, []), results) for case in CASES_2X)

    assert set(words) <= {"passed", "one place only", "no test"}, AGAIN


def test_the_recorded_tests_are_those_that_there_are() -> None:
    existing = {test for tests in named_tests().values() for test in tests}

    assert existing ^ set(recorded()) == set(), AGAIN


def test_the_page_has_the_current_table() -> None:
    page = PAGE.read_text("utf-8")

    assert written(page) == page, "python -m tests.conformance.table"


@pytest.mark.parametrize(
    ("name", "cases"),
    [
        ("test_16_001_cold_boot", ["16-001"]),
        ("test_16_001d_S13_after_a_restart", ["16-001d"]),
        ("test_16_004_2_a_connection_timeout", ["16-004-2"]),
        ("test_16_010_16_EV_2_a_remote_start", ["16-010", "16-EV-2"]),
        ("test_16_023_1_2_3_authorization", ["16-023-1", "16-023-2", "16-023-3"]),
        ("test_16_MV1_every_kind", ["16-MV1"]),
        ("test_TC_A_01_16_085_the_right_password", ["TC_A_01", "16-085"]),
        ("test_TC_B_06_TC_B_103_variables", ["TC_B_06", "TC_B_103"]),
        ("test_TC_B_6_TC_B_0611_no_case", []),
        ("test_R16_an_invalid_frame", []),
        ("test_16_session_sends", []),
        ("test_16_every_message", []),
    ],
)
def test_the_name_of_a_test_names_its_cases(name: str, cases: list[str]) -> None:
    assert ids_in(name) == cases


BOTH, WIRE = ["stored", "wire"], ["wire"]


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([], "no test"),
        ([None], "not recorded"),
        ([("passed", BOTH), None], "not recorded"),
        ([("passed", BOTH)], "passed"),
        ([("passed", WIRE), ("passed", BOTH)], "passed"),
        ([("passed", WIRE), ("passed", ["stored"])], "one place only"),
        ([("passed", BOTH), ("failed", BOTH)], "failed"),
        ([("passed", BOTH), ("skipped", [])], "failed"),
    ],
)
def test_a_case_has_passed_when_all_its_tests_have_and_one_asserts_both_places(
    rows: list[tuple[str, list[str]] | None], word: str
) -> None:
    results = {
        f"t{number}": {"outcome": row[0], "asserts": row[1]}
        for number, row in enumerate(rows)
        if row is not None
    }

    assert result([f"t{number}" for number in range(len(rows))], results) == word
