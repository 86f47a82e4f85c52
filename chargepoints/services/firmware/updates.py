"""The rows of firmware updates and their states (1.6 4.5 and security extension L01, 2.x L01 to L03)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from chargepoints.models import (
    Campaign,
    CampaignStation,
    ChargePoint,
    Command,
    FirmwareFile,
    FirmwareUpdate,
    FollowUp,
)
from chargepoints.models.firmware_update import OPEN
from chargepoints.services.firmware.progress import (
    IDLE,
    TAKEN,
    UNSUPPORTED,
    Boot,
    Evidence,
    Report,
    same_version,
    verdict,
)
from chargepoints.services.provisioning.restarted import TRIGGERED
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import firmware
from ocpp_server.observability import addresses

State = FirmwareUpdate.State

SIGNED: Final = "SignedUpdateFirmware"
PLAIN: Final = "UpdateFirmware"
NOTIFICATIONS: Final = ("FirmwareStatusNotification", "SignedFirmwareStatusNotification")
# A run of a job computes so many; a message concerns no more.
AT_ONCE: Final = 200
# The last notifications of an update that are read.
_REPORTS: Final = 200
# A boot may still prove an update that has failed or fallen silent no longer ago.
_PROVABLE: Final = timedelta(days=1)
_ANSWERED: Final = (Command.State.ACCEPTED, Command.State.REJECTED, Command.State.ERROR)
# Commands that the station has not taken.
_REFUSED: Final = (
    Command.State.REJECTED,
    Command.State.EMPTY,
    Command.State.ERROR,
    Command.State.INVALID,
)


def create(
    charge_point: ChargePoint,
    *,
    command_id: str,
    action: str,
    actor: str,
    version: str,
    is_signed: bool,
    retrieve_at: datetime,
    install_at: datetime | None,
    firmware: FirmwareFile | None = None,
    location: str = "",
) -> FirmwareUpdate:
    """A new update, before its command is sent with this id. `location` is an address that an operator gave:
    its login is not stored.
    """
    now = datetime.now(UTC)
    return FirmwareUpdate.objects.create(
        charge_point=charge_point,
        firmware=firmware,
        campaign=_campaign_of(charge_point, actor),
        command_id=command_id,
        action=action,
        location=addresses.masked(location)[:2000],
        is_signed=is_signed,
        version=version,
        previous_version=charge_point.firmware_version,
        actor=actor[:150],
        retrieve_at=retrieve_at,
        install_at=install_at,
        created_at=now,
        updated_at=now,
        stalls_at=max(now, retrieve_at) + _silence(),
    )


def _campaign_of(charge_point: ChargePoint, actor: str) -> Campaign | None:
    """The campaign that is sending to the station at this moment, by the actor of its commands."""
    claimed = CampaignStation.objects.filter(charge_point=charge_point, state=CampaignStation.State.CLAIMED)
    rows = claimed.select_related("campaign")
    return next((row.campaign for row in rows if row.campaign.sender == actor), None)


def discard(update: FirmwareUpdate) -> None:
    """Delete an update whose command was not sent."""
    FirmwareUpdate.objects.filter(pk=update.pk).delete()


def use_of(firmware: FirmwareFile) -> str:
    """A sentence with an update of this file that may still go on; empty if there is none."""
    rows = FirmwareUpdate.objects.filter(firmware=firmware, state__in=OPEN).select_related("charge_point")
    update = rows.first()
    return "" if update is None else f"Update {update.pk} of {update.charge_point.identity} is not finished."


def has_refused(charge_point: ChargePoint, action: str) -> bool:
    """Whether the station's present firmware has answered that it does not know this action."""
    rows = _of_station(charge_point.pk).filter(
        action=action, previous_version=charge_point.firmware_version, command__state__in=_ANSWERED
    )
    last = rows.order_by("-pk").values_list("command__error_code", flat=True).first()
    return last in UNSUPPORTED


# -- what has happened ---------------------------------------------------------------------------------------


def follow(charge_point_pk: int, number: int | None) -> None:
    """Compute the update that a notification is about: by its requestId, else the one that runs."""
    rows = _of_station(charge_point_pk)
    rows = rows.exclude(command__state__in=_REFUSED) if number is None else rows.filter(pk=number)
    pk = rows.order_by("-pk").values_list("pk", flat=True).first()
    if pk is not None:
        refresh(pk)


def booted(charge_point_pk: int, boot: Boot, reason: str) -> None:
    """Compare the version in a boot with those of the station's updates. `reason` is that of 2.x."""
    rows = _of_station(charge_point_pk).filter(created_at__lte=boot.at).order_by("-pk")
    newest = rows.first()
    if newest is None:
        return
    since = boot.at - _PROVABLE
    ended = Q(pk=newest.pk, state__in=(State.FAILED, State.SILENT), finished_at__gte=since)
    for row in rows.filter(Q(state__in=OPEN) | ended)[:AT_ONCE]:
        # A BootNotification that was only asked for is no boot, but it may show the new version.
        if reason == TRIGGERED and not same_version(boot.version, row.version):
            continue
        FirmwareUpdate.objects.filter(pk=row.pk).update(booted_at=boot.at, booted_version=boot.version)
        refresh(row.pk)


