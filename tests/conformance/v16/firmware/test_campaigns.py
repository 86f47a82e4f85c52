"""Campaigns that update firmware: simulated stations that install it, fail, or have it already."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from simulator import Station
from simulator.misbehaviour import Misbehaviour
from tests.conformance.campaigning import CAMPAIGNS, a_campaign, created, details, ended, results
from tests.conformance.peer import V16, Operator, at, fresh, station
from tests.conformance.updating import LOCATION, NEW, OLD, boot, notify
from tests.simulator.file_server import FileServer, file_server

LABELS = ("1.6", "2.0.1")


async def create(operator: Operator, stations: list[str], arguments: dict[str, Any], **options: Any) -> str:
    return await created(operator, "firmware", arguments, stations, **options)


@pytest.fixture
async def files() -> AsyncIterator[FileServer]:
    async with file_server() as found:
        yield found


async def simulated(stack: AsyncExitStack, server: Any, version: str, **switches: Any) -> Station:
    """A booted simulated station; `outcome` is that of its update."""
    outcome = switches.pop("outcome", "Installed")
    one = Station(
        fresh("SIM"),
        version,
        server.ocpp,
        speed=1000,
        misbehaviour=Misbehaviour(**switches),
        ping_interval_s=None,
    )
    one.firmware_outcome = outcome
    await one.start()
    stack.push_async_callback(one.stop)
    return one


@pytest.mark.parametrize("version", LABELS)
async def test_two_of_four_simulated_stations_fail(server, operator, records, files, version) -> None:
    async with AsyncExitStack() as stack:
        good = await simulated(stack, server, version, breaks_downloads=1)
        early = await simulated(stack, server, version, installed_before_boot=True)
        broken = await simulated(stack, server, version, outcome="InstallationFailed")
        old = await simulated(stack, server, version, keeps_old_firmware=True)
        names = [one.identity for one in (good, early, broken, old)]
        one = await create(operator, names, {"location": files.url, "version": "2.0"})
        campaign = await ended(operator, one, records)
        found, why = await results(operator, one), await details(operator, one)

    assert (campaign["state"], campaign["counts"]["done"], campaign["counts"]["failed"]) == ("finished", 2, 2)
    assert [found[name] for name in names] == ["done", "done", "failed no-effect", "failed no-effect"]
    assert (why[good.identity], why[early.identity]) == ("2.0", "2.0")
    assert "(InstallationFailed)" in why[broken.identity]
    assert why[old.identity] == "The station reported Installed and booted with 1.0.0, not with 2.0."
    # The download of the first one broke half-way, and went on from there.
    assert [begin for begin in files.ranges if begin] == [str(256_000 // 2)]
    for name in names:
        (update,) = records.of("chargepoints_firmwareupdate", name)
        assert update["campaign_id"] == campaign["id"]
        assert update["actor"] == f"campaign {campaign['id']}"


async def test_a_station_that_has_it_or_can_not_have_it_is_skipped_with_the_reason(
    server, operator, records
) -> None:
    async with station(server) as has_it, station(server) as lacks_protocol, station(server) as gets_it:
        await boot(has_it, NEW)
        read = asyncio.create_task(operator.command(lacks_protocol.identity, "GetConfiguration", {}))
        key = {"key": "SupportedFileTransferProtocols", "readonly": True, "value": "SFTP"}
        answer = {"configurationKey": [key], "unknownKey": []}
        await lacks_protocol.answer(await lacks_protocol.next_call(), answer)
        await read
        names = [one.identity for one in (has_it, lacks_protocol, gets_it)]
        one = await create(operator, names, {"location": LOCATION, "version": NEW})
        call = await gets_it.next_call()
        await gets_it.answer(call, {})
        await notify(gets_it, "Downloading", "DownloadFailed")
        await ended(operator, one, records)
        found, why = await results(operator, one), await details(operator, one)
        for peer in (has_it, lacks_protocol):
            await peer.heartbeat()  # nothing was sent

    assert found == {
        has_it.identity: "skipped",
        lacks_protocol.identity: "skipped not-supported",
        gets_it.identity: "failed no-effect",
    }
    assert why[has_it.identity] == "Already installed: 1.1."
    assert "reports SupportedFileTransferProtocols=SFTP" in why[lacks_protocol.identity]


@pytest.mark.nightly
async def test_a_failed_station_tries_again(server, operator, records) -> None:
    async with station(server) as peer:
        await boot(peer, OLD)
        one = await create(
            operator, [peer.identity], {"location": LOCATION, "version": NEW}, attempts=2, retryPauseS=0
        )
        await peer.answer(await peer.next_call(), {})
        await notify(peer, "Downloading", "DownloadFailed")
        await peer.answer(await peer.next_call(), {})
        await boot(peer, NEW)
        await ended(operator, one, records)

    assert await results(operator, one) == {peer.identity: "done"}
    states = [row["state"] for row in records.of("chargepoints_firmwareupdate", peer.identity)]
    assert states == ["failed", "installed"]


@pytest.mark.nightly
async def test_a_silent_station_ends_by_the_deadline(server, operator, records) -> None:
    async with station(server) as peer:
        await boot(peer, OLD)
        one = await create(
            operator, [peer.identity], {"location": LOCATION, "version": NEW}, deadlineAt=at(minutes=0.2)
        )
        await peer.answer(await peer.next_call(), {})
        await notify(peer, "Downloading")
        campaign = await ended(operator, one, records)

    assert await results(operator, one) == {peer.identity: "failed deadline"}
    assert campaign["state"] == "finished"


async def test_a_station_without_signed_updates_gets_the_plain_one_in_the_same_campaign(
    server, operator, records
) -> None:
    from tests.conformance.v16.firmware.test_updates import SIGNED

    async with station(server, V16) as peer:
        await boot(peer, OLD)
        one = await create(operator, [peer.identity], {"location": LOCATION, "version": NEW, **SIGNED})
        signed = await peer.next_call()
        await peer.send([4, signed[1], "NotSupported", "", {}])
        plain = await peer.next_call()
        await peer.answer(plain, {})
        await boot(peer, NEW)
        await ended(operator, one, records)

    assert (signed[2], plain[2]) == ("SignedUpdateFirmware", "UpdateFirmware")
    assert await results(operator, one) == {peer.identity: "done"}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "arguments.firmware"),
        ({"firmware": 10**9}, "arguments.firmware"),
        ({"firmware": "x"}, "arguments.firmware"),
        ({"location": LOCATION, "colour": 1}, "arguments.colour"),
        ({"location": LOCATION, "retrieveAt": "soon"}, "arguments.retrieveAt"),
    ],
)
async def test_arguments_that_no_station_could_get_are_refused(server, operator, arguments, field) -> None:
    async with station(server) as peer:
        body = a_campaign("firmware", arguments, [peer.identity])
        status, answer = await operator.request("POST", CAMPAIGNS, body)

    assert (status, answer["data"]["errors"][0]["field"]) == (400, field)
