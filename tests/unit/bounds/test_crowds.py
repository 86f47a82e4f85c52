"""Requests without valid credentials are limited by client address; all other requests are unaffected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocpp_server.addresses import address_key
from ocpp_server.bounds import callers
from tests.unit.bounds.test_bodies import AUTHORIZE, LOGIN, Request, _small_bounds, valid_key  # noqa: F401 - a fixture


@asynccontextmanager
async def in_progress(*requests: Request) -> AsyncIterator[None]:
    """Hold back the answers of these requests until the block ends."""
    for request in requests:
        request.answers.clear()
    tasks = [asyncio.ensure_future(request.run()) for request in requests]
    for request in requests:
        await request.is_in_progress.wait()
    try:
        yield
    finally:
        for request in requests:
            request.answers.set()
        await asyncio.gather(*tasks)


def get(path: str = LOGIN, client: str = "192.0.2.1", **headers: Any) -> Request:
    return Request(path, method="GET", client=client, **headers)


async def test_an_address_has_a_limited_number_of_requests_in_progress_and_the_next_is_429() -> None:
    async with in_progress(get(), get(), get(AUTHORIZE, authorization="Api-Key nobody")):
        refused = await get("/api/v1/chargepoints").run()
        elsewhere = await get(client="192.0.2.2").run()

    assert (refused.status, elsewhere.status) == (429, 200)
    assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
    assert json.loads(refused.body)["data"] == {"code": "address-limited", "limit": 3}
    assert (await get().run()).status == 200


async def test_the_probes_are_answered_at_any_load() -> None:
    async with in_progress(get(), get(), get()):
        assert [(await get(path).run()).status for path in ("/health", "/health/ready")] == [200, 200]


@pytest.mark.parametrize(
    ("proxies", "client", "forwarded", "status"),
    [
        ("10.0.0.1", "10.0.0.1", "", 200),  # a proxy that does not forward the address of its client
        ("10.0.0.0/8,::1", "10.9.9.9", "", 200),
        ("10.0.0.1", "192.0.2.1", "192.0.2.1", 429),  # as uvicorn has read it from the header
        ("*", "192.0.2.1", "192.0.2.1", 429),
        ("*", "192.0.2.1", "", 200),
        ("", "127.0.0.1", "", 429),
    ],
)
async def test_clients_behind_a_proxy_are_not_one_client(
    settings: Any, proxies: str, client: str, forwarded: str, status: int
) -> None:
    settings.FORWARDED_ALLOW_IPS = proxies
    headers = {"x_forwarded_for": forwarded} if forwarded else {}

    async with in_progress(*(get(client=client, **headers) for _ in range(3))):
        assert (await get(client=client, **headers).run()).status == status


async def test_all_addresses_of_one_ipv6_customer_are_one_client() -> None:
    async with in_progress(*(get(client=f"2001:db8::{number}") for number in range(1, 4))):
        assert (await get(client="2001:db8::ffff").run()).status == 429
        assert (await get(client="2001:db8:0:1::1").run()).status == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("unix socket", "unix socket")],
)
def test_all_spellings_of_an_address_are_one_address(address: str, network: str) -> None:
    assert address_key(address) == network


async def test_without_a_limit_every_request_is_served(settings: Any) -> None:
    settings.HTTP_ANONYMOUS_PER_ADDRESS = 0

    async with in_progress(*(get() for _ in range(20))):
        assert (await get().run()).status == 200


@pytest.mark.django_db(transaction=True)
def test_valid_credentials_are_served_at_any_load() -> None:
    shown = valid_key()

    async def crowded() -> list[int]:
        async with in_progress(get(), get(), get()):
            known = [(await get(**shown).run()).status for _ in range(5)]
            return [*known, (await get(authorization="Api-Key nobody").run()).status]

    assert asyncio.run(crowded()) == [200] * 5 + [429]


async def test_an_authenticated_request_counts_no_longer() -> None:
    long = [get(AUTHORIZE, authorization="Api-Key good") for _ in range(3)]

    async with in_progress(*long):
        for request in long:
            # As the authentication of the API does, in the thread of the request.
            await asyncio.to_thread(callers.mark_authenticated, request)  # type: ignore[arg-type]
        assert (await get().run()).status == 200
        assert (await get(authorization="Api-Key good").run()).status == 200


async def test_no_request_waits_for_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(callers, "LOOKUP_TIMEOUT_S", 0.05)

    def find(plain: str) -> None:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    monkeypatch.setattr(callers, "_role_of_key", find)

    async with in_progress(get(), get(), get()):
        refused = await get(authorization="Api-Key good").run()
    release.set()

    assert refused.status == 429
