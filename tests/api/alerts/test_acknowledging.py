"""The link of a mail: GET shows the alert, POST acknowledges it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client

from alerts.models import Alert, AlertRecipient
from alerts.services import changes
from alerts.services.changes import Change
from alerts.services.notices import links
from alerts.services.notices.links import Grant
from ocpp_server.observability.addresses import masked_path
from tests.api.conftest import NOON

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def alert(db: None, settings: Any) -> Alert:
    settings.PUBLIC_URL = "https://csms.example.com"
    return Alert.objects.create(
        code="offline",
        key="offline:CP-7",
        severity="critical",
        title=f"CP-7 is offline {HOSTILE}",
        opened_at=NOON,
        last_seen_at=NOON,
    )


@pytest.fixture
def ann(db: None) -> AlertRecipient:
    return AlertRecipient.objects.create(name="Ann", address="ann@x")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Change]]:
    found: list[Change] = []
    monkeypatch.setattr(changes, "_listeners", [found.extend])
    yield found


def path_of(alert: Alert, recipient: AlertRecipient) -> str:
    return urlsplit(links.to_acknowledge(Grant(alert.pk, alert.episode, recipient.pk))).path


def state(alert: Alert) -> tuple[str, str]:
    alert.refresh_from_db()
    return alert.state, alert.acknowledged_by


def test_a_get_shows_the_alert_and_changes_nothing(alert: Alert, ann: AlertRecipient) -> None:
    answer = Client().get(path_of(alert, ann))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "CP-7 is offline &lt;script&gt;" in page
    assert '<form method="post">' in page
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert state(alert) == ("open", "")


def test_a_post_acknowledges_as_the_recipient_once(
    alert: Alert, ann: AlertRecipient, published: list[Change]
) -> None:
    client, path = Client(enforce_csrf_checks=True), path_of(alert, ann)
    answer = client.post(path)

    assert answer.status_code == 200
    assert "Acknowledged by Ann." in answer.content.decode()
    assert state(alert) == ("acknowledged", "Ann")
    assert [change.kind for change in published] == [changes.Kind.ACKNOWLEDGED]
    assert client.post(path).status_code == 200
    assert len(published) == 1


def test_a_link_is_for_one_alert_one_episode_and_one_week(alert: Alert, ann: AlertRecipient) -> None:
    path = path_of(alert, ann)
    other = Alert.objects.create(
        code="offline", key="2", severity="info", title="2", opened_at=NOON, last_seen_at=NOON
    )

    assert Client().post(path.replace(f"/{alert.pk}/", f"/{other.pk}/")).status_code == 404
    assert Client().post(f"{path}x").status_code == 404
    assert Client().post(path.replace(f"/{alert.pk}/", f"/{10**30}/")).status_code == 404
    with time_machine.travel(timedelta(days=7, seconds=2), tick=False):
        assert Client().get(path).status_code == 404
    Alert.objects.filter(pk=alert.pk).update(episode=2)
    assert Client().post(path).status_code == 404
    assert state(alert) == ("open", "")


def test_a_link_ends_with_its_recipient(alert: Alert, ann: AlertRecipient) -> None:
    path = path_of(alert, ann)
    AlertRecipient.objects.update(is_enabled=False)

    assert Client().post(path).status_code == 404
    assert state(alert) == ("open", "")


def test_a_resolved_alert_stays_resolved(alert: Alert, ann: AlertRecipient) -> None:
    Alert.objects.update(state="resolved", resolved_at=NOON)
    answer = Client().post(path_of(alert, ann))

    assert "Resolved 2026-05-04" in answer.content.decode()
    assert state(alert) == ("resolved", "")


def test_the_log_of_requests_has_no_secret(alert: Alert, ann: AlertRecipient) -> None:
    assert masked_path(path_of(alert, ann)) == f"/alerts/acknowledge/{alert.pk}/***"
