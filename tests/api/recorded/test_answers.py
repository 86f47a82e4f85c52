"""Plays the scenario against a running server and compares each answer with the recording."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.api.recorded import recording, seed
from tests.api.recorded.playing import Player
from tests.api.recorded.scenario import (
    accounts,
    added,
    aggregates,
    alert_recipients,
    alerts,
    campaigns,
    charging,
    commands,
    device_models,
    displays,
    evidence,
    firmware,
    installed,
    keys,
    kit,
    lists,
    monitoring,
    privacy,
    revocations,
    sandbox,
    security_profiles,
    sessions,
    signing,
    stations,
    tariffs,
    webhooks,
)
from tests.servers import LiveServer

SCENARIO = (
    accounts,
    stations,
    sessions,
    kit,
    commands,
    added,
    campaigns,
    firmware,
    monitoring,
    tariffs,
    displays,
    device_models,
    charging,
    security_profiles,
    installed,
    revocations,
    signing,
    aggregates,
    lists,
    webhooks,
    keys,
    alert_recipients,
    alerts,
    sandbox,
    evidence,
    privacy,
)

# The settings that the scenario needs.
ENVIRONMENT = {
    # No mail server: a test of a recipient is queued, and fails later.
    "EMAIL_URL": "smtp+plain://localhost:1",
    "EMAIL_FROM": "csms@example.com",
    "HTTP_MAX_BODY": "64KiB",
    "OCPP_ABANDON_AFTER": "1000000h",
    "SANDBOX_STATIONS": "2",
    "OCPP_WEB_PAYMENTS": "docs.examples.web_payments.open_payment",
}


@pytest.fixture
def server(
    tmp_path: Path, migrated_database: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[LiveServer]:
    """A server of its own: the ids of its rows and the order of its lists are part of the recording."""
    running = LiveServer(tmp_path / "recorded", template=migrated_database, **ENVIRONMENT)
    # Without credentials: the ids of the rows that are made first are part of the recording.
    shutil.copy(migrated_database, running.database)
    with django_db_blocker.unblock():
        seed.plant(running.database)
    yield running.start()
    assert running.stop() == 0


async def test_every_answer_is_the_recorded_one(server: LiveServer) -> None:
    player = Player(server)

    for part in SCENARIO:
        await part.play(player)

    recording.check("answers", player.exchanges)
