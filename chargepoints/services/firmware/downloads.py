"""The rows of downloads: which address is valid, and what was sent to whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import F

from chargepoints.models import FirmwareDownload, FirmwareDownloadRequest
from chargepoints.services.diagnostics.addresses import matches
from chargepoints.services.firmware.ranges import Part, is_whole, merged

# So long after the whole file was sent its address works on: the end may not have arrived.
AGAIN: Final = timedelta(minutes=10)
# So many requests of a download are in the log; later ones are only counted.
MOST_REQUESTS: Final = 200


class Request(NamedTuple):
    """One request: its method and client, and the answer. `part` is what was asked for."""

    method: str
    status: int
    client: str
    part: Part | None = None


def find(number: int, key: str) -> FirmwareDownload | None:
    """The download with this address; None if there is none, its time is up, or it is complete."""
    rows = FirmwareDownload.objects.select_related("firmware", "charge_point")
    row = rows.filter(pk=number).first()
    if row is None or not matches(key, row.key_hash) or not row.firmware.is_hosted:
        return None
    now = datetime.now(UTC)
    is_used = row.completed_at is not None and row.completed_at + AGAIN < now
    return None if is_used or row.expires_at < now else row


def begin(pk: int, request: Request) -> int | None:
    """Note a request. Returns the number of its row in the log; None if the log is full or deleted."""
    now = datetime.now(UTC)
    with transaction.atomic():
        row = FirmwareDownload.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return None
        row.request_count += 1
        row.last_status, row.client_address, row.last_request_at = request.status, request.client[:64], now
        row.save(update_fields=["request_count", "last_status", "client_address", "last_request_at"])
        if row.request_count > MOST_REQUESTS:
            return None
        entry = FirmwareDownloadRequest.objects.create(
            download=row,
            method=request.method[:8],
            status=request.status,
            first_byte=request.part.first if request.part else None,
            last_byte=request.part.end - 1 if request.part else None,
            client_address=request.client[:64],
            began_at=now,
            finished_at=None if request.part else now,
        )
    return entry.pk


def note(pk: int, entry: int | None, *, sent: Part, size: int, is_over: bool) -> bool:
    """Note that these bytes of the file were sent. Returns whether the download is complete by them.

    `sent` continues where the last one of the same request ended. `is_over`: the request has ended.
    """
    now = datetime.now(UTC)
    with transaction.atomic():
        row = FirmwareDownload.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return False
        row.sent_parts = merged(row.sent_parts, sent)
        row.bytes_sent += sent.size
        completes = row.completed_at is None and is_whole(row.sent_parts, size=size)
        if completes:
            row.completed_at = now
        row.save(update_fields=["sent_parts", "bytes_sent", "completed_at"])
        if entry is not None:
            FirmwareDownloadRequest.objects.filter(pk=entry).update(
                bytes_sent=F("bytes_sent") + sent.size, finished_at=now if is_over else None
            )
    return completes
