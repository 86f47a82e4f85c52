"""One attempt: the request of an event to a webhook, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from django.conf import settings

from events.services.envelopes import Content
from events.services.webhooks import bodies, schedule, signing
from events.services.webhooks.schedule import Meaning
from events.services.webhooks.store import Settings
from ocpp_server import __version__
from ocpp_server.observability.masking import masked_text
from ocpp_server.outbound.addresses import AddressRefused, Permission
from ocpp_server.outbound.http import RequestFailed
from ocpp_server.outbound.posting import Sender

_EXCERPT: Final = 1024


class Attempt(NamedTuple):
    """The result of one attempt. `status` is None without an answer."""

    meaning: Meaning
    status: int | None = None
    error: str = ""
    duration_ms: float = 0.0
    excerpt: str = ""
    retry_after_s: float = 0.0


def permission() -> Permission:
    """The addresses to which webhooks may be sent, by the settings."""
    own = {
        settings.HTTP_PORT,
        settings.ACCOUNTS_PORT,
        settings.METRICS_PORT,
        settings.TLS_CLIENT_PORT,
    }
    return Permission(
        networks=settings.OUTBOUND_PRIVATE_NETWORKS,
        own_ports=frozenset(port for port in own if port),
        is_http_allowed=settings.WEBHOOK_ALLOW_HTTP,
    )


async def send(
    sender: Sender,
    chosen: Settings,
    content: Content,
    sites: Mapping[int, str],
    *,
    is_replay: bool = False,
    limit_s: float | None = None,
) -> Attempt:
    """Send one event. Never raises for what the receiver does."""
    body = bodies.body(content, chosen.format, sites)
    now, started = datetime.now(UTC), time.perf_counter()
    headers = {
        **dict(chosen.headers),
        "Content-Type": bodies.content_type(chosen.format),
        "User-Agent": f"ocpp-server/{__version__}",
        "Idempotency-Key": content.id,
        "Webhook-Id": content.id,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": signing.signature(
            chosen.keys, id=content.id, timestamp=int(now.timestamp()), body=body
        ),
    }
    if is_replay:
        headers["Webhook-Replay"] = "1"
    try:
        answer = await sender.post(body, headers, limit_s=limit_s or chosen.timeout_s)
    except (AddressRefused, RequestFailed) as error:
        return Attempt(Meaning.TROUBLE, error=str(error), duration_ms=_since(started))
    meaning = schedule.meaning(answer.status)
    return Attempt(
        meaning,
        answer.status,
        "" if meaning is Meaning.DELIVERED else _sentence(answer.status),
        _since(started),
        "" if chosen.has_personal_data else _excerpt(answer.body),
        schedule.retry_after_s(answer.retry_after, now=now),
    )


def _excerpt(body: bytes) -> str:
    """The beginning of an answer. A receiver that gets whole tokens may repeat them, so it has none."""
    return masked_text(body.decode(errors="replace").replace("\0", "")[:_EXCERPT])


def _sentence(status: int) -> str:
    if 300 <= status < 400:
        return f"The receiver answered {status}: redirects are not followed."
    return f"The receiver answered {status}."


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
