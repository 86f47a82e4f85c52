"""Conditions about logins, webhooks and mails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisAway

from alerts.models import AlertRecipient, Notification
from alerts.services import logins
from events.models import WebhookEndpoint
from ocpp_server import credentials
from tests.unit.alerts.conftest import NOON, Watch, alerts, change_rule


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def failures(watch: Watch, number: int, word: str = "login") -> None:
    for _ in range(number):
        logins.count(word, watch.now)


def test_many_failed_logins_of_all_addresses(watch: Watch) -> None:
    failures(watch, 50)
    watch.look()
    assert alerts() == []
    failures(watch, 2, "API key")
    watch.after(30)

    (alert,) = alerts()
    assert (alert.key, alert.severity) == ("failed_logins", "warning")
    assert (alert.title, alert.detail) == ("52 logins failed in 10 minutes", "2 API keys, 50 logins.")
    watch.after(1200)
    assert alerts()[0].state == "open"
    watch.after(1800)
    assert alerts()[0].state == "resolved"


def test_failed_logins_of_an_earlier_time_do_not_count(watch: Watch) -> None:
    failures(watch, 30)
    watch.after(900)
    failures(watch, 30)
    watch.after(30)

    assert alerts() == []


def test_a_failed_login_and_a_wrong_key_are_counted(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    monkeypatch.setattr(logins, "count", lambda word, at: counted.append(word))

    for kind in ("FailedOperatorLogin", "FailedApiKey"):
        credentials.failed_login(type=kind, address="192.0.2.1", tech_info="-")

    assert counted == ["login", "API key"]


def test_without_redis_nothing_is_counted_and_nothing_resolves(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures(watch, 60)
    watch.look()

    def away(*given: Any, **more: Any) -> None:
        raise RedisAway("refused")

    for name in ("add", "get_many"):
        monkeypatch.setattr(f"alerts.services.logins.cache.{name}", away)
    logins.note(type="FailedApiKey", address="", tech_info="")
    watch.after(7200)

    assert [one.state for one in alerts()] == ["open"]


def a_webhook(**columns: Any) -> WebhookEndpoint:
    usual = {"name": "Billing", "url": "https://example.com/", "state": "active", "last_error": "HTTP 503."}
    return WebhookEndpoint.objects.create(**(usual | columns))


@pytest.mark.parametrize(
    ("columns", "is_alert"),
    [
        ({"failure_count": 5, "failing_since": NOON - timedelta(hours=1)}, True),
        ({"failure_count": 4, "failing_since": NOON - timedelta(hours=1)}, False),
        ({"failure_count": 9, "failing_since": NOON - timedelta(minutes=59)}, False),
        ({"failure_count": 9, "failing_since": NOON - timedelta(days=1), "state": "paused"}, False),
        ({}, False),
    ],
)
def test_a_webhook_that_fails_for_an_hour(watch: Watch, columns: dict[str, Any], is_alert: bool) -> None:
    row = a_webhook(**columns)
    watch.look()

    found = [(one.key, one.title, one.severity, one.detail) for one in alerts()]
    title = "The webhook Billing has failed since 11:00 UTC"
    assert found == [(f"webhook_failing:{row.pk}", title, "warning", "Last error: HTTP 503.")] * int(is_alert)
    WebhookEndpoint.objects.update(failure_count=0, failing_since=None)
    watch.after(120)
    assert {one.state for one in alerts()} <= {"resolved"}


def test_a_disabled_webhook_is_critical(watch: Watch) -> None:
    a_webhook(state="disabled", state_reason="The receiver answered 410 (Gone).", last_error="")
    watch.look()

    (alert,) = alerts()
    assert (alert.title, alert.severity) == ("The webhook Billing was disabled", "critical")
    assert alert.detail == "The receiver answered 410 (Gone)."


@pytest.fixture
def recipient(db: None, settings: Settings) -> AlertRecipient:
    settings.EMAIL_URL = {"host": "mail.example.com"}
    return AlertRecipient.objects.create(name="Ops", address="ops@example.com")


def a_notice(recipient: AlertRecipient, **columns: Any) -> Notification:
    usual = {"channel": "email", "kind": "test", "attempts": 1, "error": "Connection refused"}
    created = columns.pop("created_at", NOON)
    row = Notification.objects.create(recipient=recipient, **(usual | columns))
    Notification.objects.filter(pk=row.pk).update(created_at=created)
    return row


def test_mails_that_are_not_sent_for_an_hour(watch: Watch, recipient: AlertRecipient) -> None:
    for minutes in range(2):
        a_notice(recipient, attempts=2, created_at=NOON + timedelta(minutes=minutes))
    watch.after(3600)
    assert alerts() == []
    a_notice(recipient, state="failed", error="No such user", created_at=NOON + timedelta(minutes=2))
    watch.after(60)
    watch.after(3500)
    assert alerts() == []
    watch.after(120)

    (alert,) = alerts()
    assert (alert.key, alert.title) == ("mail_failing", "The mail server takes no mails")
    assert alert.detail == "5 attempts failed. Last error: No such user"
    a_notice(recipient, state="sent", sent_at=watch.now, error="", created_at=watch.now)
    watch.after(120)
    assert alerts()[0].state == "resolved"


def test_mails_refused_before_the_last_success_do_not_count(watch: Watch, recipient: AlertRecipient) -> None:
    change_rule("mail_failing", for_s=0)
    for number in range(4):
        a_notice(recipient, attempts=3, created_at=NOON + timedelta(minutes=number))
    a_notice(recipient, state="sent", sent_at=NOON + timedelta(minutes=5), error="")
    watch.look()
    assert alerts() == []
    a_notice(recipient, attempts=5, created_at=NOON + timedelta(minutes=6))
    watch.after(120)

    assert [one.title for one in alerts()] == ["No mail about alerts was sent since 12:05 UTC"]


def test_notices_from_before_the_last_success_count_once_they_fail(
    watch: Watch, recipient: AlertRecipient
) -> None:
    change_rule("mail_failing", for_s=0)
    a_notice(recipient, state="sent", sent_at=NOON, error="", created_at=NOON - timedelta(minutes=2))
    waiting: dict[str, Any] = {"attempts": 3, "created_at": NOON - timedelta(minutes=2)}
    # Tried at 11:50; tried at 11:59, and then put off for quiet hours.
    a_notice(recipient, due_at=NOON + timedelta(minutes=5), **waiting)
    a_notice(recipient, due_at=NOON + timedelta(hours=9), **waiting)
    watch.look()
    assert alerts() == []
    for _ in range(2):
        a_notice(recipient, due_at=NOON + timedelta(minutes=16), **waiting)
    watch.after(60)

    assert [one.values["last"] for one in alerts()] == [6]


def test_refused_notices_count_for_a_day_and_suppressed_ones_do_not(
    watch: Watch, recipient: AlertRecipient
) -> None:
    change_rule("mail_failing", for_s=0)
    a_notice(recipient, state="suppressed", attempts=9)
    watch.look()
    assert alerts() == []
    a_notice(recipient, state="failed", attempts=5)
    watch.after(60)
    assert [one.state for one in alerts()] == ["open"]
    watch.after(86_400)

    assert [one.state for one in alerts()] == ["resolved"]


def test_without_a_mail_server_no_mail_fails(
    watch: Watch, recipient: AlertRecipient, settings: Settings
) -> None:
    change_rule("mail_failing", for_s=0)
    settings.EMAIL_URL = {}
    a_notice(recipient, attempts=9)
    watch.look()

    assert alerts() == []
