"""Offers: the address from which one station downloads a firmware file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from chargepoints.models import Campaign, ChargePoint, FirmwareDownload, FirmwareFile
from chargepoints.services.diagnostics.addresses import base_address, digest, new_secrets
from chargepoints.services.firmware import files
from chargepoints.services.follow_ups import personal
from ocpp_server.domain import Conflict
from ocpp_server.protocol.secrets import FIRMWARE

_PATH: Final = re.compile(rf"{re.escape(FIRMWARE)}([0-9]{{1,18}})/([A-Za-z0-9_-]{{20,100}})/[^/]*")


class NotOffered(Conflict):
    """The file must not be offered, or can't be. `sentence` is the reason."""


class Target(NamedTuple):
    """The parts of the path of a download that name it. The file name after them is for stations alone."""

    number: int
    key: str


def offer(
    *,
    firmware: FirmwareFile,
    charge_point: ChargePoint,
    expires_at: datetime,
    campaign: Campaign | None = None,
) -> str:
    """The secret address of a hosted file, for this station and until then; or the file's external address.

    Uses the database. The secret is in the returned text alone: only its digest is stored. Raises NotOffered,
    and Conflict if the server does not know at which address stations reach it.
    """
    check(firmware, now=datetime.now(UTC))
    if not firmware.is_hosted:
        return external_address(firmware)
    base = base_address()
    key = new_secrets(with_login=False).key
    download = FirmwareDownload.objects.create(
        firmware=firmware,
        charge_point=charge_point,
        campaign=campaign,
        key_hash=digest(key),
        expires_at=expires_at,
    )
    return f"{base}{FIRMWARE}{download.pk}/{key}/{firmware.file_name}"


def check(firmware: FirmwareFile, *, now: datetime) -> None:
    """Raises NotOffered unless the file was checked, is still there, and its certificate is still valid."""
    if firmware.is_signed and not firmware.verified:
        raise NotOffered(f"The signature of {firmware} was not verified.")
    expires_at = firmware.certificate_expires_at
    if firmware.is_signed and expires_at is not None and expires_at <= now:
        raise NotOffered(f"The signing certificate of {firmware} has expired on {expires_at:%Y-%m-%d}.")
    if not FirmwareFile.objects.filter(pk=firmware.pk).exists():
        raise NotOffered(f"{firmware} was deleted.")
    if firmware.is_hosted and files.is_missing(firmware.stored_as):
        raise NotOffered(f"The file of {firmware} is not in FIRMWARE_DIR.")


def external_address(firmware: FirmwareFile) -> str:
    """The external address with its login. Raises NotOffered if that can't be decrypted any more."""
    if not firmware.sealed_url:
        return firmware.url
    url = personal.unseal(firmware.sealed_url)
    if url is None:
        raise NotOffered(
            f"The address of {firmware} was encrypted with another SECRET_KEY. Add the firmware again."
        )
    return url


def target(path: str) -> Target | None:
    """The parts of the path of a download; None for a path that no download has."""
    found = _PATH.fullmatch(path)
    return None if found is None else Target(int(found[1]), found[2])
