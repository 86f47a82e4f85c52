"""Firmware files in the admin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chargepoints.models import Campaign, ChargePoint, FirmwareDownload, FirmwareFile
from tests.admin.rows import NOON

ADD = "admin:chargepoints_firmwarefile_add"
ONE = "admin:chargepoints_firmwarefile_change"
LIST = "admin:chargepoints_firmwarefile_changelist"
DELETE = "admin:chargepoints_firmwarefile_delete"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.FIRMWARE_DIR, settings.UPLOAD_MIN_FREE = tmp_path / "firmware", 1
    return Path(settings.FIRMWARE_DIR)


@pytest.fixture
def firmware(administrator: Client) -> FirmwareFile:
    return posted(administrator)


def posted(client: Client) -> FirmwareFile:
    form = {"name": "Wallbox", "version": "1.2", "file": SimpleUploadedFile("fw.bin", b"new firmware")}
    answer = client.post(reverse(ADD), form)
    row = FirmwareFile.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, reverse(ONE, args=[row.pk]))
    return row


def test_an_administrator_adds_a_file_and_sees_its_facts(
    administrator: Client, firmware: FirmwareFile, folder: Path
) -> None:
    page = administrator.get(reverse(ONE, args=[firmware.pk])).content.decode()

    assert (firmware.uploaded_by, firmware.size) == ("administrator", 12)
    assert (folder / firmware.stored_as).read_bytes() == b"new firmware"
    for text in ("Wallbox 1.2", firmware.sha256, firmware.md5, "fw.bin", "Not signed"):
        assert text in page
    assert "Wallbox" in administrator.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Give either a file or an external address."),
        ({"url": "gopher://x/"}, "Use an address that begins with one of http"),
        ({"url": "https://x/", "sha256": "1"}, "A SHA-256 has 64 hexadecimal digits."),
        ({"url": "https://x/", "signature": "AAAA"}, "A signature needs the certificate of its key."),
        ({"url": "https://x/", "version": " "}, "This field is required."),
    ],
)
def test_a_refusal_stands_at_its_field(administrator: Client, fields: dict[str, str], words: str) -> None:
    answer = administrator.post(reverse(ADD), {"name": "Wallbox", "version": "1.2", **fields})

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not FirmwareFile.objects.exists()


def test_the_login_of_an_external_address_is_masked(administrator: Client) -> None:
    url = "ftps://me:pass-of-mine@files.example.com/fw.bin"
    administrator.post(reverse(ADD), {"name": "Wallbox", "version": "1.2", "url": url})

    (row,) = FirmwareFile.objects.all()
    pages = [administrator.get(reverse(ONE, args=[row.pk])), administrator.get(reverse(LIST))]
    assert all("ftps://***@files.example.com/fw.bin" in page.content.decode() for page in pages)
    assert not any("pass-of-mine" in page.content.decode() for page in pages)


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_S32_other_roles_read_only(role: str, firmware: FirmwareFile, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(role)
    page = client.get(reverse(ONE, args=[firmware.pk]))
    deletion = reverse(DELETE, args=[firmware.pk])

    assert (page.status_code, deletion in page.content.decode()) == (200, False)
    assert client.get(reverse(ADD)).status_code == 403
    assert client.post(deletion, {"post": "yes"}).status_code == 403
    assert reverse(ADD) not in client.get(reverse(LIST)).content.decode()
    assert FirmwareFile.objects.count() == 1


def test_a_file_is_deleted_with_its_downloads_unless_a_campaign_uses_it(
    administrator: Client,
    station: ChargePoint,
    firmware: FirmwareFile,
    folder: Path,
    django_capture_on_commit_callbacks: Any,
) -> None:
    deletion = reverse(DELETE, args=[firmware.pk])
    FirmwareDownload.objects.create(firmware=firmware, charge_point=station, expires_at=NOON)
    campaign = Campaign.objects.create(
        name="May", kind="firmware", arguments={"firmware": firmware.pk}, deadline_at=NOON
    )
    refused = administrator.post(deletion, {"post": "yes"}, follow=True)
    campaign.finished_at = NOON
    campaign.save()
    asked = administrator.get(deletion)
    with django_capture_on_commit_callbacks(execute=True):
        deleted = administrator.post(deletion, {"post": "yes"})

    assert "The campaign May" in refused.content.decode()
    assert asked.status_code == 200
    assert (deleted.status_code, deleted["Location"]) == (302, reverse(LIST))
    assert not FirmwareFile.objects.exists()
    assert list(folder.iterdir()) == []


def test_the_page_has_the_log_of_the_downloads(
    viewer: Client, station: ChargePoint, firmware: FirmwareFile
) -> None:
    download = FirmwareDownload.objects.create(
        firmware=firmware,
        charge_point=station,
        key_hash="k" * 64,
        expires_at=NOON,
        client_address="192.0.2.7",
    )
    download.log.create(method="GET", status=206, first_byte=1234, last_byte=5678, began_at=NOON)
    one = reverse("admin:chargepoints_firmwaredownload_change", args=[download.pk])
    listed = reverse("admin:chargepoints_firmwaredownload_changelist")

    page = viewer.get(reverse(ONE, args=[firmware.pk])).content.decode()
    log = viewer.get(one).content.decode()

    assert one in page
    assert "192.0.2.7" in page
    assert all(text in log for text in ("206", "1,234", "5,678", "Expired"))
    assert one in viewer.get(listed, {"q": firmware.pk}).content.decode()
    assert one in viewer.get(listed, {"q": station.identity}).content.decode()
    assert one not in viewer.get(listed, {"q": firmware.pk + 1000}).content.decode()
    assert not any("k" * 64 in text for text in (page, log))
