"""The callers of the API: their credentials, roles and limits, without the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from redis.exceptions import RedisError
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from ocpp_server import credentials
from ocpp_server.api import per_minute, probes, throttling, wrong_keys
from ocpp_server.api.authentication import (
    AdminSessionAuthentication,
    AdminSessionScheme,
    ApiKeyAuthentication,
    ApiKeyScheme,
    KeyHolder,
    actor,
    principal,
)
from ocpp_server.api.errors import TooManyWrongKeys
from ocpp_server.api.permissions import RolePermission
from ocpp_server.api.throttling import PrincipalThrottle
from ocpp_server.bounds import callers
from ocpp_server.credentials import Role
from tests.logged import captured_logs

NOW = 1_800_000_030.0  # thirty seconds into a minute


@dataclass(frozen=True)
class Key:
    """A stored API key."""

    pk: int = 7
    name: str = "Billing"
    role: str = Role.OPERATOR


class Keys:
    """The port of the engine, filled with one key."""

    def digest(self, plain: str) -> str:
        return plain

    def find(self, plain: str) -> Key | None:
        return Key() if plain == "good" else None


class Failures(list[dict[str, str]]):
    """The failed logins that were recorded."""

    def note(self, **what: str) -> None:
        self.append(what)


@pytest.fixture(autouse=True)
def failures(monkeypatch: pytest.MonkeyPatch) -> Iterator[Failures]:
    found = Failures()
    monkeypatch.setattr(credentials.port, "app", Keys())
    monkeypatch.setattr(credentials, "_failed_login", [found.note])
    monkeypatch.setattr(callers, "_verified", callers._Verified())
    monkeypatch.setattr("time.time", lambda: NOW)
    cache.clear()
    yield found
    cache.clear()


def request(authorization: str = "", *, address: str = "192.0.2.1", view: Any = None) -> Request:
    """A request as the API gets it from ASGI, with the note of the middleware about its credentials."""
    headers = {"Authorization": authorization} if authorization else {}
    plain = RequestFactory().get("/api/v1/x", headers=headers, REMOTE_ADDR=address)
    marks: list[bool] = []
    plain.scope = {  # type: ignore[attr-defined]
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "extensions": {"ocpp.authenticated": lambda: marks.append(True)},
    }
    plain.marks = marks  # type: ignore[attr-defined]
    return Request(plain, parser_context={"view": view} if view else None)


def login(**more: Any) -> Any:
    """A console login."""
    return SimpleNamespace(
        pk=3, is_authenticated=True, is_active=True, is_superuser=False, role=Role.VIEWER,
        get_username=lambda: "olga", **more,
    )  # fmt: skip


# --- credentials --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Api-Key good", "api-key good", "API-KEY   good "])
def test_a_valid_key_is_its_holder(failures: Failures, header: str) -> None:
    asked = request(header)

    found = ApiKeyAuthentication().authenticate(asked)

    assert found is not None
    holder, key = found
    assert (holder.key, key, holder.role, holder.pk) == (Key(), Key(), "operator", "key:7")
    assert (holder.is_authenticated, holder.is_active) == (True, True)
    assert (holder.is_anonymous, holder.is_superuser) == (False, False)
    assert asked._request.marks == [True]
    assert failures == []


@pytest.mark.parametrize("header", ["", "Basic good", "Bearer good", "good"])
def test_another_scheme_is_left_to_the_session(failures: Failures, header: str) -> None:
    assert ApiKeyAuthentication().authenticate(request(header)) is None
    assert failures == []


@pytest.mark.parametrize("header", ["Api-Key bad", "Api-Key", "Api-Key ", "Api-Key good good"])
def test_a_wrong_key_is_refused_and_recorded(failures: Failures, header: str) -> None:
    asked = request(header)

    with pytest.raises(AuthenticationFailed):
        ApiKeyAuthentication().authenticate(asked)

    (failure,) = failures
    assert (failure["type"], failure["address"]) == ("FailedApiKey", "192.0.2.1")
    assert "bad" not in failure["tech_info"]
    assert asked._request.marks == []


def test_ten_wrong_keys_of_an_address_are_refused_and_the_next_one_has_to_wait(failures: Failures) -> None:
    for _ in range(10):
        with pytest.raises(AuthenticationFailed):
            ApiKeyAuthentication().authenticate(request("Api-Key bad"))

    with pytest.raises(TooManyWrongKeys) as caught:
        ApiKeyAuthentication().authenticate(request("Api-Key bad"))

    assert caught.value.wait == 30
    assert len(failures) == 11
    assert ApiKeyAuthentication().authenticate(request("Api-Key good")) is not None
    with pytest.raises(AuthenticationFailed):
        ApiKeyAuthentication().authenticate(request("Api-Key bad", address="192.0.2.2"))


def test_only_the_keys_of_probes_come_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "find", lambda plain: Key(name="probe"))

    def name(view: Any) -> str:
        found = ApiKeyAuthentication().authenticate(request("Api-Key good", view=view))
        assert found is not None
        return found[1].name

    views = [None, SimpleNamespace(), SimpleNamespace(is_probed=False), SimpleNamespace(is_probed=True)]
    assert [name(view) for view in views] == ["Billing", "Billing", "Billing", "probe"]


def test_the_scheme_is_named_in_the_answer_and_in_the_document() -> None:
    key, session = ApiKeyScheme(None), AdminSessionScheme(None)  # type: ignore[arg-type]

    assert ApiKeyAuthentication().authenticate_header(request()) == "Api-Key"
    assert (key.name, session.name) == ("apiKey", "session")
    found = key.get_security_definition(None)
    assert found.pop("description")
    assert found == {"type": "apiKey", "in": "header", "name": "Authorization"}
    found = session.get_security_definition(None)
    assert found.pop("description")
    assert found == {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def test_a_session_of_the_admin_is_its_user_and_marks_the_request() -> None:
    asked, anonymous = request(), request()
    for each in (asked, anonymous):
        each._request.scope["headers"] = [(b"cookie", b"sessionid=abc")]
    asked._request.user = login()
    asked._request._dont_enforce_csrf_checks = True

    found = AdminSessionAuthentication().authenticate(asked)

    assert found is not None and found[0].pk == 3
    assert asked._request.marks == [True]
    anonymous._request.user = SimpleNamespace(is_active=False)
    assert AdminSessionAuthentication().authenticate(anonymous) is None
    assert anonymous._request.marks == []


def test_a_change_by_a_session_needs_the_CSRF_token() -> None:
    plain = RequestFactory().post("/api/v1/x")
    plain.user = login()

    with pytest.raises(PermissionDenied) as caught:
        AdminSessionAuthentication().authenticate(Request(plain))

    assert caught.value.get_codes() == "csrf-failed"


@pytest.mark.parametrize(
    ("user", "name", "number"),
    [
        (KeyHolder(Key()), "key Billing", "key:7"),  # type: ignore[arg-type]
        (login(), "olga", "user:3"),
        (KeyHolder(Key(name="x" * 200)), "key " + "x" * 146, "key:7"),  # type: ignore[arg-type]
    ],
)
def test_the_name_and_the_id_of_a_caller(user: Any, name: str, number: str) -> None:
    asked = request()
    asked.user = user

    assert (actor(asked), principal(asked)) == (name, number)


def test_a_long_user_name_is_cut_for_the_command_log() -> None:
    asked = request()
    asked.user = SimpleNamespace(pk=1, get_username=lambda: "x" * 200)

    assert actor(asked) == "x" * 150


# --- roles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "needed", "allowed"),
    [
        (None, Role.VIEWER, False),
        (SimpleNamespace(is_authenticated=False, is_superuser=True, role=""), Role.VIEWER, False),
        (login(), Role.VIEWER, True),
        (login(), Role.OPERATOR, False),
        (KeyHolder(Key()), Role.OPERATOR, True),  # type: ignore[arg-type]
        (KeyHolder(Key()), Role.ADMINISTRATOR, False),  # type: ignore[arg-type]
    ],
)
def test_a_request_needs_the_role_of_its_view(user: Any, needed: Role, allowed: bool) -> None:
    permission = RolePermission()
    view = SimpleNamespace(needed_role=lambda: needed)

    assert permission.has_permission(SimpleNamespace(user=user), view) is allowed  # type: ignore[arg-type]

    if user is not None and user.is_authenticated:
        assert f"needs the role {needed}" in permission.message and user.role in permission.message


# --- limits -------------------------------------------------------------------------------------------------


class Clock:
    """The time of day, which a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr("time.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def allowed(user: Any, times: int = 1) -> list[bool]:
    asked = request()
    asked.user = user
    return [PrincipalThrottle().allow_request(asked, None) for _ in range(times)]


def test_each_caller_has_a_number_of_requests_in_each_minute(settings: Any, clock: Clock) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3

    assert allowed(login(), 5) == [True] * 3 + [False] * 2
    assert allowed(KeyHolder(Key()), 4) == [True] * 3 + [False]  # type: ignore[arg-type]
    clock.now += 29.9
    assert allowed(login()) == [False]
    clock.now += 0.1
    assert allowed(login(), 4) == [True] * 3 + [False]


def test_the_headers_follow_the_draft_of_the_ietf(settings: Any, clock: Clock) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    shown = []
    for _ in range(3):
        asked = request()
        asked.user = login()
        PrincipalThrottle().allow_request(asked, None)
        shown.append(throttling.headers(asked)["RateLimit"])
        clock.now += 0.5

    assert shown == ['"minute";r=1;t=30', '"minute";r=0;t=30', '"minute";r=0;t=29']
    assert throttling.headers(asked)["RateLimit-Policy"] == '"minute";q=2;w=60'
    assert throttling.headers(request()) == {}


def test_a_caller_who_is_refused_learns_when_the_minute_ends(clock: Clock) -> None:
    assert PrincipalThrottle().wait() == 30
    clock.now += 20
    assert PrincipalThrottle().wait() == 10


@pytest.mark.parametrize("user", [None, SimpleNamespace(is_authenticated=False)])
def test_a_request_without_credentials_is_not_counted(settings: Any, user: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    asked: Any = SimpleNamespace(user=user)

    assert [PrincipalThrottle().allow_request(asked, None) for _ in range(3)] == [True] * 3


class Broken:
    """A cache that has evicted its entries, or whose Redis is away."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.timeouts: list[int | None] = []

    def add(self, key: str, value: int, timeout: int | None = None) -> bool:
        self.timeouts.append(timeout)
        return False

    def incr(self, key: str) -> int:
        raise self.error


@pytest.mark.parametrize("error", [ValueError("gone"), RedisError("away")])
def test_requests_are_allowed_while_they_can_not_be_counted(
    monkeypatch: pytest.MonkeyPatch, settings: Any, error: Exception
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    broken = Broken(error)
    monkeypatch.setattr(per_minute, "cache", broken)

    assert allowed(login()) == [True]
    assert wrong_keys.seconds_to_wait("192.0.2.1") == 0
    # A count outlives its minute, or it would be forgotten in it; and it does not stay for ever.
    assert broken.timeouts == [120, 120]


def test_wrong_keys_are_counted_by_network_and_minute(clock: Clock) -> None:
    waits = [wrong_keys.seconds_to_wait("2001:db8::1") for _ in range(10)]
    beyond = [wrong_keys.seconds_to_wait(f"2001:db8::{number}") for number in (2, 3)]

    assert (waits, beyond) == ([0.0] * 10, [30.0, 30.0])
    assert wrong_keys.seconds_to_wait("2001:db8:0:1::1") == 0
    clock.now += 29
    assert wrong_keys.seconds_to_wait("2001:db8::1") == 1
    clock.now += 1
    assert wrong_keys.seconds_to_wait("2001:db8::1") == 0


def test_the_log_names_an_address_with_too_many_wrong_keys_once_a_minute() -> None:
    with captured_logs() as lines:
        for _ in range(10):
            wrong_keys.seconds_to_wait("2001:db8::1")
        assert lines == []
        wrong_keys.seconds_to_wait("2001:db8::1")
        assert [(line["event"], line["address"]) for line in lines] == [("api.wrong_keys", "2001:db8::/64")]
        wrong_keys.seconds_to_wait("2001:db8::1")

    assert len(lines) == 1