# -- the state -----------------------------------------------------------------------------------------------


def refresh(pk: int) -> None:
    """Compute the state of an update from its command, the notifications and the boots."""
    with transaction.atomic():
        row = FirmwareUpdate.objects.select_for_update().filter(pk=pk).first()
        if row is None or row.state == State.INSTALLED:
            return  # what the station does afterwards is no matter of this update
        _compute(row, datetime.now(UTC))
        command = _command(row)
    if command is not None and command.state == Command.State.ACCEPTED:
        before = _of_station(row.charge_point_id).filter(pk__lt=pk, state__in=OPEN)
        for older in list(before.values_list("pk", flat=True)[:AT_ONCE]):
            refresh(older)


def _compute(row: FirmwareUpdate, now: datetime) -> None:
    command = _command(row)
    row.answer = row.answer if command is None else (command.status or command.error_code)
    found = verdict(
        Evidence(
            sent_at=row.created_at,
            now=now,
            silence=_silence(),
            command=command.state if command else "",
            answer=row.answer,
            reports=_reports(row, command),
            wanted=row.version,
            previous=row.previous_version,
            boot=Boot(row.booted_version, row.booted_at) if row.booted_at else None,
            is_replaced=_is_replaced(row),
            retrieve_at=row.retrieve_at,
            install_at=row.install_at,
        )
    )
    has_changed = row.state != found.state
    row.state, row.status = found.state, found.status
    row.fault, row.stalls_at = found.fault[:500], found.stalls_at
    if row.is_open:
        row.finished_at = None
    elif has_changed:
        row.finished_at = now
        _announce(row)
    row.updated_at = now
    row.save(update_fields=["answer", "state", "status", "fault", "stalls_at", "finished_at", "updated_at"])


def _announce(row: FirmwareUpdate) -> None:
    identity, site = ChargePoint.objects.values_list("identity", "site_id").get(pk=row.charge_point_id)
    outbox.emit(
        firmware.UPDATE_FINISHED,
        station=identity,
        site=site,
        updateId=row.pk,
        campaignId=row.campaign_id,
        state=str(row.state),
        version=row.version,
        fault=row.fault,
    )


def _command(row: FirmwareUpdate) -> Command | None:
    """The command; None before it was sent, or if its process ended before that."""
    return Command.objects.filter(pk=row.command_id).first()


def _silence() -> timedelta:
    return timedelta(seconds=settings.FIRMWARE_SILENCE)


def _of_station(charge_point_pk: int) -> QuerySet[FirmwareUpdate]:
    return FirmwareUpdate.objects.filter(charge_point=charge_point_pk)


def _reports(row: FirmwareUpdate, command: Command | None) -> list[Report]:
    """The notifications about this update, the oldest first. Those of a plain 1.6 update have no number: they
    belong to the last update before them that the station has not refused.
    """
    is_refused = command is not None and command.state in _REFUSED
    later = _of_station(row.charge_point_id).filter(pk__gt=row.pk).exclude(command__state__in=_REFUSED)
    next_at = later.order_by("pk").values_list("created_at", flat=True).first()
    unnumbered = Q(request_id=None)
    if next_at is not None:
        unnumbered &= Q(received_at__lt=next_at)
    numbered = Q(request_id=row.pk)
    about = FollowUp.objects.filter(
        numbered if is_refused else numbered | unnumbered,
        charge_point=row.charge_point_id,
        action__in=NOTIFICATIONS,
        received_at__gte=row.created_at,
    ).exclude(status__in=("", IDLE))
    newest = about.order_by("-received_at", "-pk").values_list("status", "received_at")[:_REPORTS]
    return [Report(status, at) for status, at in reversed(newest)]


def _is_replaced(row: FirmwareUpdate) -> bool:
    """Whether the station has taken a newer update. A plain one of 1.6 is taken without a status."""
    later = _of_station(row.charge_point_id).filter(pk__gt=row.pk, command__state=Command.State.ACCEPTED)
    return later.filter(command__status__in=("", *TAKEN)).exists()


def settle() -> None:
    """Compute the states that have changed without a process that noticed it: the answer came late, the
    process died after a notification or a boot, or the station is silent.
    """
    newer = FollowUp.objects.filter(
        charge_point=OuterRef("charge_point"),
        action__in=NOTIFICATIONS,
        received_at__gt=OuterRef("updated_at"),
    )
    rows = FirmwareUpdate.objects.filter(stalls_at__isnull=False)
    changed = rows.filter(
        Q(stalls_at__lt=datetime.now(UTC))
        | Q(state=State.REQUESTED, command__finished_at__gte=F("updated_at"))
        | Exists(newer)
    )
    for pk in list(changed.order_by("updated_at").values_list("pk", flat=True)[:AT_ONCE]):
        refresh(pk)
    since = Coalesce("booted_at", "created_at")
    missed = rows.annotate(since=since).filter(charge_point__last_boot_at__gt=F("since"))
    for row in missed.select_related("charge_point").order_by("pk")[:AT_ONCE]:
        station = row.charge_point
        if station.boot_reason != TRIGGERED and station.last_boot_at is not None:
            booted(station.pk, Boot(station.firmware_version, station.last_boot_at), station.boot_reason)
