"""The bytes that a request asks for, and those that were sent."""

from __future__ import annotations

import pytest

from chargepoints.services.firmware import ranges
from chargepoints.services.firmware.ranges import Part


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=99-99", (99, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=10-100", (10, 100)),
        ("bytes=10-999999999999999999", (10, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=-100", (0, 100)),
        ("bytes=-101", (0, 100)),
        (" Bytes = 5 - 6 ", (5, 7)),
    ],
)
def test_a_range_is_a_part_of_the_file(header: str, part: tuple[int, int]) -> None:
    assert ranges.asked(header, size=100) == part


@pytest.mark.parametrize(
    "header",
    [
        "", "bytes", "bytes=", "bytes=-", "bytes=2-1", "bytes=a-b", "bytes=1-2,3-4", "bytes=1", "items=0-1",
        "bytes=0x1-2", "bytes=١-٢", "bytes=0-9999999999999999999",
    ],
)  # fmt: skip
def test_what_is_not_one_range_asks_for_the_whole_file(header: str) -> None:
    assert ranges.asked(header, size=100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_without_a_byte_of_the_file_is_unsatisfiable(header: str) -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.asked(header, size=100)


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        ([], (0, 5), [[0, 5]]),
        ([], (5, 5), []),
        ([[7, 9]], (5, 5), [[7, 9]]),
        ([[0, 5]], (5, 9), [[0, 9]]),
        ([[0, 5]], (6, 9), [[0, 5], [6, 9]]),
        ([[0, 5], [6, 9]], (5, 6), [[0, 9]]),
        ([[6, 9]], (0, 3), [[0, 3], [6, 9]]),
        ([[0, 9]], (2, 3), [[0, 9]]),
        ([[2, 3], [5, 6]], (0, 9), [[0, 9]]),
    ],
)
def test_sent_parts_are_merged(before: list[list[int]], new: tuple[int, int], after: list[list[int]]) -> None:
    assert ranges.merged(before, Part(*new)) == after


def test_a_station_that_asks_for_single_bytes_holds_a_bounded_number_of_parts() -> None:
    parts: list[list[int]] = [[0, 10]]
    for number in range(ranges.MOST_PARTS + 50):
        parts = ranges.merged(parts, Part(100 + 2 * number, 101 + 2 * number))

    assert len(parts) == ranges.MOST_PARTS
    assert parts[0] == [0, 10]


@pytest.mark.parametrize(
    ("parts", "is_whole"),
    [([[0, 9]], True), ([[0, 8]], False), ([[1, 9]], False), ([[0, 4], [5, 9]], False), ([], False)],
)
def test_the_whole_file_was_sent_when_no_byte_is_missing(parts: list[list[int]], is_whole: bool) -> None:
    assert ranges.is_whole(parts, size=9) is is_whole
