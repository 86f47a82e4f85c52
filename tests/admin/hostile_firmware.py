"""Files, downloads and updates of firmware with the text of `tests.admin.hostile`."""

from __future__ import annotations

from typing import Any

from chargepoints.models import (
    Campaign,
    ChargePoint,
    Command,
    FirmwareDownload,
    FirmwareDownloadRequest,
    FirmwareFile,
    FirmwareUpdate,
    PublishedFirmware,
)
from tests.admin.rows import NOON


def files(station: ChargePoint, campaign: Campaign, bad: str) -> tuple[FirmwareFile, FirmwareDownload]:
    """A file and its download, with the text `bad` in every text column."""
    firmware = FirmwareFile.objects.create(
        name=bad[:100],
        vendor=bad,
        model=bad,
        version=bad,
        file_name=bad[:100],
        stored_as="0-0123456789abcdef",
        size=1,
        sha256=bad[:64],
        md5=bad[:32],
        signature=bad,
        signing_certificate=bad,
        uploaded_by=bad[:150],
    )
    FirmwareFile.objects.create(name=bad[:100], version=bad, url=bad)
    download = FirmwareDownload.objects.create(
        firmware=firmware,
        charge_point=station,
        campaign=campaign,
        client_address=bad[:64],
        expires_at=NOON,
    )
    FirmwareDownloadRequest.objects.create(
        download=download, method=bad[:8], status=200, client_address=bad[:64], began_at=NOON
    )
    return firmware, download


def rows(station: ChargePoint, command: Command, firmware: FirmwareFile, bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    return [
        FirmwareUpdate.objects.create(
            charge_point=station,
            command=command,
            action=bad[:64],
            location=bad,
            version=bad,
            previous_version=bad,
            booted_version=bad,
            actor=bad[:150],
            state="failed",
            status=bad[:64],
            answer=bad[:64],
            fault=bad,
            retrieve_at=NOON,
            created_at=NOON,
            updated_at=NOON,
        ),
        PublishedFirmware.objects.create(
            id=bad[:36],
            charge_point=station,
            firmware=firmware,
            number=1,
            location=bad,
            checksum=bad[:32],
            status=bad[:64],
            reason=bad,
            locations=[bad],
            actor=bad[:150],
            created_at=NOON,
        ),
    ]
