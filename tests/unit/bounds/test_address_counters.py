"""The counters of requests and connections by client address."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.bounds import per_address
from ocpp_server.bounds.per_address import AddressCounters, Slot

A, B = "192.0.2.1", "192.0.2.2"


def test_each_address_has_a_count_of_its_own() -> None:
    counters = AddressCounters()

    first, _second = Slot(counters, A), Slot(counters, A)
    assert (counters.count(A), counters.count(B)) == (2, 0)
    first.free()

    assert counters.count(A) == 1


def test_a_slot_is_freed_once() -> None:
    counters = AddressCounters()
    first, second = Slot(counters, A), Slot(counters, A)

    first.free()
    first.free()

    assert counters.count(A) == 1
    second.free()
    assert counters.count(A) == 0


def test_an_address_without_requests_takes_no_memory() -> None:
    counters = AddressCounters()

    Slot(counters, A).free()

    assert counters._taken == {}


@pytest.mark.parametrize(
    ("limit", "taken", "is_full"), [(2, 1, False), (2, 2, True), (2, 3, True), (0, 9, False)]
)
def test_an_address_is_full_at_the_limit(settings: Any, limit: int, taken: int, is_full: bool) -> None:
    settings.HTTP_ANONYMOUS_PER_ADDRESS = limit
    counters = AddressCounters()
    for _ in range(taken):
        counters.take(A)

    assert counters.is_full(A) is is_full


@pytest.mark.parametrize(
    ("proxies", "client", "headers", "counted"),
    [
        ("10.0.0.1", (A, 1), [], A),
        ("10.0.0.1", ("::ffff:192.0.2.1", 1), [], A),
        ("10.0.0.1", ("10.0.0.1", 1), [], ""),
        ("10.0.0.1", None, [], ""),
        ("*", (A, 1), [(b"x-forwarded-for", b"192.0.2.1")], A),
        ("*", (A, 1), [(b"host", b"x"), (b"x-forwarded-for", b"192.0.2.1")], A),
        ("*", (A, 1), [(b"host", b"x")], ""),
        ("*", ("2001:db8::1", 1), [(b"x-forwarded-for", b"2001:db8::1")], "2001:db8::/64"),
        ("", (A, 1), [(b"x-forwarded-for", b"192.0.2.9")], A),
    ],
)
def test_a_request_counts_for_the_address_of_its_client_unless_only_the_proxy_is_known(
    settings: Any, proxies: str, client: Any, headers: list[tuple[bytes, bytes]], counted: str
) -> None:
    settings.FORWARDED_ALLOW_IPS = proxies

    assert per_address.client_of({"client": client, "headers": headers}) == counted


def test_a_request_without_a_client_does_not_count(settings: Any) -> None:
    settings.FORWARDED_ALLOW_IPS = "*"

    assert per_address.client_of({"headers": []}) == ""
