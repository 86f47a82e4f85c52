"""The limits of HTTP requests in the middleware alone: size, time, and parallel requests by address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from accounts.models import User
from accounts.services import api_keys
from ocpp_server.bounds import bodies, callers, per_address
from ocpp_server.bounds.bodies import bounded

KIB = 1024
AUTHORIZE, IMPORT, LOGIN = "/api/v1/authorize", "/api/v1/tokens/import", "/admin/login/"
KEY = {"authorization": "Api-Key some-key-that-was-offered"}


@pytest.fixture(autouse=True)
def _small_bounds(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.HTTP_MAX_BODY, settings.HTTP_MAX_UPLOAD = 10 * KIB, 100 * KIB
    settings.HTTP_BODY_TIMEOUT, settings.HTTP_ANONYMOUS_PER_ADDRESS = 5, 3
    settings.FORWARDED_ALLOW_IPS = "10.0.0.1"
    monkeypatch.setattr(callers, "_verified", callers._Verified())
    monkeypatch.setattr(bodies, "LINGER_S", 0.2)
    yield
    assert per_address.requests._taken == per_address.lookups._taken == {}


class Request:
    """One request to the middleware, and its outcome.

    The client sends `parts`. The body ends with them, or it never ends (`ends_after_parts` is False).
    """

    def __init__(
        self, path: str, *parts: bytes, method: str = "POST", client: str = "192.0.2.1", **headers: str
    ) -> None:
        names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "headers": names,
            "client": (client, 4711),
        }
        self.parts = list(parts)
        self.is_complete = False
        self.ends_after_parts = True
        self.read_before_answer = -1
        self.read = 0
        self.sent: list[dict[str, Any]] = []
        self.seen = b""
        self.is_aborted = False
        self.answers = asyncio.Event()
        self.answers.set()
        self.is_in_progress = asyncio.Event()

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Read the whole body and answer, as Django does."""
        self.is_in_progress.set()
        while (message := await receive())["type"] == "http.request":
            self.seen += message["body"]
            if not message["more_body"]:
                break
        else:
            self.is_aborted = True
            return
        await self.answers.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def receive(self) -> dict[str, Any]:
        if not self.parts and (self.is_complete or not self.ends_after_parts):
            await asyncio.Event().wait()
        part = self.parts.pop(0) if self.parts else b""
        self.read += len(part)
        self.is_complete = not self.parts and self.ends_after_parts
        return {"type": "http.request", "body": part, "more_body": not self.is_complete}

    async def send(self, message: dict[str, Any]) -> None:
        if not self.sent:
            self.read_before_answer = self.read
        self.sent.append(message)

    async def run(self) -> Request:
        async with asyncio.timeout(20):
            await bounded(self.application)(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        assert [message["type"] for message in self.sent].count("http.response.start") == 1
        assert not self.sent[-1].get("more_body", False)
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode().lower(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def sized(path: str, size: int, *parts: bytes, **headers: Any) -> Request:
    """A request with a Content-Length of this size."""
    return Request(path, *parts, content_length=str(size), **headers)


def chunked(path: str, *parts: bytes, **headers: Any) -> Request:
    return Request(path, *parts, transfer_encoding="chunked", **headers)


# -- size ----------------------------------------------------------------------------------------------------


async def test_a_declared_length_beyond_the_limit_is_413_before_a_byte_is_read() -> None:
    done = await sized(AUTHORIZE, 10 * KIB + 1, b"x" * KIB, **KEY).run()

    assert (done.status, done.read_before_answer, done.seen) == (413, 0, b"")
    assert not done.is_in_progress.is_set()
    assert (done.headers["content-type"], done.headers["connection"]) == ("application/json", "close")
    answer = json.loads(done.body)
    assert answer == {
        "success": False,
        "message": "The body has 10,241 bytes; the limit is 10 KiB (10,240 bytes).",
        "data": {"code": "body-too-large", "limit": 10 * KIB, "size": 10 * KIB + 1},
    }
    assert int(done.headers["content-length"]) == len(done.body)


async def test_a_body_of_just_the_limit_is_read() -> None:
    done = await sized(AUTHORIZE, 10 * KIB, b"x" * 4 * KIB, b"x" * 6 * KIB, **KEY).run()

    assert (done.status, len(done.seen), done.body) == (200, 10 * KIB, b"ok")
    assert "connection" not in done.headers


@pytest.mark.parametrize(
    "make",
    [lambda *parts: chunked(AUTHORIZE, *parts, **KEY), lambda *parts: sized(AUTHORIZE, 5, *parts, **KEY)],
)
async def test_a_body_that_grows_beyond_the_limit_is_413_and_the_application_sees_a_disconnect(
    make: Any,
) -> None:
    done = await make(*[b"x" * KIB] * 40).run()

    assert (done.status, done.is_aborted) == (413, True)
    assert done.read_before_answer == 11 * KIB
    assert json.loads(done.body)["data"] == {"code": "body-too-large", "limit": 10 * KIB, "size": None}


async def test_the_rest_of_the_body_is_read_and_dropped_so_that_the_answer_stays_readable() -> None:
    done = await sized(AUTHORIZE, 30 * KIB, *[b"x" * KIB] * 30, **KEY).run()

    assert (done.status, done.read) == (413, 30 * KIB)


async def test_a_client_that_never_stops_sending_is_disconnected_after_a_number_of_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "LINGER_BYTES", 20 * KIB)

    done = await sized(AUTHORIZE, 100 * KIB, *[b"x" * KIB] * 100, **KEY).run()

    assert (done.status, done.read) == (413, 20 * KIB)


async def test_a_browser_gets_a_page() -> None:
    done = await sized("/admin/accounts/user/add/", 11 * KIB).run()

    assert (done.status, done.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert b"<p>The body has 11,264 bytes; the limit is 10 KiB (10,240 bytes).</p>" in done.body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP, identity"])
async def test_a_compressed_body_is_415(encoding: str) -> None:
    done = await sized(AUTHORIZE, 100, b"x" * 100, content_encoding=encoding, **KEY).run()

    assert (done.status, done.read_before_answer, done.headers["accept-encoding"]) == (415, 0, "identity")


@pytest.mark.parametrize("length", ["", "-1", "1e3", "9" * 30, "\u0661"])
async def test_a_length_that_is_no_number_counts_as_a_missing_length(length: str) -> None:
    done = await Request(AUTHORIZE, *[b"x" * KIB] * 40, content_length=length, **KEY).run()

    assert done.status == 413


async def test_a_request_without_a_body_passes_untouched() -> None:
    done = await Request("/api/v1/chargepoints", method="GET").run()

    assert (done.status, done.headers) == (200, {"content-length": "2"})


# -- time ----------------------------------------------------------------------------------------------------


async def test_a_body_that_does_not_arrive_is_408(settings: Any) -> None:
    settings.HTTP_BODY_TIMEOUT = 0.05
    slow = sized(LOGIN, 100, b"x" * 10)
    slow.ends_after_parts = False
    slow.scope["path"] = AUTHORIZE
    slow.scope["headers"].append((b"authorization", b"Api-Key x"))

    done = await slow.run()

    assert (done.status, done.is_aborted, done.headers["connection"]) == (408, True, "close")
    assert json.loads(done.body)["data"] == {"code": "body-too-slow", "timeout": 0.05, "received": 10}


async def test_each_further_mib_of_an_upload_extends_the_timeout(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_PER_BYTES", KIB)
    settings.HTTP_BODY_TIMEOUT = 1
    exchange = bodies._Exchange(sized(AUTHORIZE, 9 * KIB, **KEY).scope, None, None)  # type: ignore[arg-type]
    first = exchange._deadline()

    exchange._received = 3 * KIB + 5

    assert exchange._deadline() - first == 3


async def test_an_answer_may_take_longer_than_a_body(settings: Any) -> None:
    settings.HTTP_BODY_TIMEOUT = 0.01
    slow = sized(AUTHORIZE, 2, b"{}", **KEY)
    slow.answers.clear()
    asyncio.get_running_loop().call_later(0.1, slow.answers.set)

    assert (await slow.run()).status == 200


# -- before authentication -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [AUTHORIZE, IMPORT, "/api/v1/chargepoints/CP/commands", "/health"])
@pytest.mark.parametrize("size", [10, 10 * KIB + 1, 300 * 1024 * KIB])
async def test_without_credentials_no_byte_is_read_before_the_api_refuses(path: str, size: int) -> None:
    done = await sized(path, size, b"x" * 10).run()

    assert (done.status, done.read_before_answer, done.seen) == (200, 0, b"")
    assert done.headers["connection"] == "close"  # the unread body would be parsed as the next request


def valid_key() -> dict[str, str]:
    _, plain = api_keys.create(name="a system", role=User.Role.ADMINISTRATOR)
    return {"authorization": f"Api-Key {plain}"}


def session(user: User, **changes: str) -> dict[str, str]:
    store = SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store.update(changes)
    store.create()
    return {"cookie": f"csrftoken=x; sessionid={store.session_key}"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["key", "session"])
def test_only_an_authenticated_caller_may_upload_a_file(kind: str) -> None:
    user = User.objects.create_user("olga", password="a password of tests")
    shown = valid_key() if kind == "key" else session(user)
    wrong = {"authorization": "Api-Key ocs_of_nobody_at_all"} if kind == "key" else {"cookie": "sessionid=x"}
    parts = [b"x" * KIB] * 100

    for path in (IMPORT, IMPORT + "/", "/admin/accounts/token/import/"):
        for make, size in ((sized, [100 * KIB]), (chunked, [])):
            known = asyncio.run(_run(make, path, *size, *parts, **shown))
            unknown = asyncio.run(_run(make, path, *size, *parts, **wrong))

            assert (known.status, len(known.seen)) == (200, 100 * KIB)
            if path.startswith("/api/"):
                assert (unknown.status, unknown.read_before_answer, unknown.seen) == (200, 0, b"")
            else:
                assert unknown.status == 413
                assert unknown.read_before_answer <= 11 * KIB
                assert b"Sign in to upload up to 100 KiB." in unknown.body


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({"authorization": "api-key  k "}, "k"),
        ({"authorization": "Api-Key "}, None),
        ({"authorization": "Basic azpr"}, None),
        ({"cookie": '{"odd"}=1; a b=c; sessionid=s; other=x'}, "s"),
        ({"cookie": "sessionid="}, None),
        ({"authorization": "Basic azpr", "cookie": "sessionid=s"}, "s"),
    ],
)
def test_credentials_are_found_in_every_header_that_the_api_reads(
    headers: dict[str, str], secret: str | None
) -> None:
    found = callers.offered(Request(AUTHORIZE, **headers).scope)

    assert (found.secret if found else None) == secret


async def _run(make: Any, *arguments: Any, **headers: Any) -> Request:
    request: Request = make(*arguments, **headers)
    return await request.run()


@pytest.mark.django_db(transaction=True)
def test_a_file_beyond_its_limit_is_413_for_every_caller() -> None:
    done = asyncio.run(_run(sized, IMPORT, 165 * KIB, **valid_key()))

    assert (done.status, done.read_before_answer) == (413, 0)
    assert json.loads(done.body)["data"]["limit"] == 164 * KIB  # the file, and the form around it


@pytest.mark.django_db(transaction=True)
def test_an_ended_session_is_no_credential() -> None:
    user = User.objects.create_user("olga", password="a password of tests")
    ended, outdated, closed = session(user), session(user, **{HASH_SESSION_KEY: "older"}), session(user)

    def status(shown: dict[str, str]) -> int:
        return asyncio.run(_run(sized, "/admin/accounts/token/import/", 50 * KIB, **shown)).status

    SessionStore(ended["cookie"].rpartition("=")[2]).delete()
    assert (status(ended), status(outdated)) == (413, 413)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert status(closed) == 413
