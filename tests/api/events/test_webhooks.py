"""Webhooks over REST: rights, secrets, refusals, replays and the log."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.models import Event, WebhookDelivery, WebhookEndpoint
from events.services import numbering
from events.services.webhooks import endpoints, retention, signing
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from tests.responders import Answer, serving

WEBHOOKS = "/api/v1/webhooks"
URL = "https://receiver.example/hook"


@pytest.fixture(autouse=True)
def local_receivers(settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.WEBHOOK_ALLOW_HTTP = True


@pytest.fixture
def webhook(db: None) -> Any:
    return endpoints.create(name="Billing", url=URL, created_by="ann")


def emit(times: int = 1) -> None:
    for _ in range(times):
        outbox.emit(stations.FIRMWARE, station="CP-1", status="Downloading")
    numbering.number_some()


def test_a_webhook_begins_with_the_next_event_and_shows_its_secret_once(administrator) -> None:
    emit(2)

    made = administrator.post(WEBHOOKS, {"name": "Billing", "url": URL, "types": ["token.*"]})

    assert made.status_code == 201
    assert made.info["secret"].startswith("whsec_")
    assert (made.info["position"], made.info["createdBy"], made.info["state"]) == (
        2,
        "key administrator",
        "active",
    )
    shown = administrator.get(made["Location"])
    assert "secret" not in shown.info
    assert "ETag" not in shown
    listed = administrator.get(WEBHOOKS)
    assert listed.info["webhooks"] == [shown.info]


def test_a_secret_is_not_stored_with_the_answer_to_an_idempotent_request(administrator) -> None:
    first, again = (
        administrator.post(WEBHOOKS, {"name": "Billing", "url": URL}, Idempotency_Key="k") for _ in range(2)
    )

    assert "secret" in first.info
    assert "secret" not in again.info
    assert first.info["id"] == again.info["id"]


def test_only_administrators_see_and_change_webhooks(viewer, operator, webhook) -> None:
    for caller in (viewer, operator):
        assert caller.get(WEBHOOKS).status_code == 403
        assert caller.get(f"{WEBHOOKS}/{webhook.pk}/deliveries").status_code == 403
        assert caller.post(WEBHOOKS, {"name": "B", "url": URL}).status_code == 403
        assert caller.post(f"{WEBHOOKS}/{webhook.pk}/test", {}).status_code == 403


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"url": "https://10.1.2.3/"}, "url"),
        ({"url": "https://user:pw@receiver.example/"}, "url"),
        ({"url": "https://receiver.example:25/"}, "url"),
        ({"types": ["meter.taken"]}, "types"),
        ({"station": "NOWHERE"}, "station"),
        ({"siteId": 99}, "siteId"),
        ({"secret": "whsec_YQ=="}, "secret"),
        ({"headers": {"Host": "a"}}, "headers"),
        ({"headers": {"Content-Type": "a"}}, "headers"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers"),
        ({"headers": {f"X-{n}": "a" for n in range(6)}}, "headers"),
        ({"timeoutS": 4}, "timeoutS"),
        ({"name": " "}, "name"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(administrator, given, param) -> None:
    answer = administrator.post(WEBHOOKS, {"name": "Billing", "url": URL, **given})

    assert answer.status_code == 400
    assert answer.answer["data"]["param"] == param
    assert not WebhookEndpoint.objects.exists()


def test_there_are_50_webhooks_at_most(administrator, monkeypatch) -> None:
    monkeypatch.setattr(endpoints, "MOST", 1)
    administrator.post(WEBHOOKS, {"name": "A", "url": URL})

    assert administrator.post(WEBHOOKS, {"name": "B", "url": URL}).status_code == 409


def test_a_change_leaves_the_columns_of_the_sender(administrator, webhook) -> None:
    WebhookEndpoint.objects.update(cursor=7, failure_count=2)

    changed = administrator.patch(f"{WEBHOOKS}/{webhook.pk}", {"timeoutS": 30, "headers": {"X-Team": "b"}})

    assert (changed.info["timeoutS"], changed.info["headers"]) == (30, ["X-Team"])
    webhook.refresh_from_db()
    assert (webhook.cursor, webhook.failure_count, webhook.url) == (7, 2, URL)


def test_the_secret_is_rotated_with_an_overlap(administrator, webhook) -> None:
    before = webhook.sealed_secret

    rotated = administrator.post(f"{WEBHOOKS}/{webhook.pk}/rotate-secret", {"overlapHours": 2})

    webhook.refresh_from_db()
    assert signing.CIPHER.unseal(webhook.sealed_secret) == rotated.info["secret"]
    assert webhook.sealed_previous_secret == before
    overlap = webhook.previous_secret_until - datetime.now(UTC)
    assert timedelta(hours=1.9) < overlap <= timedelta(hours=2)
    administrator.post(f"{WEBHOOKS}/{webhook.pk}/rotate-secret", {"overlapHours": 0})
    webhook.refresh_from_db()
    assert (webhook.sealed_previous_secret, webhook.previous_secret_until) == ("", None)
    assert (
        administrator.post(f"{WEBHOOKS}/{webhook.pk}/rotate-secret", {"overlapHours": 169}).status_code == 400
    )


def test_a_test_shows_the_answer_of_the_receiver(administrator) -> None:
    with serving(lambda path, body: Answer(b"thanks", 202)) as server:
        row = endpoints.create(name="Billing", url=f"{server.url}/hook", created_by="ann")

        tested = administrator.post(f"{WEBHOOKS}/{row.pk}/test", {})

        assert tested.answer["success"] is True
        assert (tested.info["isDelivered"], tested.info["statusCode"]) == (True, 202)
        assert tested.info["responseExcerpt"] == "thanks"
        assert b'"type":"webhook.test"' in server.requests[0][1]
    failed = administrator.post(f"{WEBHOOKS}/{row.pk}/test", {})
    assert (failed.status_code, failed.answer["success"]) == (200, False)
    assert failed.info["error"] == "The host can't be reached (ConnectionRefusedError)."


def test_a_test_does_not_reach_an_address_that_is_not_permitted(administrator, settings) -> None:
    with serving(lambda path, body: Answer()) as server:
        row = endpoints.create(name="Billing", url=f"{server.url}/hook", created_by="ann")
        settings.OUTBOUND_PRIVATE_NETWORKS = ()

        tested = administrator.post(f"{WEBHOOKS}/{row.pk}/test", {})

        assert tested.answer["success"] is False
        assert "private network" in tested.info["error"]
        assert server.requests == []


def test_events_since_a_time_are_replayed_by_type_and_station(administrator, webhook) -> None:
    emit(3)
    outbox.emit(stations.FIRMWARE, station="CP-2", status="Downloading")
    numbering.number_some()
    WebhookEndpoint.objects.update(cursor=4, station="CP-1")
    Event.objects.filter(position=1).update(at=datetime(2026, 1, 1, tzinfo=UTC))
    address = f"{WEBHOOKS}/{webhook.pk}/replay"

    replayed = administrator.post(address, {"after": "2026-02-01T00:00:00Z", "types": ["firmware.*"]})

    assert replayed.info == {"count": 2}
    rows = WebhookDelivery.objects.order_by("position")
    assert [(row.position, row.state, row.is_replay) for row in rows] == [
        (2, "pending", True),
        (3, "pending", True),
    ]
    assert (
        administrator.post(address, {"after": "2026-02-01T00:00:00Z", "types": ["no.such"]}).status_code
        == 400
    )
    administrator.post(f"{WEBHOOKS}/{webhook.pk}/pause", {})
    assert administrator.post(address, {"after": "2026-02-01T00:00:00Z"}).status_code == 409


def test_too_many_events_are_not_replayed(administrator, webhook, monkeypatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_REPLAYED", 1)
    emit(2)
    WebhookEndpoint.objects.update(cursor=2)

    refused = administrator.post(f"{WEBHOOKS}/{webhook.pk}/replay", {"after": "2026-01-01T00:00:00Z"})

    assert refused.status_code == 409
    assert not WebhookDelivery.objects.exists()


def test_a_delivery_is_retried_unless_it_waits_or_its_event_is_gone(administrator, webhook) -> None:
    emit()
    event = Event.objects.get()
    row = WebhookDelivery.objects.create(
        endpoint=webhook,
        event_id=event.uid,
        type=event.type,
        position=1,
        state="failed",
        attempt_count=5,
        at=datetime.now(UTC),
    )
    address = f"{WEBHOOKS}/{webhook.pk}/deliveries/{row.pk}"

    retried = administrator.post(f"{address}/retry", {})

    assert (retried.info["state"], retried.info["isReplay"], retried.info["attemptCount"]) == (
        "pending",
        True,
        0,
    )
    assert administrator.post(f"{address}/retry", {}).status_code == 409
    WebhookDelivery.objects.update(state="failed")
    event.delete()
    assert administrator.post(f"{address}/retry", {}).status_code == 409
    assert administrator.get(f"{WEBHOOKS}/{webhook.pk}/deliveries?state=failed").info["count"] == 1


def test_a_webhook_continues_where_it_stopped_or_skips(administrator, webhook) -> None:
    one = f"{WEBHOOKS}/{webhook.pk}"
    assert administrator.post(f"{one}/enable", {}).status_code == 409
    assert administrator.post(f"{one}/pause", {}).info["state"] == "paused"
    assert administrator.post(f"{one}/pause", {}).status_code == 409
    emit(3)

    assert administrator.post(f"{one}/enable", {}).info["position"] == 0
    administrator.post(f"{one}/pause", {})
    skipped = administrator.post(f"{one}/enable", {"start": "now"})

    assert (skipped.info["position"], skipped.info["state"]) == (3, "active")


def test_old_rows_of_the_log_are_deleted_and_pending_ones_stay(webhook, monkeypatch) -> None:
    monkeypatch.setattr(retention, "MOST_ROWS", 4)
    now = datetime.now(UTC)

    def row(number: int, state: str, days: int) -> None:
        at = now - timedelta(days=days)
        WebhookDelivery.objects.create(
            endpoint=webhook, event_id=str(number), type="t", position=number, state=state, at=at
        )

    for number, (state, days) in enumerate(
        [("pending", 99), ("failed", 31), ("delivered", 4), ("failed", 29), ("delivered", 2)]
        + [("delivered", 0)] * 3
    ):
        row(number, state, days)

    retention.delete_some()

    kept = WebhookDelivery.objects.order_by("position").values_list("position", flat=True)
    assert list(kept) == [0, 4, 5, 6, 7]
