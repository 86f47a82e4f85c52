"""Jobs of stations and commands, which run without a message."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import F

from chargepoints.models import (
    ChargePoint,
    Command,
    DeviceEvent,
    FirmwareDownload,
    RefusedConnection,
    ReportAssembly,
    SecurityEvent,
)
from chargepoints.services import clocks, commands, deviations
from chargepoints.services.battery_swap import swaps
from chargepoints.services.campaigns import driving, stepping
from chargepoints.services.campaigns import keeping as old_campaigns
from chargepoints.services.diagnostics import log_uploads
from chargepoints.services.diagnostics.files import LOGS
from chargepoints.services.display import requests as display_messages
from chargepoints.services.firmware import files as firmware_files
from chargepoints.services.firmware import publishing, updates
from chargepoints.services.firmware.files import HOSTED
from chargepoints.services.follow_ups import gathering, keeping
from chargepoints.services.provisioning import restarted, security_profiles
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.process.scheduler import EXPIRE, MIRROR, SWEEP, TRIM, Job, Step, in_journal
from ocpp_server.storage import retention
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport.switchboard import switchboard

REFUSED_CONNECTIONS_KEPT = timedelta(days=30)
# The process with the socket ends commands. After its death they end this long after their deadline.
COMMAND_GRACE = timedelta(seconds=60)
# Send what the campaigns have to send, and store the results of their stations.
DRIVE_CAMPAIGNS: Final = Job("drive_campaigns", every=2.0)


async def mirror_stations() -> None:
    """Write last-seen times, clock offsets and deviation counts of the connected stations."""
    unit = Unit()
    now = datetime.now(UTC)
    for connection in switchboard.served():
        station = connection.station
        if station.last_seen_at != station.mirrored_at:
            station.mirrored_at = station.last_seen_at
            unit.update(
                CHARGE_POINTS,
                station.pk,
                last_seen_at=station.last_seen_at,
                clock_skew_s=station.clock_skew_s,
            )
            clocks.watch(station, unit)
    if unit:
        await journal.commit(unit)
    # Taken after the commit: counts that wait for it would be lost with it, or be stored after the departure.
    counted = _take_deviations()
    if counted:
        await journal.run(deviations.store, counted, now)


def _take_deviations() -> list[tuple[int, deviations.Counts]]:
    counted = []
    for connection in switchboard.served():
        station = connection.station
        if station.deviations:
            counted.append((station.pk, station.deviations))
            station.deviations = {}
    return counted


def end_overdue_commands() -> None:
    """End commands that are long past their deadline."""
    now = datetime.now(UTC)
    overdue = Command.objects.unfinished().filter(deadline_at__lt=now - COMMAND_GRACE)
    commands.end_all(overdue, state=Command.State.TIMEOUT, finished_at=now)


def delete_old_refusals() -> None:
    """Delete refused connections after REFUSED_CONNECTIONS_KEPT."""
    RefusedConnection.objects.filter(at__lt=datetime.now(UTC) - REFUSED_CONNECTIONS_KEPT).delete()


async def delete_old_campaigns() -> None:
    """Delete ended campaigns that are no longer kept, each in a step of its own: one may have many rows."""
    for pk in await journal.run(old_campaigns.expired, datetime.now(UTC)):
        await journal.run(old_campaigns.delete, pk)


def trim_events() -> None:
    """Keep the newest events and downloads of each station (S11)."""
    for model in (DeviceEvent, FirmwareDownload, ReportAssembly, SecurityEvent):
        retention.keep_newest(model)
    keeping.trim()


def find_reports_of_the_day() -> None:
    """Compute the reports whose parts were stored by a process that died, also after a long outage."""
    gathering.find_missed(gathering.MISSED_IN_A_DAY)


async def delete_unknown_files() -> None:
    """Delete the files of logs and firmware whose rows were deleted, in every process that may have them."""
    for folder, with_row in ((LOGS, log_uploads.known), (HOSTED, firmware_files.known)):
        names = await asyncio.to_thread(folder.aged)
        if names:
            known = await journal.run(with_row, names)
            await asyncio.to_thread(folder.delete, set(names) - known)
        await asyncio.to_thread(folder.delete_drafts)


def recover() -> None:
    """Mark the stations as offline, end the open commands and take back the claims of campaigns that a killed
    process left.
    """
    now = datetime.now(UTC)
    ChargePoint.objects.online().update(
        is_online=False, disconnected_at=now, connection_id="", close_code=None
    )
    commands.end_all(
        Command.objects.unfinished(),
        state=Command.State.DISCONNECTED,
        finished_at=F("deadline_at"),
        error_description="The server was restarted.",
    )
    stepping.take_back_all(now)


# Every process may have a folder of its own.
SWEEP_FILES: Final = Job("log_files", every=3600.0, everywhere=True)

JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (MIRROR, mirror_stations),
    (DRIVE_CAMPAIGNS, driving.drive),
    (EXPIRE, in_journal(end_overdue_commands)),
    (EXPIRE, in_journal(gathering.end_overdue)),
    (EXPIRE, in_journal(restarted.settle_overdue)),
    (EXPIRE, in_journal(security_profiles.settle)),
    (EXPIRE, in_journal(log_uploads.settle)),
    (EXPIRE, in_journal(updates.settle)),
    (EXPIRE, in_journal(display_messages.settle_waiting)),
    (EXPIRE, in_journal(display_messages.end_expired)),
    (EXPIRE, in_journal(swaps.settle_waiting)),
    (EXPIRE, in_journal(publishing.settle_waiting)),
    (EXPIRE, in_journal(swaps.end_overdue)),
    (SWEEP, in_journal(delete_old_refusals)),
    (SWEEP, in_journal(log_uploads.delete_old)),
    (SWEEP, in_journal(display_messages.delete_ended)),
    (SWEEP, in_journal(swaps.delete_old)),
    (SWEEP, in_journal(publishing.delete_ended)),
    (SWEEP, delete_old_campaigns),
    (SWEEP, in_journal(gathering.find_missed)),
    (SWEEP, in_journal(keeping.delete_personal)),
    (TRIM, in_journal(trim_events)),
    (TRIM, in_journal(find_reports_of_the_day)),
    (SWEEP_FILES, delete_unknown_files),
)
