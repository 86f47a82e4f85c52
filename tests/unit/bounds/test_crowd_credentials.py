"""Requests of an address at its limit: which of them are checked, and how many are checked at once."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.bounds import callers, uploads
from ocpp_server.credentials import Role
from tests.unit.bounds.test_bodies import (
    AUTHORIZE,
    IMPORT,
    KEY,
    KIB,
    LOGIN,
    Request,
    _small_bounds,  # noqa: F401 - a fixture
    chunked,
    sized,
)
from tests.unit.bounds.test_crowds import get, in_progress

ADMIN_IMPORT = "/admin/accounts/token/import/"


class Keys:
    """Look-ups of credentials. `valid` are those that are valid; a closed gate holds the look-ups back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.valid = {KEY["authorization"].partition(" ")[2]}
        self.gate = asyncio.Event()
        self.gate.set()
        self.has_asked = asyncio.Event()
        monkeypatch.setattr(callers, "are_valid", self._are_valid)

    async def _are_valid(self, offer: Any, role: Role = Role.VIEWER) -> bool:
        if offer is None:
            return False
        self.asked.append(offer.secret)
        self.has_asked.set()
        await self.gate.wait()
        return offer.secret in self.valid


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    return Keys(monkeypatch)


def remember(**headers: str) -> None:
    """As if the API had authenticated these credentials just now."""
    scope = {"headers": Request(LOGIN, **headers).scope["headers"]}
    callers.mark_authenticated(SimpleNamespace(scope=scope))  # type: ignore[arg-type]


async def test_below_the_limit_no_credentials_are_looked_up(keys: Keys) -> None:
    await get(AUTHORIZE, **KEY).run()

    assert keys.asked == []


async def test_at_the_limit_credentials_are_looked_up(keys: Keys) -> None:
    async with in_progress(get(), get(), get()):
        assert (await get(**KEY).run()).status == 200
        assert (await get(authorization="Api-Key nobody").run()).status == 429
        assert (await get().run()).status == 429

    assert keys.asked == ["some-key-that-was-offered", "nobody"]


async def test_a_request_with_a_body_is_refused_at_the_limit_too_and_is_not_read(keys: Keys) -> None:
    async with in_progress(get(), get(), get()):
        done = await sized(LOGIN, 5, b"x" * 5).run()

    assert (done.status, done.read) == (429, 0)


async def test_a_remembered_request_does_not_count(keys: Keys) -> None:
    remember(**KEY)

    async with in_progress(*(get(AUTHORIZE, **KEY) for _ in range(5))):
        assert (await get().run()).status == 200

    assert keys.asked == []


async def test_a_request_that_was_looked_up_does_not_count(keys: Keys) -> None:
    async with in_progress(get(), get(), get()):
        held = [get(AUTHORIZE, **KEY) for _ in range(2)]
        async with in_progress(*held):
            pass
    async with in_progress(get(), get()):
        assert (await get().run()).status == 200


async def test_at_most_as_many_credentials_as_requests_are_looked_up_at_once(
    keys: Keys, settings: Any
) -> None:
    settings.HTTP_ANONYMOUS_PER_ADDRESS = 1
    keys.gate.clear()

    async with in_progress(get()):
        first = asyncio.ensure_future(get(**KEY).run())
        await keys.has_asked.wait()
        assert (await get(**KEY).run()).status == 429
        keys.gate.set()
        assert (await first).status == 200
        assert (await get(**KEY).run()).status == 200

    assert len(keys.asked) == 2


# -- uploads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "asked"), [(10 * KIB, 0), (10 * KIB + 1, 1)])
async def test_an_upload_that_any_body_may_have_needs_no_look_up(keys: Keys, size: int, asked: int) -> None:
    done = await sized(IMPORT, size, b"x" * size, **KEY).run()

    assert (done.status, len(done.seen)) == (200, size)
    assert len(keys.asked) == asked


async def test_an_upload_of_unknown_size_is_looked_up(keys: Keys) -> None:
    done = await chunked(IMPORT, b"x" * 20 * KIB, **KEY).run()

    assert (done.status, len(done.seen)) == (200, 20 * KIB)


async def test_no_other_body_is_looked_up(keys: Keys) -> None:
    done = await sized(AUTHORIZE, 10 * KIB + 1, **KEY).run()

    assert (done.status, keys.asked) == (413, [])
    assert json.loads(done.body)["message"].endswith("(10,240 bytes).")


@pytest.mark.parametrize("make", [sized, chunked])
async def test_a_stranger_is_asked_to_sign_in_for_a_larger_file(keys: Keys, make: Any) -> None:
    size = [20 * KIB] if make is sized else []
    done = await make(ADMIN_IMPORT, *size, b"x" * 20 * KIB, cookie="sessionid=unknown").run()

    assert done.status == 413
    assert b"Sign in to upload up to 100 KiB." in done.body


async def test_a_caller_with_credentials_is_not_asked_to_sign_in(keys: Keys) -> None:
    done = await sized(IMPORT, 165 * KIB, **KEY).run()

    assert done.status == 413
    assert json.loads(done.body)["message"].endswith("the limit is 164 KiB (167,936 bytes).")


async def test_a_larger_general_limit_holds_for_uploads_too(keys: Keys, settings: Any) -> None:
    settings.HTTP_MAX_BODY = uploads.Upload().max_body + 10

    done = await chunked(IMPORT, b"x" * settings.HTTP_MAX_BODY, **KEY).run()

    assert (done.status, len(done.seen)) == (200, settings.HTTP_MAX_BODY)
