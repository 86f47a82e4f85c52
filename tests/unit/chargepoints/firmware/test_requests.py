"""The wish for an update, the part of it that a station takes, and the payload."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, FirmwareDownload, FirmwareFile
from chargepoints.services.firmware import files, requests, updates
from chargepoints.services.firmware.files import Facts
from chargepoints.services.firmware.requests import Wish
from configuration.models import ReportedKey
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import Invalid
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.chargepoints.firmware.conftest import NEW, Ask

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 5, 4, 12, 0, tzinfo=UTC)
ELSEWHERE = "https://files.example.com/1.1.bin"
SIGNED = Wish(NOON, location=ELSEWHERE, signature="c2ln", signing_certificate="PEM")
PLAIN = Wish(NOON, location=ELSEWHERE)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "firmware"),
        ({"firmware": 0}, "firmware"),
        ({"location": "file:///etc/passwd"}, "location"),
        ({"location": ELSEWHERE, "retrieve_at": "2030-05-04T12:00:00"}, "retrieveAt"),
        ({"location": ELSEWHERE, "install_at": "2030-05-04T12:00:00"}, "installAt"),
        ({"location": ELSEWHERE, "install_at": "2020-05-04T12:00:00Z"}, "installAt"),
        (
            {
                "location": ELSEWHERE,
                "retrieve_at": "2030-05-04T12:00:00Z",
                "install_at": "2030-05-04T11:59:59Z",
            },
            "installAt",
        ),
        ({"location": ELSEWHERE, "sha256": "xyz"}, "sha256"),
        ({"location": ELSEWHERE, "signing_certificate": "x"}, "signature"),
    ],
)
def test_the_wrong_field_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        requests.wish(**given)

    assert refused.value.errors[0]["field"] == field


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("location", "location"),
        ("version", "version"),
        ("sha256", "sha256"),
        ("signature", "signature"),
        ("signing_certificate", "signingCertificate"),
    ],
)
def test_a_firmware_of_the_server_has_its_own_facts(firmware: FirmwareFile, name: str, field: str) -> None:
    assert requests.wish(firmware=firmware.pk).version == NEW
    with pytest.raises(Invalid) as refused:
        requests.wish(firmware=firmware.pk, **{name: "x"})

    assert refused.value.errors[0]["field"] == field


def test_without_a_time_the_download_begins_at_once() -> None:
    before = datetime.now(UTC)
    wanted = requests.wish(location=ELSEWHERE, version=" 1.1 ")

    assert before <= wanted.retrieve_at <= datetime.now(UTC)
    assert (wanted.version, wanted.install_at) == ("1.1", None)


def test_the_installation_may_begin_with_the_download() -> None:
    at = "2030-05-04T12:00:00Z"
    wanted = requests.wish(location=ELSEWHERE, retrieve_at=at, install_at=at)

    assert (wanted.location, wanted.retrieve_at, wanted.install_at) == (ELSEWHERE, NOON, NOON)


def test_an_address_lasts_for_the_retries_but_not_for_ever(settings: Any) -> None:
    settings.UPLOAD_EXPIRY = 3600
    hour = timedelta(hours=1)

    assert PLAIN.expires_at == NOON + hour
    assert Wish(NOON, retries=3, retry_interval=3600).expires_at == NOON + 4 * hour
    assert Wish(NOON, retries=3).expires_at == Wish(NOON, retry_interval=3600).expires_at == NOON + hour
    assert Wish(NOON, retries=100, retry_interval=2**31).expires_at == NOON + hour + timedelta(days=7)


@pytest.mark.parametrize(
    ("vendor", "model", "sentence"),
    [
        ("", "", ""),
        ("ACME", "x1", ""),
        ("Other", "", "Acme 1.1 is for the vendor Other; garage has Acme."),
        ("Acme", "X2", "Acme 1.1 is for the model X2; garage has X1."),
    ],
)
def test_firmware_of_another_make_does_not_fit(
    garage: ChargePoint, firmware: FirmwareFile, vendor: str, model: str, sentence: str
) -> None:
    firmware.vendor, firmware.model = vendor, model

    assert requests.mismatch(garage, firmware) == sentence
    assert requests.mismatch(garage, None) == ""


def test_the_signed_request_is_tried_first_and_only_in_16(garage: ChargePoint) -> None:
    assert requests.action_for(garage, SIGNED) == "SignedUpdateFirmware"
    assert requests.action_for(garage, PLAIN) == "UpdateFirmware"
    for version in (V201, V21):
        garage.ocpp_version = version
        assert requests.action_for(garage, SIGNED) == "UpdateFirmware"


def test_what_the_station_does_not_know_is_not_sent_again(garage: ChargePoint, asked: Ask) -> None:
    asked("error", action=updates.SIGNED, command={"error_code": "NotSupported"})
    assert requests.action_for(garage, SIGNED) == "UpdateFirmware"

    asked("error", command={"error_code": "NotImplemented"})
    with pytest.raises(NotSupported, match="signed firmware only"):
        requests.action_for(garage, PLAIN)
    with pytest.raises(NotSupported, match="neither SignedUpdateFirmware nor UpdateFirmware"):
        requests.action_for(garage, SIGNED)


def test_a_plain_16_update_has_no_time_of_installation(garage: ChargePoint) -> None:
    with pytest.raises(Invalid) as refused:
        requests.action_for(garage, Wish(NOON, location=ELSEWHERE, install_at=NOON))

    assert refused.value.errors[0]["field"] == "installAt"


@pytest.mark.parametrize(
    ("version", "action", "wanted", "payload"),
    [
        (V16, "UpdateFirmware", PLAIN, {"location": ELSEWHERE, "retrieveDate": "2030-05-04T12:00:00.000Z"}),
        (
            V16,
            "SignedUpdateFirmware",
            SIGNED,
            {
                "requestId": 7,
                "firmware": {
                    "location": ELSEWHERE,
                    "retrieveDateTime": "2030-05-04T12:00:00.000Z",
                    "signature": "c2ln",
                    "signingCertificate": "PEM",
                },
            },
        ),
        (
            V201,
            "UpdateFirmware",
            Wish(NOON, location=ELSEWHERE, install_at=NOON, retries=0, retry_interval=5),
            {
                "requestId": 7,
                "retries": 0,
                "retryInterval": 5,
                "firmware": {
                    "location": ELSEWHERE,
                    "retrieveDateTime": "2030-05-04T12:00:00.000Z",
                    "installDateTime": "2030-05-04T12:00:00.000Z",
                },
            },
        ),
    ],
)
def test_the_payload_of_each_dialect(
    version: str, action: str, wanted: Wish, payload: dict[str, Any]
) -> None:
    found = requests.payload(version, action, wanted, number=7)

    assert found == payload
    schemas.outgoing(version, action, "request", found)


def test_the_login_of_an_address_is_not_stored(garage: ChargePoint) -> None:
    wanted = Wish(NOON, location="ftp://me:mine@files.example.com/1.bin", version=NEW)
    update = requests.begin(garage, wanted, action="UpdateFirmware", actor="ann", command_id="c1")

    assert update.location == "ftp://***@files.example.com/1.bin"
    assert (update.command_id, update.previous_version, update.is_signed) == ("c1", "1.0", False)
    assert requests.address(update, wanted) == wanted.location
    assert update.stalls_at == NOON + timedelta(hours=1)


def test_a_hosted_file_has_an_address_for_the_station_and_the_campaign(
    garage: ChargePoint, settings: Any, tmp_path: Path
) -> None:
    settings.FIRMWARE_DIR, settings.UPLOAD_MIN_FREE = tmp_path, 1
    settings.UPLOAD_URL, settings.UPLOAD_EXPIRY = "https://csms.example.com", 3600
    firmware = files.add_hosted(
        Facts("Acme", NEW), file=BytesIO(b"firmware"), size=8, file_name="1.1.bin", actor="ann"
    )
    campaign = Campaign.objects.create(name="c", kind="firmware", arguments={}, deadline_at=NOON)
    CampaignStation.objects.create(
        campaign=campaign, charge_point=garage, state="claimed", not_before=datetime.now(UTC)
    )
    wanted = Wish(NOON, firmware=firmware, version=NEW)
    ReportedKey.objects.create(
        charge_point=garage, key="SupportedFileTransferProtocols", value="HTTPS", reported_at=NOON
    )

    assert requests.action_for(garage, wanted) == "UpdateFirmware"
    update = requests.begin(garage, wanted, action="UpdateFirmware", actor=campaign.sender, command_id="c1")
    address = requests.address(update, wanted)

    (download,) = FirmwareDownload.objects.all()
    assert address.startswith(f"https://csms.example.com/firmware/{download.pk}/")
    assert (download.charge_point, download.campaign, download.firmware) == (garage, campaign, firmware)
    assert download.expires_at == NOON + timedelta(hours=1)
    assert (update.firmware, update.campaign, update.location) == (firmware, campaign, "")


def test_a_plain_16_request_for_a_signed_file_is_not_signed(garage: ChargePoint) -> None:
    for number, (action, is_signed) in enumerate((("UpdateFirmware", False), ("SignedUpdateFirmware", True))):
        update = requests.begin(garage, SIGNED, action=action, actor="ann", command_id=str(number))
        assert update.is_signed is is_signed
