"""The heartbeat of the alerts, against a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from alerts.models import Evaluation
from alerts.services import heartbeat
from ocpp_server.environment.alerts import heartbeat_url
from ocpp_server.storage.journal import journal
from tests.responders import Answer, serving
from tests.unit.alerts.conftest import NOON


@pytest.mark.parametrize(("age_s", "is_alive"), [(0, True), (150, True), (151, False), (None, False)])
def test_it_is_alive_while_the_rules_are_judged(
    settings: Settings, age_s: int | None, is_alive: bool
) -> None:
    settings.ALERT_INTERVAL = 30

    checked = None if age_s is None else NOON - timedelta(seconds=age_s)

    assert heartbeat.is_alive(checked, NOON) is is_alive


@pytest.mark.parametrize("url", ["", "https://hc-ping.com/6f1a", "http://10.0.0.1:8000/push?token=a"])
def test_addresses(url: str) -> None:
    assert heartbeat_url(url) == url


@pytest.mark.parametrize(
    "url", ["hc-ping.com/secret", "ftp://secret", "http://", "https://a:secret@b/", "http://[x"]
)
def test_errors_do_not_repeat_the_address(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address such as") as caught:
        heartbeat_url(url)

    assert "secret" not in str(caught.value)


def checked(monkeypatch: pytest.MonkeyPatch, at: datetime | None) -> None:
    async def run(function: Any) -> datetime | None:
        assert function is heartbeat._checked_at
        return at

    monkeypatch.setattr(journal, "run", run)


@pytest.mark.parametrize(("status", "is_taken"), [(200, True), (204, True), (302, False), (404, False)])
async def test_a_service_gets_a_request(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, status: int, is_taken: bool
) -> None:
    checked(monkeypatch, datetime.now(UTC))
    with serving(lambda path, body: Answer(b"", status)) as server:
        settings.ALERT_HEARTBEAT_URL = f"{server.url}/secret?rid=1"
        found = await heartbeat.send()

        assert (found, server.requests) == (is_taken, [("/secret?rid=1", b"")])


async def test_nothing_is_sent_while_the_rules_are_not_judged(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    checked(monkeypatch, datetime.now(UTC) - timedelta(hours=1))
    with serving(lambda path, body: Answer()) as server:
        settings.ALERT_HEARTBEAT_URL = server.url

        assert (await heartbeat.send(), server.requests) == (False, [])


async def test_a_service_that_is_away_is_logged_without_its_address(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    checked(monkeypatch, datetime.now(UTC))
    with serving(lambda path, body: Answer()) as server:
        settings.ALERT_HEARTBEAT_URL = f"{server.url}/secret"
    with capture_logs() as lines:
        await heartbeat.beat()

    assert [line["event"] for line in lines] == ["alerts.heartbeat_failed"]
    assert "secret" not in str(lines)


@pytest.mark.django_db
def test_the_time_of_the_last_evaluation() -> None:
    assert heartbeat._checked_at() is None
    Evaluation.objects.create(checked_at=NOON)

    assert heartbeat._checked_at() == NOON
