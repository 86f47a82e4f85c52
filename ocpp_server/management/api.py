"""A client of the REST API for management commands: over HTTP on the loopback address."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from ocpp_server.environment.env import SettingError
from ocpp_server.process import tls

# Seconds that a command waits for the server beyond the time that the server waits for the station.
GRACE_S = 15.0
# The most stations that get a command at the same time.
AT_ONCE = 20


class ServerAway(Exception):
    """The running server can't be reached. `str(error)` is one sentence that gives the reason."""


@dataclass(frozen=True)
class Answer:
    """The envelope of an answer, and its HTTP status."""

    status: int
    success: bool
    message: str
    data: dict[str, Any]


class Api:
    """A client of the REST API that sends `key`."""

    key = ""

    @property
    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", **settings.LOOPBACK_HEADERS}
        return headers | ({"Authorization": f"Api-Key {self.key}"} if self.key else {})

    def get(self, path: str, *, timeout: float = GRACE_S) -> Answer:
        return self._request("GET", path, None, timeout)

    def send(
        self, method: str, path: str, body: dict[str, Any] | None, *, timeout: float = GRACE_S
    ) -> Answer:
        """The answer to one POST, PUT, PATCH or DELETE."""
        return self._request(method, path, body, timeout)

    def post_all(self, posts: Sequence[tuple[str, dict[str, Any]]], *, timeout: float) -> list[Answer]:
        """The answers to several posts (path, body), in their order."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda post: self._request("POST", post[0], post[1], timeout), posts))

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
        context = tls.loopback_context(settings.ENVIRONMENT)
    except SettingError as error:
        raise ServerAway(str(error)) from None
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def read_answer(status: int, text: bytes) -> Answer:
    try:
        envelope = json.loads(text)
        return Answer(status, envelope["success"], envelope["message"], envelope["data"])
    except (ValueError, KeyError, TypeError):
        raise ServerAway(
            f"Something else answers at {settings.LOOPBACK_URL}; HTTP_PORT names the server's port."
        ) from None


def station_path(identity: str) -> str:
    """The path of a station in the REST API, with its identity escaped."""
    return f"/api/v1/chargepoints/{quote(identity, safe='')}"
