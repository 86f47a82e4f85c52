"""Events reach a real receiver: signed, in order for each station, at least once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.models import Event, WebhookDelivery, WebhookEndpoint
from events.services.webhooks import endpoints, signing
from tests.responders import Answer
from tests.unit.events.webhooks.receiving import OK, emit, endpoint, receiving, sending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("short_pauses")]


def states() -> list[tuple[int, str, int]]:
    rows = WebhookDelivery.objects.order_by("position")
    return list(rows.values_list("position", "state", "attempt_count"))


async def test_events_are_signed_and_logged_and_the_cursor_follows() -> None:
    with receiving() as receiver:
        async with sending() as senders:
            row = await senders.run(endpoint, receiver.url, headers={"X-Team": "billing"})
            await senders.run(emit, times=3)
            await senders.until(lambda: len(receiver.events) == 3)

            path, body = receiver.server.requests[0]
            headers = receiver.server.headers[0]
            event = receiver.events[0]
            stored = await senders.run(lambda: Event.objects.get(sequence=1))
            signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
            digest = hmac.digest(signing.key_of(row.plain_secret), signed, hashlib.sha256)
            assert headers["Webhook-Signature"] == f"v1,{base64.b64encode(digest).decode()}"
            assert (path, headers["Webhook-Id"], headers["X-Team"]) == ("/hook", stored.uid, "billing")
            assert abs(int(headers["Webhook-Timestamp"]) - datetime.now(UTC).timestamp()) < 60
            assert (event["id"], event["type"]) == (stored.uid, "firmware.status_changed")
            assert event["data"]["status"] == "Downloading"
            assert receiver.sequences == [("CP-1", 1), ("CP-1", 2), ("CP-1", 3)]
            assert await senders.run(states) == [(n, "delivered", 1) for n in (1, 2, 3)]
            await senders.run(row.refresh_from_db)
            assert (row.cursor, row.state, row.last_status) == (3, "active", 200)


async def test_a_webhook_gets_only_what_its_filter_takes_and_its_cursor_moves_on() -> None:
    with receiving() as receiver:
        async with sending() as senders:
            await senders.run(emit)  # before the webhook was made
            row = await senders.run(endpoint, receiver.url, types=["firmware.*"])
            other = await senders.run(endpoint, receiver.url, name="Other", types=["token.*"])
            await senders.run(emit, times=2)
            await senders.until(lambda: len(receiver.events) == 2)

            await senders.run(row.refresh_from_db)
            await senders.run(other.refresh_from_db)
            assert (row.cursor, other.cursor) == (3, 3)
            assert len(receiver.events) == 2


async def test_a_receiver_that_is_away_gets_all_events_in_order_later() -> None:
    with receiving(lambda event: Answer(b"busy", 503)) as receiver:
        async with sending() as senders:
            row = await senders.run(endpoint, receiver.url)
            await senders.run(emit, "CP-1", 3)
            await senders.run(emit, "CP-2", 3)
            await senders.until(lambda: len(receiver.events) > 6)
            await senders.run(row.refresh_from_db)
            assert row.cursor == 0
            assert row.failure_count > 0
            assert row.last_error == "The receiver answered 503."
            tried = len(receiver.events)
            receiver.answers(lambda event: OK)
            await senders.until(lambda: len({e["id"] for e in receiver.events[tried:]}) == 6)

            for station in ("CP-1", "CP-2"):
                own = [n for name, n in receiver.sequences[tried:] if name == station]
                assert own == [1, 2, 3]
            await senders.run(row.refresh_from_db)
            assert (row.cursor, row.failure_count, row.failing_since) == (6, 0, None)


async def test_an_event_that_is_refused_holds_back_its_station_alone_and_then_fails() -> None:
    def answer(event: dict[str, Any]) -> Answer:
        return Answer(b"no such type", 422) if (event["station"], event["sequence"]) == ("BAD", 1) else OK

    with receiving(answer) as receiver:
        async with sending() as senders:
            row = await senders.run(endpoint, receiver.url)
            await senders.run(emit, "BAD", 3)
            await senders.run(emit, "CP-2", 3)
            await senders.until(lambda: ("BAD", 3) in receiver.sequences)

            assert receiver.sequences.count(("BAD", 1)) == 5
            assert [n for name, n in receiver.sequences if name == "CP-2"] == [1, 2, 3]
            assert [n for name, n in receiver.sequences if name == "BAD"] == [1] * 5 + [2, 3]
            rows = await senders.run(states)
            assert rows[0] == (1, "failed", 5)
            assert {state for _, state, _ in rows[1:]} == {"delivered"}
            failed = await senders.run(lambda: WebhookDelivery.objects.get(state="failed"))
            assert (failed.status_code, failed.response_excerpt) == (422, "no such type")
            await senders.run(row.refresh_from_db)
            assert (row.cursor, row.state) == (6, "active")


async def test_a_receiver_that_refuses_everything_loses_nothing() -> None:
    with receiving(lambda event: Answer(b"", 401)) as receiver:
        async with sending() as senders:
            await senders.run(endpoint, receiver.url)
            for number in range(12):
                await senders.run(emit, f"CP-{number}", 2)
            await senders.until(lambda: len(receiver.events) > 20)
            assert "failed" not in {state for _, state, _ in await senders.run(states)}
            receiver.answers(lambda event: OK)
            tried = len(receiver.events)
            await senders.until(lambda: len({e["id"] for e in receiver.events[tried:]}) == 24)

            for number in range(12):
                own = [n for name, n in receiver.sequences[tried:] if name == f"CP-{number}"]
                assert own == [1, 2]


async def test_a_restarted_sender_goes_on_and_repeats_nothing_that_is_in_the_log() -> None:
    def answer(event: dict[str, Any]) -> Answer:
        return Answer(b"", 400) if event["station"] == "BAD" else OK

    with receiving(answer) as receiver:
        async with sending() as senders:
            await senders.run(endpoint, receiver.url)
            await senders.run(emit, "BAD", 2)
            await senders.run(emit, "CP-1", 2)
            await senders.until(lambda: len(receiver.events) >= 3)
            senders.stop()
            receiver.answers(lambda event: OK)
            await senders.run(emit, "CP-1", 1)
            await senders.until(
                lambda: ("CP-1", 3) in receiver.sequences and ("BAD", 2) in receiver.sequences
            )

            assert receiver.sequences.count(("CP-1", 1)) == 1
            assert [n for name, n in receiver.sequences if name == "CP-1"] == [1, 2, 3]


async def test_a_receiver_that_is_gone_is_disabled_with_an_event() -> None:
    with receiving(lambda event: Answer(b"", 410)) as receiver:
        async with sending() as senders:
            row = await senders.run(endpoint, receiver.url)
            await senders.run(emit)
            await senders.until(lambda: receiver.events and not senders.pumps)

            await senders.run(row.refresh_from_db)
            assert (row.state, row.state_reason) == ("disabled", "The receiver answered 410 (Gone).")
            event = await senders.run(lambda: Event.objects.get(type="webhook.disabled"))
            assert event.content["webhookId"] == row.pk
            # Enabled again, it continues with the event that was not taken.
            receiver.answers(lambda event: OK)
            await senders.run(endpoints.enable, row)
            await senders.until(lambda: len(receiver.events) == 2)
            assert receiver.sequences == [("CP-1", 1), ("CP-1", 1)]


async def test_a_webhook_that_fails_for_days_is_disabled_with_a_mail(
    settings, mailoutbox, monkeypatch
) -> None:
    settings.WEBHOOK_DISABLE_AFTER, settings.EMAIL_URL = 0.2, "smtps://mail.example.com"
    with receiving(lambda event: Answer(b"", 500)) as receiver:
        async with sending() as senders:
            row = await senders.run(endpoint, receiver.url, contact_email="ann@example.com")
            await senders.run(emit)
            await senders.until(lambda: mailoutbox)

            await senders.run(row.refresh_from_db)
            assert row.state == "disabled"
            assert row.state_reason.startswith("No delivery succeeded since ")
            assert mailoutbox[0].to == ["ann@example.com"]
            assert "Billing" in mailoutbox[0].subject
            assert "The receiver answered 500." in mailoutbox[0].body


async def test_a_changed_webhook_uses_its_new_settings_from_the_next_event_on() -> None:
    with receiving() as first, receiving() as second:
        async with sending() as senders:
            row = await senders.run(endpoint, first.url)
            await senders.run(emit)
            await senders.until(lambda: len(first.events) == 1)
            await senders.run(endpoints.change, row, url=second.url)
            await senders.run(emit)
            await senders.until(lambda: len(second.events) == 1)
            await senders.run(endpoints.pause, row)
            await senders.until(lambda: not senders.pumps)
            await senders.run(emit)
            await senders.run(endpoints.enable, row, start="now")
            await senders.run(emit)
            await senders.until(lambda: len(second.events) == 2)
            await senders.run(endpoints.delete, row)
            await senders.until(lambda: not senders.pumps)

            assert first.sequences == [("CP-1", 1)]
            assert second.sequences == [("CP-1", 2), ("CP-1", 4)]


async def test_during_the_overlap_both_secrets_sign() -> None:
    with receiving() as receiver:
        async with sending() as senders:
            row = await senders.run(endpoint, receiver.url)
            before = row.plain_secret
            await senders.run(endpoints.rotate, row, overlap=timedelta(hours=1))
            await senders.run(emit)
            await senders.until(lambda: len(receiver.events) == 1)

            headers, (_, body) = receiver.server.headers[0], receiver.server.requests[0]
            expected = signing.signature(
                [signing.key_of(row.plain_secret), signing.key_of(before)],
                id=headers["Webhook-Id"],
                timestamp=int(headers["Webhook-Timestamp"]),
                body=body,
            )
            assert headers["Webhook-Signature"] == expected
            assert expected.count("v1,") == 2


async def test_stored_events_are_replayed_in_order_and_marked() -> None:
    with receiving() as receiver:
        async with sending() as senders:
            start = datetime.now(UTC) - timedelta(minutes=1)
            row = await senders.run(endpoint, receiver.url)
            await senders.run(emit, "CP-1", 3)
            await senders.until(lambda: len(receiver.events) == 3)
            await senders.run(row.refresh_from_db)
            assert await senders.run(endpoints.replay, row, after=start) == 3
            await senders.until(lambda: len(receiver.events) == 6)

            assert receiver.sequences[3:] == receiver.sequences[:3]
            assert [h.get("Webhook-Replay") for h in receiver.server.headers] == [None] * 3 + ["1"] * 3
            assert len({event["id"] for event in receiver.events}) == 3
            one = await senders.run(lambda: WebhookDelivery.objects.earliest("position"))
            await senders.run(endpoints.retry, one)
            await senders.until(lambda: len(receiver.events) == 7)
            assert receiver.sequences[6] == ("CP-1", 1)


async def test_requests_of_several_stations_go_together_and_those_of_one_do_not() -> None:
    together: list[int] = []
    running = {"now": 0}

    def answer(event: dict[str, Any]) -> Answer:
        import time

        running["now"] += 1
        together.append(running["now"])
        time.sleep(0.05)  # a receiver that needs its time
        running["now"] -= 1
        return OK

    with receiving(answer) as receiver:
        async with sending() as senders:
            await senders.run(endpoint, receiver.url)
            await senders.run(emit, "CP-1", 4)
            await senders.until(lambda: len(receiver.events) == 4)
            assert max(together) == 1
            for number in range(8):
                await senders.run(emit, f"CP-{number}")
            await senders.until(lambda: len(receiver.events) == 12)
            assert max(together) > 2


async def test_nothing_is_sent_to_an_address_that_is_no_longer_allowed(settings) -> None:
    with receiving() as receiver:
        async with sending() as senders:
            row = await senders.run(endpoint, receiver.url)
            settings.OUTBOUND_PRIVATE_NETWORKS = ()
            await senders.run(emit)

            async def refused() -> bool:
                await senders.run(row.refresh_from_db)
                return "private network" in row.last_error

            for _ in range(200):
                await senders.until(lambda: True)
                senders._refreshed_at = 0.0
                await senders.cycle()
                if await refused():
                    break
                await asyncio.sleep(0.01)
            assert "private network" in row.last_error
            assert receiver.events == []


def test_the_columns_of_a_webhook_hold_no_secret_in_plain_text() -> None:
    row = endpoint("http://127.0.0.1:9999/hook", headers={"Authorization": "Bearer hush"})

    stored = " ".join(str(value) for value in WebhookEndpoint.objects.values().get(pk=row.pk).values())
    assert row.plain_secret.removeprefix("whsec_") not in stored
    assert "hush" not in stored
    assert endpoints.header_names(row) == ["Authorization"]
