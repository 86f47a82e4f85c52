"""Adding, offering and deleting firmware files."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from chargepoints.models import Campaign, ChargePoint, FirmwareDownload, FirmwareFile
from chargepoints.services.firmware import downloads, files, offers, signing, usage
from chargepoints.services.firmware.files import Facts
from chargepoints.services.firmware.offers import NotOffered, offer
from chargepoints.services.firmware.ranges import Part
from ocpp_server.bounds.folders import Folder
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.given_addresses import MOST_CHARACTERS
from tests.unit.chargepoints.firmware.signed import CONTENT, NOW, certificate, ec_key, signature

pytestmark = pytest.mark.django_db

DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEY = ec_key()
LOGIN = "ftps://user:pass-of-mine@files.example.com/fw.bin?token=abc"


class Today(datetime):
    """The time at which the certificates of these tests are valid."""

    @classmethod
    def now(cls, tz: Any = None) -> Today:
        return cls.fromtimestamp(NOW.timestamp(), tz or UTC)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.FIRMWARE_DIR, settings.FIRMWARE_MAX_FILE = tmp_path / "firmware", 100_000
    settings.FIRMWARE_QUOTA, settings.UPLOAD_MIN_FREE = 200_000, 1
    settings.UPLOAD_URL = "https://csms.example.com"
    for module in (files, offers, downloads):
        monkeypatch.setattr(module, "datetime", Today)
    return Path(settings.FIRMWARE_DIR)


@pytest.fixture
def wallbox() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", identity_key="cp-1")


def facts(**more: str) -> Facts:
    return Facts(**{"name": " Wallbox ", "version": " 1.2 ", **more})


def signed(**more: str) -> Facts:
    return facts(signature=signature(KEY), signing_certificate=certificate(KEY), **more)


def hosted(given: Facts | None = None, content: bytes = CONTENT, name: str = "fw.bin") -> FirmwareFile:
    return files.add_hosted(
        given or facts(), file=io.BytesIO(content), size=len(content), file_name=name, actor="ann"
    )


def test_a_hosted_file_is_stored_with_its_sums_and_its_verified_signature(folder: Path) -> None:
    row = hosted(signed(sha256=DIGEST.upper(), vendor="V", model="M"))

    row.refresh_from_db()
    assert (row.name, row.version, row.vendor, row.model, row.uploaded_by) == (
        "Wallbox",
        "1.2",
        "V",
        "M",
        "ann",
    )
    assert (row.size, row.sha256) == (len(CONTENT), DIGEST)
    assert row.md5 == hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert (row.is_hosted, row.is_signed, row.verified) == (True, True, True)
    assert row.certificate_expires_at == NOW + timedelta(days=30)
    assert [path.name for path in folder.iterdir()] == [row.stored_as]
    assert row.stored_as.startswith("0-")
    assert (folder / row.stored_as).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (facts(name=" "), "name"),
        (facts(version=" "), "version"),
        (facts(sha256="x"), "sha256"),
        (facts(sha256="0" * 64), "sha256"),
        (facts(signature="AAAA"), "signingCertificate"),
        (facts(signing_certificate=certificate(KEY)), "signature"),
        (signed()._replace(signature=signature(KEY, b"other")), "signature"),
    ],
)
def test_a_file_that_fails_a_check_leaves_nothing(folder: Path, given: Facts, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        hosted(given)

    assert caught.value.field == field
    assert not FirmwareFile.objects.exists()
    assert not folder.exists() or list(folder.iterdir()) == []


def test_empty_large_and_too_many_files_are_refused(folder: Path) -> None:
    with pytest.raises(Invalid, match="empty") as empty:
        hosted(content=b"")
    assert empty.value.field == "file"
    with pytest.raises(Invalid, match="larger than 100,000 bytes"):
        hosted(content=b"x" * 100_001)
    for _ in range(2):
        hosted(content=b"x" * 100_000)
    with pytest.raises(Conflict, match="The firmware files have reached 200,000 bytes"):
        hosted(content=b"x")

    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fw-1.2.bin", "fw-1.2.bin"),
        ("../../etc/passwd", "passwd"),
        ("C:\\fw\\new file.bin", "new-file.bin"),
        ('a"b\r\nX: y.bin', "a-b-X-y.bin"),
        ("..", "firmware.bin"),
        ("", "firmware.bin"),
        ("ü.bin", "bin"),
        (".-X.fw.X-.", "X.fw.X"),
        ("x" * 150 + ".tar.gz", "x" * 93 + ".tar.gz"),
    ],
)
def test_the_name_in_an_address_has_plain_characters(name: str, shown: str) -> None:
    assert files.shown_name(name) == shown


def test_an_external_address_is_stored_masked_and_offered_whole(wallbox: ChargePoint) -> None:
    row = files.add_external(signed(sha256=DIGEST), url=LOGIN, actor="ann")

    row.refresh_from_db()
    assert row.url == "ftps://***@files.example.com/fw.bin?token=***"
    assert "pass-of-mine" not in row.sealed_url
    assert (row.verified, row.is_hosted, row.size) == (True, False, None)
    assert offer(firmware=row, charge_point=wallbox, expires_at=NOW) == LOGIN
    assert not FirmwareDownload.objects.exists()


def test_an_address_without_secrets_is_stored_as_it_is(wallbox: ChargePoint) -> None:
    row = files.add_external(facts(), url="sftp://files.example.com/fw.bin", actor="ann")

    assert (row.url, row.sealed_url, row.is_signed) == ("sftp://files.example.com/fw.bin", "", False)
    assert offer(firmware=row, charge_point=wallbox, expires_at=NOW) == row.url


def test_an_address_that_was_encrypted_with_another_key_is_not_offered(
    wallbox: ChargePoint, settings: Any
) -> None:
    row = files.add_external(facts(), url=LOGIN, actor="ann")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []

    with pytest.raises(NotOffered, match="another SECRET_KEY"):
        offer(firmware=row, charge_point=wallbox, expires_at=NOW)


@pytest.mark.parametrize(
    "url",
    [
        "", "fw.bin", "file:///etc/passwd", "gopher://x/y", "javascript:alert(1)", "https:///x",
        "https://x:0/", "https://x:99999/", "https://[x/", "https://x/ü", "https://x/a b", "https://x/\n",
        "https://x/" + "y" * 503,
    ],
)  # fmt: skip
def test_S17_an_address_that_no_station_could_use_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        files.add_external(facts(), url=url, actor="ann")

    assert caught.value.field == "url"


def test_a_signature_of_an_external_file_needs_its_sha256() -> None:
    with pytest.raises(Invalid) as caught:
        files.add_external(signed(), url="https://x/y", actor="ann")

    assert caught.value.field == "sha256"


def test_an_offer_is_an_address_whose_secret_is_not_stored(wallbox: ChargePoint) -> None:
    until = NOW + timedelta(hours=1)
    urls = [offer(firmware=hosted(), charge_point=wallbox, expires_at=until) for _ in range(2)]

    rows = list(FirmwareDownload.objects.order_by("pk"))
    for url, row in zip(urls, rows, strict=True):
        found = re.fullmatch(
            rf"https://csms\.example\.com(/firmware/{row.pk}/([A-Za-z0-9_-]{{32}})/fw\.bin)", url
        )
        assert found
        assert found[2] not in str(FirmwareDownload.objects.filter(pk=row.pk).values())
        target = offers.target(found[1])
        assert target == (row.pk, found[2])
        assert downloads.find(*target) == row
        assert downloads.find(row.pk, found[2] + "x") is None
    assert urls[0] != urls[1]
    assert [row.expires_at for row in rows] == [until, until]


def test_what_must_not_be_installed_is_not_offered(wallbox: ChargePoint, folder: Path) -> None:
    until = NOW + timedelta(hours=1)
    row = hosted(signed())
    FirmwareFile.objects.filter(pk=row.pk).update(verified=False)
    row.refresh_from_db()
    with pytest.raises(NotOffered, match="not verified"):
        offer(firmware=row, charge_point=wallbox, expires_at=until)

    row.verified, row.certificate_expires_at = True, NOW
    with pytest.raises(NotOffered, match="expired on 2026-05-04"):
        offer(firmware=row, charge_point=wallbox, expires_at=until)

    row.certificate_expires_at = NOW + timedelta(seconds=1)
    (folder / row.stored_as).unlink()
    with pytest.raises(NotOffered, match="not in FIRMWARE_DIR"):
        offer(firmware=row, charge_point=wallbox, expires_at=until)
    folder.rmdir()
    # A process without the folder, such as housekeeping on another machine, can't know it.
    assert offer(firmware=row, charge_point=wallbox, expires_at=until)

    FirmwareFile.objects.all().delete()
    with pytest.raises(NotOffered, match="deleted"):
        offer(firmware=row, charge_point=wallbox, expires_at=until)


def test_an_address_ends_by_its_time_and_after_the_whole_file_was_sent(wallbox: ChargePoint) -> None:
    path = offer(firmware=hosted(), charge_point=wallbox, expires_at=NOW)[len("https://csms.example.com") :]
    target = offers.target(path)
    assert target is not None
    rows = FirmwareDownload.objects.filter(pk=target.number)

    assert downloads.find(*target) is not None
    rows.update(expires_at=NOW - timedelta(microseconds=1))
    assert downloads.find(*target) is None
    rows.update(expires_at=NOW + timedelta(days=1), completed_at=NOW - downloads.AGAIN)
    assert downloads.find(*target) is not None
    rows.update(completed_at=NOW - downloads.AGAIN - timedelta(microseconds=1))
    assert downloads.find(*target) is None


@pytest.mark.parametrize(
    "path",
    [
        "/firmware/", "/firmware/7", "/firmware/7/" + "k" * 32, "/firmware/x/" + "k" * 32 + "/f",
        "/firmware/7/short/f", "/firmware/7/" + "k" * 32 + "/a/b",
        "/firmware/" + "7" * 19 + "/" + "k" * 32 + "/f",
        "/uploads/7/" + "k" * 32 + "/f",
    ],
)  # fmt: skip
def test_other_paths_are_no_downloads(path: str) -> None:
    assert offers.target(path) is None


def test_the_log_of_a_download_is_bounded_and_its_counters_are_not(
    wallbox: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_REQUESTS", 2)
    offer(firmware=hosted(), charge_point=wallbox, expires_at=NOW)
    row = FirmwareDownload.objects.get()
    asked = downloads.Request("GET", 206, "192.0.2.1", Part(0, 10))

    entries = [downloads.begin(row.pk, asked) for _ in range(3)]
    for entry in entries:
        downloads.note(row.pk, entry, sent=Part(0, 10), size=len(CONTENT), is_over=True)

    row.refresh_from_db()
    assert [entry is None for entry in entries] == [False, False, True]
    assert (row.request_count, row.bytes_sent, row.sent_parts) == (3, 30, [[0, 10]])
    assert (row.last_status, row.client_address) == (206, "192.0.2.1")
    assert [(one.first_byte, one.last_byte, one.bytes_sent) for one in row.log.all()] == [(0, 9, 10)] * 2
    assert row.completed_at is None
    assert downloads.note(row.pk, None, sent=Part(10, len(CONTENT)), size=len(CONTENT), is_over=True)
    assert not downloads.note(row.pk, None, sent=Part(0, 1), size=len(CONTENT), is_over=True)
    row.refresh_from_db()
    assert row.completed_at == NOW
    row.delete()
    assert downloads.begin(row.pk or 0, asked) is None
    assert not downloads.note(row.pk or 0, None, sent=Part(0, 1), size=1, is_over=True)


def test_a_request_without_a_part_is_logged_as_answered(wallbox: ChargePoint) -> None:
    offer(firmware=hosted(), charge_point=wallbox, expires_at=NOW)
    row = FirmwareDownload.objects.get()

    downloads.begin(row.pk, downloads.Request("PROPFINDS", 405, "1" * 65))

    (entry,) = row.log.all()
    assert (entry.method, entry.status, entry.client_address) == ("PROPFIND", 405, "1" * 64)
    assert (entry.first_byte, entry.last_byte, entry.finished_at) == (None, None, NOW)


def a_campaign(firmware: FirmwareFile, **columns: Any) -> Campaign:
    return Campaign.objects.create(
        name="May", kind="firmware", arguments={"firmware": firmware.pk}, deadline_at=NOW, **columns
    )


def test_a_file_in_use_is_not_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    row, other = hosted(), hosted()
    campaign = a_campaign(row)
    a_campaign(other, finished_at=NOW)
    monkeypatch.setattr(usage, "_uses", [*usage._uses])
    usage.register(lambda firmware: "An update is running." if firmware.pk == other.pk else "")

    with pytest.raises(Conflict, match=rf"campaign May \({campaign.pk}\) is not finished"):
        files.delete(row)
    with pytest.raises(Conflict, match="An update is running"):
        files.delete(other)
    campaign.finished_at = NOW
    campaign.save()
    with django_capture_on_commit_callbacks(execute=True):
        files.delete(row)

    assert [path.name for path in folder.iterdir()] == [other.stored_as]


def test_a_folder_that_fails_does_not_undo_what_is_deleted(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def fail(self: Folder, names: list[str]) -> None:
        raise RuntimeError(names)

    row = hosted()
    monkeypatch.setattr(Folder, "delete", fail)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        files.delete(row)

    assert len(callbacks) == 1
    assert not FirmwareFile.objects.exists()


class Parts(io.BytesIO):
    """A file that notes how much of it is read at once."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.sizes: list[int | None] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.sizes.append(size)
        return super().read(size)


