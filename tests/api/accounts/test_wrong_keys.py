"""Wrong API keys are limited for each address; valid keys behind the same address are not."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from accounts.models import User
from ocpp_server.api.wrong_keys import MAX_WRONG
from tests.api.conftest import Caller


def statuses(times: int, address: str = "192.0.2.1") -> list[int]:
    client = Client(REMOTE_ADDR=address)
    return [
        client.get("/clients", headers={"Authorization": f"Api-Key ocs_guess_{number}"}).status_code
        for number in range(times)
    ]


def test_wrong_keys_beyond_the_limit_are_429_with_the_time_to_wait(db: None) -> None:
    assert statuses(MAX_WRONG + 2) == [401] * MAX_WRONG + [429, 429]

    refused = Client(REMOTE_ADDR="192.0.2.1").get("/clients", headers={"Authorization": "Api-Key ocs_guess"})

    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused.json()["data"]["code"] == "rate-limited"
    assert "Too many wrong API keys from this address" in refused.json()["message"]


def test_a_valid_key_behind_the_same_address_and_other_addresses_are_not_limited(
    caller: Callable[[str], Caller],
) -> None:
    valid = caller(User.Role.VIEWER)
    statuses(MAX_WRONG + 1, address="127.0.0.1")  # the address of `valid`

    assert valid.get("/clients").status_code == 200
    assert statuses(1, address="192.0.2.2") == [401]


def test_an_ipv6_client_is_its_network(db: None) -> None:
    statuses(MAX_WRONG, address="2001:db8::1")

    assert statuses(1, address="2001:db8::ffff") == [429]
    assert statuses(1, address="2001:db8:0:1::1") == [401]


def test_requests_without_a_key_are_not_counted(db: None) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")

    assert {client.get("/clients").status_code for _ in range(MAX_WRONG + 2)} == {401}
    assert statuses(1) == [401]
