"""Firmware files over REST."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from chargepoints.models import Campaign, ChargePoint, FirmwareDownload, FirmwareFile
from tests.api.conftest import NOON, Caller

FIRMWARE = "/api/v1/firmware"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.FIRMWARE_DIR, settings.UPLOAD_MIN_FREE = tmp_path / "firmware", 1
    return Path(settings.FIRMWARE_DIR)


def posted(caller: Caller, content: bytes | None = b"new", name: str = "fw.bin", **fields: str) -> Any:
    form: dict[str, Any] = {"name": "Wallbox", "version": "1.2", **fields}
    if content is not None:
        form["file"] = SimpleUploadedFile(name, content)
    headers = {"Authorization": f"Api-Key {caller.key}"}
    return caller.client.generic(
        "POST", FIRMWARE, encode_multipart(BOUNDARY, form), MULTIPART_CONTENT, headers=headers
    )


def test_a_file_is_added_and_shown(administrator: Caller, viewer: Caller, folder: Path) -> None:
    answer = posted(administrator, name="../../f w.bin", vendor="Acme")

    shown = answer.json()["data"]
    assert (answer.status_code, answer["Location"]) == (201, f"{FIRMWARE}/{shown['id']}")
    assert answer.json()["message"] == "Firmware file Wallbox 1.2 added."
    picked = ("fileName", "size", "vendor", "isHosted", "isSigned", "verified", "url", "uploadedBy")
    assert [shown[name] for name in picked] == [
        "f-w.bin", 3, "Acme", True, False, False, "", "key administrator"
    ]  # fmt: skip
    assert shown["sha256"] == hashlib.sha256(b"new").hexdigest()
    assert viewer.get(answer["Location"]).info == shown
    assert viewer.get(f"{FIRMWARE}?vendor=Acme").info["firmware"] == [shown]
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "fields", "field"),
    [
        (None, {}, "file"),
        (b"x", {"url": "https://example.com/"}, "file"),
        (None, {"url": "file:///etc/passwd"}, "url"),
        (b"x", {"sha256": "0"}, "sha256"),
        (b"x", {"signature": "AAAA"}, "signingCertificate"),
        (b"x", {"signingCertificate": "x"}, "signature"),
        (b"x", {"version": ""}, "version"),
        (b"x", {"colour": "red"}, "colour"),
        (b"", {}, "file"),
    ],
)
def test_a_refusal_names_its_field_and_stores_nothing(
    administrator: Caller, folder: Path, content: bytes | None, fields: dict[str, str], field: str
) -> None:
    answer = posted(administrator, content, **fields)

    assert (answer.status_code, answer.json()["data"]["errors"][0]["field"]) == (400, field)
    assert not FirmwareFile.objects.exists()
    assert not folder.exists() or not list(folder.iterdir())


def test_S17_the_login_of_an_address_is_never_shown(administrator: Caller, viewer: Caller) -> None:
    answer = posted(administrator, None, url="sftp://me:pass-of-mine@files.example.com/fw.bin")
    seen = [answer, viewer.get(answer["Location"]), viewer.get(FIRMWARE)]

    assert answer.json()["data"]["url"] == "sftp://***@files.example.com/fw.bin"
    assert not any("pass-of-mine" in one.content.decode() for one in seen)


def test_S32_only_administrators_add_and_delete(
    administrator: Caller, operator: Caller, viewer: Caller
) -> None:
    one = posted(administrator)["Location"]

    assert [posted(caller).status_code for caller in (operator, viewer)] == [403, 403]
    assert [caller.delete(one).status_code for caller in (operator, viewer)] == [403, 403]
    assert administrator.delete(one).status_code == 200
    assert administrator.get(one).status_code == 404


def test_a_file_that_a_campaign_uses_is_not_deleted(administrator: Caller) -> None:
    one = posted(administrator)["Location"]
    number = int(one.rpartition("/")[2])
    campaign = Campaign.objects.create(
        name="May", kind="firmware", arguments={"firmware": number}, deadline_at=NOON
    )

    refused = administrator.delete(one)
    campaign.finished_at = NOON
    campaign.save()

    assert refused.status_code == 409
    assert refused.answer["message"] == f"The campaign May ({campaign.pk}) is not finished."
    assert administrator.delete(one).status_code == 200


def test_the_log_of_downloads_is_that_of_the_file(viewer: Caller, garage: ChargePoint) -> None:
    files = [FirmwareFile.objects.create(name=n, version="1", url="https://example.com/") for n in "ab"]
    one, other = (
        FirmwareDownload.objects.create(
            firmware=file, charge_point=garage, key_hash="k" * 64, expires_at=NOON
        )
        for file in files
    )
    one.log.create(method="GET", status=206, first_byte=5, last_byte=9, bytes_sent=5, began_at=NOON)
    path = f"{FIRMWARE}/{files[0].pk}/downloads"

    shown = viewer.get(f"{path}/{one.pk}").info
    (row,) = viewer.get(path).info["downloads"]

    assert (row["id"], row["clientId"], row["state"]) == (one.pk, "GARAGE 1", "expired")
    assert "requests" not in row
    assert [(one["status"], one["firstByte"], one["lastByte"]) for one in shown["requests"]] == [(206, 5, 9)]
    assert viewer.get(f"{path}/{other.pk}").status_code == 404
    assert viewer.get(f"{path}?clientId=NOBODY").info["downloads"] == []
    assert viewer.get(f"{path}?isComplete=true").info["downloads"] == []
    assert "k" * 64 not in viewer.get(path).content.decode()