def test_a_file_is_copied_in_parts_that_memory_can_hold(settings: Any) -> None:
    settings.FIRMWARE_MAX_FILE = settings.FIRMWARE_QUOTA = 1_000_000
    content = b"x" * 600_000
    file = Parts(content)

    row = files.add_hosted(facts(), file=file, size=len(content), file_name="fw.bin", actor="a" * 151)

    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert file.sizes == [262_144] * 4
    assert row.uploaded_by == "a" * 150


def test_known_files_have_a_row() -> None:
    row = hosted()

    assert files.known([row.stored_as, "0-0123456789abcdef"]) == {row.stored_as}
    assert files.known([]) == set()


@pytest.mark.parametrize(
    "columns",
    [
        {"url": "", "stored_as": ""},
        {"url": "https://x/", "stored_as": "0-0123456789abcdef"},
        {"stored_as": "0-0123456789abcdef", "size": None},
        {"stored_as": "0-0123456789abcdef", "sha256": ""},
        {"url": "https://x/", "name": ""},
        {"url": "https://x/", "version": ""},
        {"url": "https://x/", "verified": True},
        {"url": "https://x/", "signature": "x", "sha256": "x"},
        {"url": "https://x/", "signature": "x", "signing_certificate": "x", "sha256": ""},
    ],
)
def test_the_database_refuses_a_row_that_could_not_be_offered(columns: dict[str, Any]) -> None:
    usual = {"name": "n", "version": "1", "size": 1, "sha256": "x"}
    with pytest.raises(IntegrityError), transaction.atomic():
        FirmwareFile.objects.create(**{**usual, **columns})


def test_the_limits_are_those_of_ocpp() -> None:
    assert (MOST_CHARACTERS, signing.MOST_SIGNATURE, signing.MOST_CERTIFICATE) == (512, 800, 5500)
