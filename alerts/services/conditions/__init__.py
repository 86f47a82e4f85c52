"""The condition of each code that is a state: one indexed query over all stations, or a look at the server.

A condition holds no lock and waits for none for long; the connection of the evaluator has limits for both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alerts.services.codes import CODES, attempts, server, sessions, stations
from alerts.services.codes import channels as channel_codes
from alerts.services.codes import desired as desired_codes
from alerts.services.codes.declaration import Kind
from alerts.services.conditions import (
    channels,
    charging,
    connectors,
    desired,
    firmware,
    installation,
    presence,
    repeating,
    silence,
    starts,
    tokens,
)
from alerts.services.findings import Found
from alerts.services.look import Look

Condition = Callable[[Look], Found]

# In this order: a cause before what it explains.
CONDITIONS: Final[dict[str, Condition]] = {
    stations.FLEET_OFFLINE.name: presence.fleet_offline,
    stations.SITE_OFFLINE.name: presence.site_offline,
    stations.FLAPPING.name: repeating.flapping,
    stations.OFFLINE.name: presence.offline,
    stations.NEVER_CONNECTED.name: presence.never_connected,
    stations.FAULTED.name: connectors.faulted,
    stations.UNAVAILABLE.name: connectors.unavailable,
    stations.STUCK.name: connectors.stuck,
    stations.CLOCK.name: connectors.clock,
    stations.SILENT.name: silence.silent,
    stations.BOOT_LOOP.name: repeating.boot_loop,
    stations.REFUSED.name: repeating.refused,
    sessions.LONG.name: charging.long,
    sessions.NO_ENERGY.name: charging.without_energy,
    sessions.SUSPECT.name: charging.suspect,
    sessions.UNAUTHORIZED.name: charging.unauthorized,
    sessions.QUARANTINE.name: charging.quarantine,
    sessions.CAMPAIGN.name: charging.campaigns,
    attempts.START_FAILED.name: starts.failed,
    attempts.TOKEN_GUESSING.name: tokens.guessed,
    attempts.FIRMWARE.name: firmware.failed,
    desired_codes.CONFIGURATION.name: desired.configuration,
    desired_codes.LOCAL_LIST.name: desired.local_lists,
    desired_codes.PROFILE.name: desired.profiles,
    desired_codes.COMMANDS.name: desired.commands,
    channel_codes.LOGINS.name: channels.failed_logins,
    channel_codes.WEBHOOK.name: channels.webhooks,
    channel_codes.MAIL.name: channels.mails,
    server.CERTIFICATE.name: installation.certificates,
    server.DISK.name: installation.disk,
    server.QUEUE.name: installation.queue,
    server.DEAD_LETTERS.name: installation.dead_letters,
    server.EVENTS.name: installation.events_late,
}

_states = {name for name, code in CODES.items() if code.kind == Kind.STATE}
assert CONDITIONS.keys() == _states, CONDITIONS.keys() ^ _states
