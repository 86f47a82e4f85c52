"""Firmware files: what is checked when one is added, and the files in FIRMWARE_DIR."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple

from django.db import transaction
from django.db.models import Sum

from chargepoints.models import FirmwareFile
from chargepoints.services.firmware import signing, usage
from chargepoints.services.follow_ups import personal
from ocpp_server.bounds.folders import Folder, Kept, NoRoom, TooLarge
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.given_addresses import check_address
from ocpp_server.manufacturer_roots import manufacturer_roots
from ocpp_server.observability import addresses

HOSTED: Final = Folder(
    path="FIRMWARE_DIR",
    max_file="FIRMWARE_MAX_FILE",
    quota="FIRMWARE_QUOTA",
    owner="The firmware files",
    has_md5=True,
)
MOST_NAME: Final = 100
_MOST_LISTED: Final = 500
_WRITTEN_AT_ONCE: Final = 256 * 1024
_MOST_NAMES: Final = 500
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._+-]+")


class Facts(NamedTuple):
    """The description of a firmware that comes with its file. Empty texts are not given."""

    name: str
    version: str
    vendor: str = ""
    model: str = ""
    sha256: str = ""
    signature: str = ""
    signing_certificate: str = ""


class _Location(NamedTuple):
    """Where stations find the file: a stored file, or an address elsewhere."""

    sha256: str
    url: str = ""
    file_name: str = ""
    stored_as: str = ""
    size: int | None = None
    md5: str = ""


def newest() -> list[tuple[int, str]]:
    """The number and the words of each of the newest firmware files, to choose one."""
    return [(one.pk, f"{one.pk} · {one}") for one in FirmwareFile.objects.order_by("-pk")[:_MOST_LISTED]]


def add_hosted(facts: Facts, *, file: BinaryIO, size: int, file_name: str, actor: str) -> FirmwareFile:
    """Store a file of `size` bytes that stations will download here. Blocks until it is copied and checked.

    Raises Invalid with the field, and Conflict for a full quota or disk; then nothing is stored.
    """
    given = signing.checked_sha256(facts.sha256)
    _check_names(facts)
    kept, md5 = _stored(file, size)
    is_added = False
    try:
        if not kept.size:
            raise Invalid("The file is empty.", field="file")
        if given and given != kept.sha256:
            raise Invalid(f"The file has another SHA-256: {kept.sha256}.", field="sha256")
        where = _Location(
            kept.sha256, file_name=shown_name(file_name), stored_as=kept.name, size=kept.size, md5=md5
        )
        added = _add(facts, where, actor=actor)
        is_added = True
    finally:
        if not is_added:
            HOSTED.delete([kept.name])
    return added


def add_external(facts: Facts, *, url: str, actor: str) -> FirmwareFile:
    """Note a file at another address. The server never reads it: a signature is checked by the SHA-256.

    Raises Invalid with the field.
    """
    _check_names(facts)
    check_address(url, "url")
    return _add(facts, _Location(signing.checked_sha256(facts.sha256), url=url), actor=actor)


def _add(facts: Facts, where: _Location, *, actor: str) -> FirmwareFile:
    signed = None
    if facts.signature.strip() or facts.signing_certificate.strip():
        signed = signing.check(
            signature=facts.signature,
            certificate=facts.signing_certificate,
            sha256=where.sha256,
            now=datetime.now(UTC),
            roots=manufacturer_roots.app.certificates(),
        )
    shown = addresses.masked(where.url)
    return FirmwareFile.objects.create(
        name=facts.name.strip(),
        vendor=facts.vendor.strip(),
        model=facts.model.strip(),
        version=facts.version.strip(),
        file_name=where.file_name,
        size=where.size,
        sha256=where.sha256,
        md5=where.md5,
        stored_as=where.stored_as,
        url=shown,
        sealed_url=personal.seal(where.url) if shown != where.url else "",
        signature=signed.signature if signed else "",
        signing_certificate=signed.certificate if signed else "",
        certificate_expires_at=signed.expires_at if signed else None,
        verified=signed is not None,
        uploaded_by=actor[:150],
    )


def _check_names(facts: Facts) -> None:
    for field, text in (("name", facts.name), ("version", facts.version)):
        if not text.strip():
            raise Invalid("Must not be empty.", field=field)


def _stored(file: BinaryIO, size: int) -> tuple[Kept, str]:
    """The content of an upload as a file in FIRMWARE_DIR, and its MD5. Raises Invalid, Conflict, OSError."""
    try:
        draft = HOSTED.draft(0, stored_bytes=stored_bytes)
        try:
            draft.require(size)
            while part := file.read(_WRITTEN_AT_ONCE):
                draft.write(part)
            return draft.keep(), draft.md5
        except BaseException:
            draft.discard()
            raise
    except TooLarge as error:
        raise Invalid(str(error), field="file") from None
    except NoRoom as error:
        raise Conflict(f"{error} Delete a firmware file first.", field="file") from None


def shown_name(name: str) -> str:
    """The last part of a file name in the characters that any station reads in an address."""
    last = re.split(r"[/\\]", name)[-1]
    return _NOT_IN_NAMES.sub("-", last).strip("-.")[-MOST_NAME:] or "firmware.bin"


def is_missing(name: str) -> bool:
    """Whether a stored file is gone. A process without the folder can't know it, and says False."""
    return HOSTED.path.is_dir() and not HOSTED.is_here(name)


def stored_bytes() -> int:
    """The size of all hosted files."""
    return FirmwareFile.objects.exclude(stored_as="").aggregate(total=Sum("size"))["total"] or 0


def known(names: Collection[str]) -> set[str]:
    """The names of these files that have a row."""
    found: set[str] = set()
    wanted = list(names)
    for first in range(0, len(wanted), _MOST_NAMES):
        some = FirmwareFile.objects.filter(stored_as__in=wanted[first : first + _MOST_NAMES])
        found.update(some.values_list("stored_as", flat=True))
    return found


def delete(firmware: FirmwareFile) -> None:
    """Delete a firmware with its file and the log of its downloads. Raises Conflict while it is used."""
    reason = usage.reason(firmware)
    if reason:
        raise Conflict(reason)
    name = firmware.stored_as
    with transaction.atomic():
        firmware.delete()
        if name:
            transaction.on_commit(lambda: HOSTED.delete([name]), robust=True)
