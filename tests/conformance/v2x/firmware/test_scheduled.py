"""Scheduled and refused firmware updates of block L of the certification."""

from __future__ import annotations

from tests.conformance.peer import at, eventually, station
from tests.conformance.updating import NEW, OLD, SIGNED, ask, boot, in_state, notify, shown

ACCEPTED = {"status": "Accepted"}


async def test_TC_L_02_a_signed_update_is_installed_later(server, operator, records, version):
    async with station(server, version) as peer:
        await boot(peer, OLD)
        asked = await ask(operator, peer, ACCEPTED, **SIGNED, installAt=at(60))
        number = asked.id
        await notify(peer, "Downloading", "Downloaded", "SignatureVerified", number=number)
        await in_state(operator, number, "verified")
        await notify(peer, "InstallScheduled", number=number)
        await notify(peer, "Installing", "InstallRebooting", number=number)
        await boot(peer, NEW)
        await notify(peer, "Installed", number=number)
        row = await in_state(operator, number, "installed")

    firmware = asked.payload["firmware"]
    assert firmware["installDateTime"][:19] == row["installAt"][:19]
    assert firmware["installDateTime"] > at(30)
    assert firmware["signature"] == SIGNED["signature"]
    assert firmware["signingCertificate"].strip() == SIGNED["signingCertificate"].strip()
    assert (row["signed"], row["bootedVersion"]) == (True, NEW)
    (stored,) = records.of("chargepoints_firmwareupdate", peer.identity)
    assert stored["state"] == "installed"


async def test_TC_L_03_a_signed_update_is_downloaded_later(server, operator, records, version):
    async with station(server, version) as peer:
        await boot(peer, OLD)
        asked = await ask(operator, peer, ACCEPTED, **SIGNED, retrieveAt=at(60))
        await notify(peer, "DownloadScheduled", number=asked.id)

        def stored():
            (row,) = records.of("chargepoints_firmwareupdate", peer.identity)
            return row["state"], row["status"]

        # It is computed after the answer to the notification.
        await eventually(lambda: stored() == ("accepted", "DownloadScheduled"))
        row = await shown(operator, asked.id)

    firmware = asked.payload["firmware"]
    assert firmware["retrieveDateTime"][:19] == row["retrieveAt"][:19]
    assert firmware["retrieveDateTime"] > at(30)
    assert firmware.keys() == {"location", "retrieveDateTime", "signature", "signingCertificate"}


async def test_TC_L_11_an_update_that_can_not_be_cancelled_goes_on(server, operator, records, version):
    async with station(server, version) as peer:
        await boot(peer, OLD)
        first = await ask(operator, peer, ACCEPTED)
        await notify(peer, "Installing", number=first.id)
        second = await ask(operator, peer, {"status": "Rejected"})
        await notify(peer, "InstallRebooting", number=first.id)
        await in_state(operator, first.id, "rebooting")
        await boot(peer, NEW)
        await notify(peer, "Installed", number=first.id)
        await in_state(operator, first.id, "installed")
        row = await shown(operator, second.id)

    assert (second.action, second.payload["requestId"]) == ("UpdateFirmware", second.id)
    assert (row["state"], row["fault"]) == ("rejected", "The station answered Rejected.")
    rows = records.of("chargepoints_firmwareupdate", peer.identity)
    assert [(one["id"], one["state"], one["booted_version"]) for one in rows] == [
        (first.id, "installed", NEW),
        (second.id, "rejected", ""),
    ]
