"""Firmware that a local controller publishes: block L of the certification."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.conformance.displays import ask, path
from tests.conformance.downloading import added, download
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import station
from tests.conformance.updating import NEW, OLD, SIGNED, boot, in_state, notify
from tests.conformance.updating import ask as ask_for_update

LOCATION = "https://files.example.com/2.0.bin"
MD5 = "0123456789abcdef0123456789abcdef"
URIS = ["http://controller.example/2.0.bin", "ftp://controller.example/2.0.bin"]


async def publish(operator, peer, status="Accepted", **body):
    """The data of the answer, and the payload that the controller got."""
    body = body or {"location": LOCATION, "checksum": MD5.upper()}
    shown, call = await ask(operator, peer, "publish-firmware", body, {"status": status})
    assert call[2] == "PublishFirmware"
    return shown["data"], call[3]


async def report(peer, number, *statuses):
    for status in statuses:
        payload = {"status": status, "requestId": number}
        payload |= {"location": URIS} if status == "Published" else {}
        assert await peer.call("PublishFirmwareStatusNotification", payload) == {}


async def published(operator, peer):
    _, answer = await operator.request("GET", path(peer, "published-firmware"))
    (row,) = answer["data"]["publishedFirmware"]
    return row


async def test_TC_L_17_published_with_its_addresses(server, operator, records, version):
    async with station(server, version) as peer:
        data, payload = await publish(
            operator, peer, location=LOCATION, checksum=MD5.upper(), retries=2, retryInterval=60
        )
        number = payload.pop("requestId")
        await report(peer, number, "Downloading")
        assert (await published(operator, peer))["state"] == "downloading"
        await report(peer, number, "Downloaded", "ChecksumVerified", "Published", "Idle")
        row = await published(operator, peer)

    assert payload == {"location": LOCATION, "checksum": MD5, "retries": 2, "retryInterval": 60}
    assert (data["publishRequestId"], data["state"]) == (number, "accepted")
    assert (row["id"], row["state"], row["status"]) == (data["publicationId"], "published", "Published")
    assert (row["locations"], row["isCurrent"]) == (URIS, True)
    (stored,) = records.of("chargepoints_publishedfirmware", peer.identity)
    assert (stored["number"], stored["state"], stored["checksum"]) == (number, "published", MD5)
    assert json.loads(stored["locations"]) == URIS


@pytest.mark.parametrize(
    "statuses",
    [
        ("Downloading", "DownloadFailed"),
        ("Downloading", "Downloaded", "InvalidChecksum"),
        ("Downloading", "Downloaded", "ChecksumVerified", "PublishFailed"),
    ],
)
async def test_TC_L_24_TC_L_19_TC_L_20_a_publication_fails(server, operator, records, version, statuses):
    async with station(server, version) as peer:
        _, payload = await publish(operator, peer)
        await report(peer, payload["requestId"], *statuses)
        row = await published(operator, peer)

    assert (row["state"], row["status"], row["isCurrent"]) == ("failed", statuses[-1], False)
    assert statuses[-1] in row["reason"]
    follow_ups = records.of("chargepoints_followup", peer.identity)
    assert [one["status"] for one in follow_ups] == list(statuses)


@pytest.mark.parametrize("status", ["Unpublished", "NoFirmware", "DownloadOngoing"])
async def test_TC_L_21_TC_L_22_TC_L_23_unpublish(server, operator, records, version, status):
    async with station(server, version) as peer:
        _, payload = await publish(operator, peer)
        await report(peer, payload["requestId"], "Published")
        _, call = await ask(
            operator, peer, "unpublish-firmware", {"checksum": MD5.upper()}, {"status": status}
        )

    assert call[2:] == ["UnpublishFirmware", {"checksum": MD5}]
    (row,) = records.of("chargepoints_publishedfirmware", peer.identity)
    gone = status != "DownloadOngoing"
    assert (row["state"], bool(row["ended_at"])) == ("unpublished" if gone else "published", gone)


async def test_a_rejected_publication(server, operator, version):
    async with station(server, version) as peer:
        data, _ = await publish(operator, peer, "Rejected")
        row = await published(operator, peer)

    assert (data["state"], data["reason"], row["state"]) == ("rejected", "Rejected", "rejected")


async def test_a_file_of_this_server_has_a_secret_address_and_its_md5(server, operator, version):
    file = await added(server, f"firmware for {version}".encode())
    async with station(server, version) as peer:
        _, payload = await publish(operator, peer, firmware=file.id)
        answer = await download(payload["location"])

    assert payload["checksum"] == hashlib.md5(file.content).hexdigest()  # noqa: S324 - OCPP asks for it
    assert answer.body == file.content


@pytest.mark.parametrize(
    "body", [{"location": LOCATION, "checksum": "xyz"}, {"checksum": MD5}, {"firmware": 99_999_999}]
)
async def test_a_request_that_can_not_be_fulfilled_is_not_sent(server, operator, records, version, body):
    async with station(server, version) as peer:
        code, _ = await operator.request("POST", path(peer, "publish-firmware"), body)
        await peer.heartbeat()

    assert code == 400
    assert records.of("chargepoints_publishedfirmware", peer.identity) == []


async def test_TC_L_13_an_update_waits_for_the_session(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await boot(peer, OLD)
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        asked = await ask_for_update(operator, peer, {"status": "Accepted"}, **SIGNED)
        await notify(peer, "DownloadScheduled", number=asked.id)
        await in_state(operator, asked.id, "accepted")
        await peer.call("TransactionEvent", event("Ended", transaction, 1, trigger="EVDeparted"))
        steps = ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting")
        await notify(peer, *steps, number=asked.id)
        await boot(peer, NEW)
        await notify(peer, "Installed", number=asked.id)
        row = await in_state(operator, asked.id, "installed")

    assert (asked.action, asked.payload["requestId"], row["bootedVersion"]) == (
        "UpdateFirmware", asked.id, NEW
    )  # fmt: skip
    sent = asked.payload["firmware"]["signingCertificate"]
    assert sent.strip() == SIGNED["signingCertificate"].strip()
    assert records.transaction(peer.identity)["stopped_at"]
    (update,) = records.of("chargepoints_firmwareupdate", peer.identity)
    assert (update["id"], update["state"], update["is_signed"]) == (asked.id, "installed", 1)
