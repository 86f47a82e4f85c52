"""The receiver in docs/examples stores each event once."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from events.services.envelopes import Content
from events.services.selecting import Selection
from events.services.webhooks import attempts, signing
from events.services.webhooks.store import Settings
from ocpp_server.outbound.posting import Sender
from tests.processes import launch
from tests.servers import free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def chosen(url: str, secret: str) -> Settings:
    return Settings(
        pk=1,
        url=url,
        format="standard",
        has_personal_data=False,
        is_in_order=True,
        timeout_s=15,
        filter=Selection(types=frozenset()),
        headers=(),
        keys=(signing.key_of(secret),),
        updated_at=datetime.now(UTC),
    )


def content(number: int) -> Content:
    return Content(
        f"evt_{number}", "token.blocked", 1, number, number, "CP-1", None, datetime.now(UTC), {"n": number}
    )


@contextmanager
def receiver(store: Path, port: int) -> Iterator[None]:
    words = ["docs.examples.receive_webhooks", str(store), str(port), SECRET]
    process = launch("module", *words, environment=os.environ)
    try:
        yield
    finally:
        process.kill()
        process.wait(60)


async def send(sender: Sender, secret: str, number: int) -> int | None:
    """Send an event; wait until the receiver listens."""
    deadline = time.monotonic() + 60
    while True:
        result = await attempts.send(sender, chosen("", secret), content(number), {})
        if result.status is not None:
            return result.status
        assert time.monotonic() < deadline, result.error
        await asyncio.sleep(0.05)  # poll: another process is starting


def stored(store: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(store) as connection:
        return connection.execute("SELECT id, sequence, body FROM events ORDER BY position").fetchall()


async def test_the_example_stores_each_event_once_also_after_a_kill(tmp_path: Path) -> None:
    store, port = tmp_path / "events.db", free_port()
    sender = Sender(f"http://127.0.0.1:{port}/hook", attempts.permission())
    for numbers in ((1, 2), (2, 3)):
        with receiver(store, port):
            for number in numbers:
                assert await send(sender, SECRET, number) == 204
            assert await send(sender, signing.new_secret(), 9) == 401

    rows = stored(store)
    assert [(uid, sequence) for uid, sequence, _ in rows] == [("evt_1", 1), ("evt_2", 2), ("evt_3", 3)]
    assert [json.loads(body)["data"] for *_, body in rows] == [{"n": 1}, {"n": 2}, {"n": 3}]
    sender.close()
