"""Jobs of events: numbering, presence, retention, webhooks."""

from __future__ import annotations

import asyncio
from typing import Final

from django.conf import settings

from events.services import numbering, presence, retention, waking
from events.services.webhooks import retention as webhook_retention
from events.services.webhooks import running
from ocpp_server.observability import measures
from ocpp_server.process.scheduler import SWEEP, Job, Step
from ocpp_server.storage.journal import journal
from ocpp_server.transport.messages import EventsNumbered
from ocpp_server.transport.switchboard import switchboard

# On a busy server a consumer waits for this at most; fewer runs cost less for each event.
PAUSE_S: Final = 0.25
# Where MQTT_URL names a broker. Also in processes that are not elected: they stop publishing.
PUBLISH_MQTT: Final = Job(
    "publish_mqtt", every=2.0, everywhere=True, at_end=True, when=lambda: bool(settings.MQTT_URL)
)


def _part_of_the_wait() -> float:
    return min(5.0, max(0.5, float(settings.EVENT_OFFLINE_AFTER) / 6))


WATCH_PRESENCE: Final = Job("watch_presence", every=_part_of_the_wait)
# In every process: one that is no longer elected has to forget what it knows.
FORGET_PRESENCE: Final = Job("forget_presence", every=1.0, everywhere=True)


async def number() -> None:
    """Number all events that are committed. The pause lets wake-ups gather: at most four runs a second."""
    await switchboard.subscribe_to_events(waking.NUMBER_EVENTS.wake)
    while counts := await journal.run(numbering.number_some):
        running.SEND_WEBHOOKS.wake()
        for type, times in counts.items():
            measures.events.add(type, times=times)
        await switchboard.announce_events(EventsNumbered)
        if counts.total() < numbering.BATCH:
            break
    await asyncio.sleep(PAUSE_S)


async def publish_mqtt() -> None:
    # Imported here: only a server with a broker needs the client.
    from events.services.mqtt import publisher

    await publisher.run_if_elected()


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (waking.NUMBER_EVENTS, number),
    (WATCH_PRESENCE, presence.watch),
    (FORGET_PRESENCE, presence.forget_if_not_elected),
    (PUBLISH_MQTT, publish_mqtt),
    (SWEEP, retention.delete_old),
    (SWEEP, webhook_retention.delete_old),
    (running.SEND_WEBHOOKS, running.send),
    (running.STOP_WEBHOOKS, running.stop_if_not_elected),
)
