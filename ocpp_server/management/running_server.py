"""How a command of this machine reaches the stations: through the running server's REST API on the loopback
address, or, when the server is distributed, through the same API in the command's own process.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import DatabaseError

from ocpp_server.credentials import Role, credentials
from ocpp_server.process import tls

KEY_NAME = "manage.py"
# Longer than any command may wait; one that was killed leaves a key that ends by itself.
KEY_LIFE = timedelta(minutes=5)
# How much longer than the server waits for the station we wait for the server.
GRACE_S = 15.0


class ServerAway(Exception):
    """`str(error)` is one sentence: why the running server can't be asked."""


@dataclass(frozen=True)
class Answer:
    """The envelope, and the HTTP status it came with."""

    status: int
    success: bool
    message: str
    data: dict[str, Any]


class Api:
    """The REST API with a key."""

    key = ""

    @property
    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", **settings.LOOPBACK_HEADERS}
        return headers | ({"Authorization": f"Api-Key {self.key}"} if self.key else {})

    def get(self, path: str, *, timeout: float = GRACE_S) -> Answer:
        return self._request("GET", path, None, timeout)

    def post(self, path: str, body: dict[str, Any], *, timeout: float = GRACE_S) -> Answer:
        return self._request("POST", path, body, timeout)

    def _request(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> Answer:
        address = urlsplit(settings.LOOPBACK_URL)
        connection = _connection(address.hostname or "", address.port, timeout)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, self._headers)
            response = connection.getresponse()
            text = response.read()
        except ConnectionRefusedError:
            raise ServerAway(
                f"The server is not running at {settings.LOOPBACK_URL}; python3 run.py starts it."
            ) from None
        except TimeoutError:
            raise ServerAway(
                f"The server at {settings.LOOPBACK_URL} did not answer within {timeout:.0f} s."
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise ServerAway(f"The server at {settings.LOOPBACK_URL} can't be reached ({reason}).") from None
        finally:
            connection.close()
        return read_answer(response.status, text)


def _connection(host: str, port: int | None, timeout: float) -> http.client.HTTPConnection:
    if settings.TLS_CERT is None:
        return http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        context = tls.loopback_context(settings.TLS_CERT)
    except OSError as error:
        raise ServerAway(f"TLS_CERT: {settings.TLS_CERT} can't be used ({error}).") from None
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def read_answer(status: int, text: bytes) -> Answer:
    try:
        envelope = json.loads(text)
        return Answer(status, envelope["success"], envelope["message"], envelope["data"])
    except (ValueError, KeyError, TypeError):
        raise ServerAway(
            f"Something else answers at {settings.LOOPBACK_URL}; HTTP_PORT names the server's port."
        ) from None


@contextmanager
def server() -> Iterator[Api]:
    """The running server, with a key of its own that is revoked afterwards and shown to nobody.

    Raises ServerAway.
    """
    if settings.REDIS_DISTRIBUTED_STATE:
        from ocpp_server.management.own_process import own_process

        # Which process holds the station is in Redis: none of them has to be on this machine.
        with own_process() as api, _key() as plain:
            api.key = plain
            yield api
        return
    api = Api()
    api.get("/health")
    with _key() as plain:
        api.key = plain
        yield api


@contextmanager
def _key() -> Iterator[str]:
    with ExitStack() as held:
        try:
            key = credentials().temporary(name=KEY_NAME, role=Role.OPERATOR, life=KEY_LIFE)
            plain = held.enter_context(key)
        except DatabaseError as error:
            raise ServerAway(f"The server's database can't be used ({error}).") from None
        yield plain


def station_path(identity: str) -> str:
    """The address of a station, whatever characters its identity has."""
    return f"/api/v1/chargepoints/{quote(identity, safe='')}"
