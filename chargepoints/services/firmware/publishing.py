"""Firmware that local controllers publish for the stations behind them (2.x L03, L04)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings

from chargepoints.models import ChargePoint, FirmwareFile, PublishedFirmware
from chargepoints.services import asking
from chargepoints.services.firmware import offers
from chargepoints.tables import PUBLISHED_FIRMWARE
from ocpp_server.domain import Invalid
from ocpp_server.given_addresses import check_address
from ocpp_server.live.station import Station
from ocpp_server.observability import addresses
from ocpp_server.storage.retention import DELETE_AT_ONCE

State = PublishedFirmware.State

# How long a request is kept after its end.
ENDED_KEPT: Final = timedelta(days=90)
_MD5: Final = 32
_MOST_LOCATIONS: Final = 20
_MOST_LOCATION: Final = 2000
# Notifications, with the state that follows. Idle answers a TriggerMessage.
_STATES: Final = {
    "DownloadScheduled": State.ACCEPTED,
    "Downloading": State.DOWNLOADING,
    "DownloadPaused": State.DOWNLOADING,
    "Downloaded": State.DOWNLOADED,
    "ChecksumVerified": State.VERIFIED,
    "Published": State.PUBLISHED,
}
_FAILURES: Final = {
    "DownloadFailed": "The controller could not download the file",
    "InvalidChecksum": "The file has another checksum",
    "PublishFailed": "The controller could not publish the file",
}
# A notification about one of these changes nothing any more.
_OVER: Final = (State.PUBLISHED, State.UNPUBLISHED, State.REJECTED)
# Answers after which the controller does not publish the file any more.
GONE: Final = ("Unpublished", "NoFirmware")


class Wish(NamedTuple):
    """A firmware to publish: a file of this server, or an address elsewhere; and its MD5."""

    firmware: FirmwareFile | None
    location: str
    checksum: str


def wish(*, firmware: int | None = None, location: str = "", checksum: str = "") -> Wish:
    """The checked fields of a request. Uses the database. Raises Invalid with the field, and NotOffered for a
    file that must not be offered.
    """
    if firmware is None:
        if not location:
            raise Invalid("Give the number of a firmware, or a location.", field="firmware")
        check_address(location, "location")
        return Wish(None, location, checked_md5(checksum))
    if location:
        raise Invalid("The file of firmware has its own. Leave this empty.", field="location")
    file = FirmwareFile.objects.filter(pk=firmware).first()
    if file is None:
        raise Invalid(f"There is no firmware {firmware}.", field="firmware")
    offers.check(file, now=datetime.now(UTC))
    return Wish(file, "", checked_md5(checksum or file.md5))


def checked_md5(text: str) -> str:
    """An MD5 in lower case. Raises Invalid."""
    digest = text.strip().lower()
    if len(digest) != _MD5 or not all(one in "0123456789abcdef" for one in digest):
        raise Invalid("Give the MD5 of the file: 32 hexadecimal digits.", field="checksum")
    return digest


def address(charge_point: ChargePoint, wanted: Wish) -> str:
    """The address at which the controller finds the file. Uses the database. Raises NotOffered."""
    if wanted.firmware is None:
        return wanted.location
    expires_at = datetime.now(UTC) + timedelta(seconds=settings.UPLOAD_EXPIRY)
    return offers.offer(firmware=wanted.firmware, charge_point=charge_point, expires_at=expires_at)


def create(charge_point: ChargePoint, wanted: Wish, number: int, *, command_id: str, actor: str) -> None:
    """The row of a request, before its command is sent with this id."""
    PublishedFirmware.objects.create(
        pk=command_id,
        charge_point=charge_point,
        firmware=wanted.firmware,
        number=number,
        location=addresses.masked(wanted.location)[:_MOST_LOCATION],
        checksum=wanted.checksum,
        actor=actor[:150],
        created_at=datetime.now(UTC),
    )


def settle(command_id: str) -> PublishedFirmware | None:
    """Give a request without an answer the state that follows from its command. Returns the row."""
    end = asking.unanswered(command_id)
    waiting = PublishedFirmware.objects.filter(pk=command_id, state=State.REQUESTED)
    if end is not None and end.is_refused:
        waiting.update(state=State.REJECTED, reason=end.reason, ended_at=datetime.now(UTC))
    elif end is not None:
        waiting.update(state=State.UNANSWERED)
    return PublishedFirmware.objects.filter(pk=command_id).first()


# -- answers and notifications -------------------------------------------------------------------------------


def answered(
    *, station: Station, command_id: str, request: dict[str, Any], is_accepted: bool, reason: str
) -> None:
    """The answer to PublishFirmware, also to one of the generic command, which gets its row here."""
    station.unit.insert(
        PUBLISHED_FIRMWARE,
        id=command_id,
        charge_point_id=station.pk,
        number=request["requestId"],
        location=addresses.masked(request["location"])[:_MOST_LOCATION],
        checksum=request["checksum"].lower()[:_MD5],
        actor=station.actor[:150],
        created_at=station.asked_at,
    )
    if is_accepted:
        station.unit.update(PUBLISHED_FIRMWARE, command_id, state=State.ACCEPTED.value)
    else:
        columns = {"state": State.REJECTED.value, "reason": reason, "ended_at": station.received_at}
        station.unit.set(PUBLISHED_FIRMWARE, command_id, columns)


def find(charge_point_pk: int, number: int | None) -> tuple[str, str] | None:
    """The key and the state of the newest request with this number, or of the newest one that goes on. Uses
    the database.
    """
    rows = PublishedFirmware.objects.filter(charge_point=charge_point_pk)
    rows = rows.filter(ended_at__isnull=True) if number is None else rows.filter(number=number)
    return rows.order_by("-created_at").values_list("pk", "state").first()


def reported(*, station: Station, known: tuple[str, str], status: str, locations: Collection[Any]) -> None:
    """A notification about a request."""
    pk, before = known
    if before in _OVER:
        return
    at = station.received_at
    if status in _FAILURES:
        columns = {"state": State.FAILED.value, "reason": f"{_FAILURES[status]} ({status}).", "ended_at": at}
    elif status in _STATES:
        # A failed download may begin again by itself, as often as `retries` says.
        columns = {"state": _STATES[status].value, "reason": "", "ended_at": None}
    else:
        return
    columns["status"] = status[:64]
    if status == "Published":
        shown = [str(one)[:_MOST_LOCATION] for one in list(locations)[:_MOST_LOCATIONS]]
        columns |= {"locations": shown, "published_at": at}
    station.unit.set(PUBLISHED_FIRMWARE, pk, columns)


def published(charge_point_pk: int, checksum: str) -> list[str]:
    """The keys of the requests for this file that have not ended. Uses the database."""
    rows = PublishedFirmware.objects.filter(charge_point=charge_point_pk, ended_at__isnull=True)
    return list(rows.filter(checksum=checksum.lower()).values_list("pk", flat=True))


def unpublish(*, station: Station, keys: Collection[str]) -> None:
    """The controller does not publish the file any more."""
    for pk in keys:
        station.unit.update(
            PUBLISHED_FIRMWARE, pk, state=State.UNPUBLISHED.value, ended_at=station.received_at
        )


# -- jobs ----------------------------------------------------------------------------------------------------


def settle_waiting() -> None:
    """Settle the requests whose commands have ended, or were never sent."""
    asking.settle_waiting(PublishedFirmware, settle)


def delete_ended() -> None:
    """Delete the requests that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = PublishedFirmware.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    PublishedFirmware.objects.filter(pk__in=oldest).delete()
