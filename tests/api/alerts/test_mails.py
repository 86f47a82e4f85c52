"""From a running server to a real mail server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import mail_servers
from tests.conformance.messages import status
from tests.conformance.peer import V16, station
from tests.mail_servers import MailServer
from tests.servers import LiveServer

RECIPIENTS, NOTICES = "/api/v1/alert-recipients", "/api/v1/alert-notices"


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with mail_servers.serving() as server:
        yield server


@pytest.fixture(scope="module")
def live(
    tmp_path_factory: pytest.TempPathFactory, migrated_database: Path, mails: MailServer
) -> Iterator[LiveServer]:
    server = LiveServer(
        tmp_path_factory.mktemp("mails"),
        template=migrated_database,
        EMAIL_URL=f"smtp+plain://localhost:{mails.port}",
        EMAIL_FROM="CSMS <csms@example.com>",
        PUBLIC_URL="",
        ALERT_GROUP_WAIT="300ms",
        ALERT_INTERVAL="200ms",
        ALERT_WARMUP="0s",
    )
    yield server.start()
    assert server.stop() == 0


def ask(server: LiveServer, method: str, path: str, body: Any = None) -> Any:
    status, answer = server.request(method, path, body)
    assert status < 400, answer
    return answer["data"]


async def test_a_test_of_a_recipient_arrives_and_its_notice_is_sent(
    live: LiveServer, mails: MailServer
) -> None:
    body = {"name": "Ann", "address": "ann@example.com", "quietHours": [{"from": "00:00", "to": "23:59"}]}
    ann = await asyncio.to_thread(ask, live, "POST", RECIPIENTS, body)
    await asyncio.to_thread(ask, live, "POST", f"{RECIPIENTS}/{ann['id']}/test", {})

    (mail,) = await asyncio.to_thread(mails.wait, 1, seconds=30)

    assert (mail["To"], mail["Subject"]) == ("ann@example.com", "Test of alert notices")
    deadline = time.monotonic() + 30
    while True:
        notices = await asyncio.to_thread(ask, live, "GET", f"{NOTICES}?recipientId={ann['id']}")
        (notice,) = notices["alertNotices"]
        if notice["state"] == "sent" or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.05)  # poll: the other process stores the answer after the mail
    assert (notice["state"], notice["kind"], notice["attempts"]) == ("sent", "test", 1)


async def test_a_station_that_goes_offline_and_returns_leads_to_two_mails_of_one_thread(
    live: LiveServer, mails: MailServer
) -> None:
    body = {"name": "Bob", "address": "bob@example.com", "codes": ["offline"]}
    bob = await asyncio.to_thread(ask, live, "POST", RECIPIENTS, body)
    (rule,) = (await asyncio.to_thread(ask, live, "GET", "/api/v1/alert-rules?code=offline"))["alertRules"]
    await asyncio.to_thread(
        ask, live, "PATCH", f"/api/v1/alert-rules/{rule['id']}", {"forS": 0, "keepForS": 0}
    )
    before = len(mails.mails)

    async with station(live, V16) as peer:
        await peer.call("StatusNotification", status(1, "Available"))
    opened = (await asyncio.to_thread(mails.wait, before + 1, seconds=60))[-1]
    async with station(live, V16, identity=peer.identity):
        resolved = (await asyncio.to_thread(mails.wait, before + 2, seconds=60))[-1]

    assert opened["To"] == resolved["To"] == "bob@example.com"
    assert opened["Subject"].startswith(f"Warning: {peer.identity} ")
    assert "To do: Check its power and its network." in opened.get_body(("plain",)).get_content()
    assert resolved["Subject"] == opened["Subject"].replace("Warning: ", "Resolved: ")
    assert resolved["In-Reply-To"] == opened["Message-ID"]
    notices = await asyncio.to_thread(ask, live, "GET", f"{NOTICES}?recipientId={bob['id']}&state=sent")
    assert [notice["kind"] for notice in notices["alertNotices"]] == ["resolved", "opened"]
