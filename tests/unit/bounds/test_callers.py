"""The check of credentials before a body is read: what a request offers, and how long it is remembered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError

from accounts.models import User
from ocpp_server import credentials
from ocpp_server.bounds import callers
from ocpp_server.bounds.callers import Offered
from ocpp_server.credentials import Role
from tests.unit.transport.instant import skip_waits


class Keys:
    """The port of the engine: one valid key, and the number of look-ups."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    def find(self, plain: str) -> object | None:
        self.asked.append(plain)
        if self.error is not None:
            raise self.error
        role = {"good": "viewer", "strong": "administrator"}.get(plain)
        return None if role is None else SimpleNamespace(role=role)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    stored = Keys()
    monkeypatch.setattr(credentials.port, "app", stored)
    monkeypatch.setattr(callers, "_verified", callers._Verified())
    return stored


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic time that the memory of checks uses."""
    found = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


def key(secret: str = "good") -> Offered:
    return Offered("api-key", secret)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        ([(b"accept", b"*/*")], None),
        ([(b"authorization", b"Api-Key good")], key()),
        ([(b"authorization", b"API-KEY   good ")], key()),
        ([(b"authorization", b"Api-Key  ")], None),
        ([(b"authorization", b"Basic good")], None),
        ([(b"authorization", b"Api-Key g\xe4")], key("gä")),
        ([(b"cookie", b"sessionid=abc")], Offered("session", "abc")),
        ([(b"cookie", b"bad name; a=b; sessionid=abc; c=d")], Offered("session", "abc")),
        ([(b"cookie", b"a=b"), (b"cookie", b"sessionid=abc")], Offered("session", "abc")),
        ([(b"cookie", b"sessionid=")], None),
        ([(b"cookie", b"other=abc")], None),
        ([(b"cookie", b"sessionid=abc"), (b"authorization", b"Api-Key good")], key()),
        ([(b"authorization", b"Basic x"), (b"cookie", b"sessionid=abc")], Offered("session", "abc")),
    ],
)
def test_the_credentials_that_a_request_offers(
    headers: list[tuple[bytes, bytes]], found: Offered | None
) -> None:
    assert callers.offered({"headers": headers}) == found


def test_a_digest_is_of_the_kind_and_the_secret_and_contains_no_secret() -> None:
    digests = [key().digest, key("other").digest, Offered("session", "good").digest, key("\ud800").digest]

    assert len(set(digests)) == 4
    assert [digest.partition(":")[0] for digest in digests] == ["api-key", "api-key", "session", "api-key"]
    assert all("good" not in digest and len(digest.partition(":")[2]) == 64 for digest in digests)


async def test_a_valid_key_is_looked_up_once_in_thirty_seconds(keys: Keys, clock: SimpleNamespace) -> None:
    assert not callers.is_remembered(key())

    assert [await callers.are_valid(key()) for _ in range(3)] == [True] * 3
    assert (keys.asked, callers.is_remembered(key())) == (["good"], True)
    clock.now += 29.9
    assert callers.is_remembered(key())
    clock.now += 0.1
    assert not callers.is_remembered(key())
    assert await callers.are_valid(key())
    assert keys.asked == ["good", "good"]


def test_a_clock_that_begins_at_zero_remembers_no_unknown_key(clock: SimpleNamespace) -> None:
    """The clock of a machine begins when it is switched on."""
    clock.now = 0.0

    assert not callers.is_remembered(key())


@pytest.mark.django_db
def test_a_session_is_valid_while_it_is_stored() -> None:
    user = User.objects.create(username="olga")
    stored = SessionStore()
    stored[SESSION_KEY], stored[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    stored[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    stored.create()
    assert stored.session_key is not None

    assert callers._role_of_session(stored.session_key) == user.role
    stored.delete()
    assert callers._role_of_session(stored.session_key or "") is None


async def test_an_invalid_key_is_not_remembered(keys: Keys) -> None:
    assert [await callers.are_valid(key("bad")) for _ in range(2)] == [False, False]
    assert keys.asked == ["bad", "bad"]
    assert not callers.is_remembered(key("bad"))


async def test_no_credentials_are_neither_valid_nor_looked_up(keys: Keys) -> None:
    assert (await callers.are_valid(None), callers.is_remembered(None)) == (False, False)
    assert keys.asked == []


async def test_credentials_are_not_valid_while_the_database_is_away(keys: Keys) -> None:
    keys.error = DatabaseError("away")

    assert await callers.are_valid(key()) is False
    assert not callers.is_remembered(key())


async def test_a_session_is_looked_up_as_a_session(monkeypatch: pytest.MonkeyPatch, keys: Keys) -> None:
    monkeypatch.setattr(callers, "_role_of_session", lambda secret: "viewer" if secret == "abc" else None)

    assert await callers.are_valid(Offered("session", "abc")) is True
    assert await callers.are_valid(Offered("session", "good")) is False
    assert keys.asked == []


async def test_a_session_is_no_key(keys: Keys, clock: SimpleNamespace) -> None:
    await callers.are_valid(key())

    assert not callers.is_remembered(Offered("session", "good"))


def test_the_memory_of_checks_is_bounded_and_keeps_the_latest(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    monkeypatch.setattr(callers, "_REMEMBERED", 2)
    memory = callers._Verified()

    for digest in ("a", "b", "a", "c"):
        memory.add(digest)

    assert [digest in memory for digest in "abc"] == [True, False, True]


def test_ten_thousand_checks_are_remembered(clock: SimpleNamespace) -> None:
    memory = callers._Verified()

    for number in range(10_001):
        memory.add(str(number))

    assert [str(number) in memory for number in (0, 1, 10_000)] == [False, True, True]


async def test_a_look_up_may_take_a_second_and_a_half(monkeypatch: pytest.MonkeyPatch, keys: Keys) -> None:
    release, loop = threading.Event(), skip_waits(monkeypatch, only_jumps=True)
    # Threads of its own, which end with it: a late one would close the connection of the next test.
    threads = ThreadPoolExecutor()
    monkeypatch.setattr(callers, "_threads", threads)
    monkeypatch.setattr(callers, "_role_of_key", lambda _: "viewer" if release.wait(30) else None)
    began = loop.time()

    is_valid = await callers.are_valid(key())
    took = loop.time() - began
    release.set()
    threads.shutdown()

    assert is_valid is False
    assert took == pytest.approx(1.5)


async def test_the_thread_of_a_look_up_keeps_no_connection_to_the_database(
    monkeypatch: pytest.MonkeyPatch, keys: Keys
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(
        callers, "connection", SimpleNamespace(close=lambda: closed.append(threading.current_thread().name))
    )

    await callers.are_valid(key())
    keys.error = DatabaseError("away")
    await callers.are_valid(key("other"))

    assert [name.partition("_")[0] for name in closed] == ["callers", "callers"]


def test_a_request_without_extensions_is_remembered(clock: SimpleNamespace) -> None:
    scope = {"headers": [(b"authorization", b"Api-Key good")]}

    callers.mark_authenticated(SimpleNamespace(scope=scope))  # type: ignore[arg-type]

    assert callers.is_remembered(key())


@pytest.mark.parametrize("with_note", [True, False])
def test_a_request_that_the_API_has_authenticated_is_remembered_and_marked(
    clock: SimpleNamespace, with_note: bool
) -> None:
    marks: list[bool] = []
    extensions: dict[str, Any] = {"ocpp.authenticated": lambda: marks.append(True)} if with_note else {}
    headers = [(b"authorization", b"Api-Key good")]

    callers.mark_authenticated(
        SimpleNamespace(scope={"headers": headers, "extensions": extensions})  # type: ignore[arg-type]
    )

    assert callers.is_remembered(key())
    assert marks == [True] * with_note


def test_a_request_without_credentials_or_ASGI_is_not_marked() -> None:
    marks: list[bool] = []
    scope = {"headers": [], "extensions": {"ocpp.authenticated": lambda: marks.append(True)}}

    callers.mark_authenticated(SimpleNamespace(scope=scope))  # type: ignore[arg-type]
    callers.mark_authenticated(SimpleNamespace())  # type: ignore[arg-type]

    assert marks == []


async def test_a_larger_upload_needs_its_role_also_from_remembered_credentials(keys: Keys) -> None:
    assert await callers.are_valid(key())

    assert not await callers.are_valid(key(), Role.OPERATOR)
    assert not await callers.are_valid(key("bad"), Role.OPERATOR)
    assert await callers.are_valid(key("strong"), Role.OPERATOR)
    assert await callers.are_valid(key("strong"), Role.ADMINISTRATOR)
    assert callers.is_remembered(key())
