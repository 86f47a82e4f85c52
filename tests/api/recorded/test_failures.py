"""The answers to failures that a running server does not produce on request: recorded like the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.test import Client, override_settings

from accounts.models import User
from chargepoints.models import ChargePoint
from chargepoints.views.sites import SiteViewSet
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.dispatch import StorageUnavailable
from tests.api.conftest import Caller
from tests.api.recorded import recording

FAILURES: dict[str, Callable[[], Exception]] = {
    "database away": lambda: OperationalError("away"),
    "journal away": lambda: StorageUnavailable("away"),
    "Redis away": lambda: LiveStateUnavailable("away"),
    "a bug": lambda: RuntimeError("a bug"),
    "not found in a service": Http404,
    "denied in a service": PermissionDenied,
    "suspicious": lambda: SuspiciousOperation("odd"),
}


def kept(name: str, method: str, path: str, response: Any) -> dict[str, Any]:
    shown = {word: response[word] for word in recording.HEADERS if word in response}
    if "retry-after" in shown and response.status_code == 429:
        shown["retry-after"] = "<seconds>"
    exchange = {"name": name, "method": method, "path": path, "status": response.status_code}
    return recording.normalised(exchange | {"headers": shown, "answer": response.json()})


def test_failures_have_the_recorded_answers(
    viewer: Caller, garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = []
    for name, make in FAILURES.items():
        with monkeypatch.context() as patch:
            patch.setattr(SiteViewSet, "list", _failing(make()))
            exchanges.append(kept(name, "GET", "/api/v1/sites", viewer.get("/api/v1/sites")))
    with override_settings(API_REQUESTS_PER_MINUTE=1):
        viewer.get("/clients")
        refused = viewer.get("/clients")
        refused = refused if refused.status_code == 429 else viewer.get("/clients")  # a new minute began
    seconds = refused["Retry-After"]
    refused.answer["message"] = refused.answer["message"].replace(f"in {seconds} s", "in <seconds> s")
    refused.json = lambda: refused.answer
    exchanges.append(kept("too many requests", "GET", "/clients", refused))
    exchanges.append(kept("no CSRF token", "POST", "/api/v1/sites", _without_csrf_token()))

    recording.check("failures", exchanges)


def _failing(error: Exception) -> Callable[..., Any]:
    def get(*_: Any, **__: Any) -> Any:
        raise error

    return get


def _without_csrf_token() -> Any:
    user = User.objects.create_user("olga", password="x", role=User.Role.OPERATOR)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client.post("/api/v1/chargepoints/GARAGE%201/reset", data=b"{}", content_type="application/json")
