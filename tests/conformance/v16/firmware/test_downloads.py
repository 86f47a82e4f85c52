"""The download of hosted firmware on the socket (S16): addresses, ranges, and the log."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.downloading import (
    Firmware,
    added,
    broken_download,
    change,
    download,
    form,
    offered,
    post_form,
)
from tests.conformance.peer import eventually, station

SIZE = 300_000
MIB = 1 << 20


@pytest.fixture
async def firmware(server: Any) -> Firmware:
    return await added(server, random.Random(7).randbytes(SIZE))


async def logged(operator: Any, firmware: Firmware, number: int) -> dict[str, Any]:
    status, answer = await operator.request("GET", f"/api/v1/firmware/{firmware.id}/downloads/{number}")
    assert status == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


async def finished(operator: Any, firmware: Firmware, number: int, requests: int = 1) -> dict[str, Any]:
    """The download once its requests have ended: the log is written after the last byte was sent."""
    for _ in range(1000):
        row = await logged(operator, firmware, number)
        if row["requestCount"] == requests and all(one["finishedAt"] for one in row["requests"]):
            # The answer is made of two queries: the row may have been read before its last request ended.
            return await logged(operator, firmware, number)
        await asyncio.sleep(0.02)  # no event to await: another process changes its database
    raise AssertionError(f"the download is {row}")


async def test_a_station_downloads_the_whole_file_as_it_was_uploaded(server, operator, firmware):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        answer = await download(offer.url)
        row = await finished(operator, firmware, offer.id)

    digest = hashlib.sha256(firmware.content).hexdigest()
    assert (answer.status, answer.body == firmware.content) == (200, True)
    assert firmware.shown["sha256"] == digest
    assert firmware.shown["md5"] == hashlib.md5(firmware.content, usedforsecurity=False).hexdigest()
    assert {name: answer.headers[name] for name in ("ETag", "Content-Length", "Accept-Ranges")} == {
        "ETag": f'"{digest}"',
        "Content-Length": str(SIZE),
        "Accept-Ranges": "bytes",
    }
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="fw-1.2.bin"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (row["clientId"], row["bytesSent"], row["lastStatus"]) == (peer.identity, SIZE, 200)
    assert row["completedAt"]
    (request,) = row["requests"]
    assert (request["method"], request["firstByte"], request["lastByte"]) == ("GET", 0, SIZE - 1)
    assert (request["bytesSent"], request["address"]) == (SIZE, "127.0.0.1")


async def test_a_download_is_resumed_after_a_broken_connection(server, operator, firmware):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        begun = await broken_download(offer.url, read=100_000)
        again = await download(offer.url, Range=f"bytes={len(begun)}-", If_Range=firmware_tag(firmware))
        row = await finished(operator, firmware, offer.id, 2)

    assert begun + again.body == firmware.content
    assert (again.status, again.headers["Content-Range"]) == (206, f"bytes 100000-{SIZE - 1}/{SIZE}")
    assert row["completedAt"]
    assert [(one["status"], one["firstByte"]) for one in row["requests"]] == [(200, 0), (206, 100_000)]


def firmware_tag(firmware: Firmware) -> str:
    return f'"{firmware.shown["sha256"]}"'


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99999", 0, 100_000),
        (f"bytes=299999-{10**15}", 299_999, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
    ],
)
async def test_one_range_is_answered_with_its_bytes(server, firmware, asked, first, end):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        answer = await download(offer.url, Range=asked)

    assert (answer.status, answer.body == firmware.content[first:end]) == (206, True)
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-3", "lines=0-1", "bytes=x-", "bytes=-"])
async def test_several_ranges_and_wrong_ones_get_the_whole_file(server, firmware, asked):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        answer = await download(offer.url, Range=asked)

    assert (answer.status, len(answer.body)) == (200, SIZE)


async def test_a_range_of_another_version_gets_the_whole_file(server, firmware):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        other = await download(offer.url, Range="bytes=5-", If_Range='"another"')
        modified = (await download(offer.url, method="HEAD")).headers["Last-Modified"]
        same = await download(offer.url, Range="bytes=5-9", If_Range=modified)

    assert (other.status, len(other.body)) == (200, SIZE)
    assert (same.status, same.body) == (206, firmware.content[5:10])


async def test_a_range_outside_of_the_file_is_416_with_the_size(server, operator, firmware):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        answers = [await download(offer.url, Range=text) for text in (f"bytes={SIZE}-", "bytes=-0")]
        row = await finished(operator, firmware, offer.id, 2)

    assert [one.status for one in answers] == [416, 416]
    assert answers[0].headers["Content-Range"] == f"bytes */{SIZE}"
    assert (row["lastStatus"], row["bytesSent"], row["completedAt"]) == (416, 0, None)


async def test_HEAD_has_the_headers_and_uses_nothing_up(server, operator, firmware):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        answer = await download(offer.url, method="HEAD", Range="bytes=0-1")
        posted = await download(offer.url, method="POST")
        row = await finished(operator, firmware, offer.id)

    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", str(SIZE))
    assert (posted.status, posted.headers["Allow"]) == (405, "GET, HEAD")
    assert (row["bytesSent"], row["completedAt"], row["requests"][0]["method"]) == (0, None, "HEAD")


async def test_an_address_is_used_up_when_all_its_bytes_were_fetched(server, operator, firmware):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        for text in ("bytes=200000-", "bytes=0-150000"):
            assert (await download(offer.url, Range=text)).status == 206
        before = await finished(operator, firmware, offer.id, 2)
        last = await download(offer.url, Range="bytes=150001-199999")
        complete = await finished(operator, firmware, offer.id, 3)
        again = await download(offer.url)
        await finished(operator, firmware, offer.id, 4)
        change(server, offer, completed_at="2026-01-01 00:00:00")
        used = await download(offer.url)

    assert (before["completedAt"], last.status) == (None, 206)
    assert complete["completedAt"]
    assert (again.status, again.body == firmware.content) == (200, True)
    assert used.status == 404


async def test_S16_every_wrong_address_gets_the_same_answer(server, firmware):
    async with station(server) as peer, station(server) as other:
        offer = await offered(server, firmware, peer.identity)
        others = await offered(server, firmware, other.identity)
        expired = await offered(server, firmware, peer.identity, minutes=-1)
        root = offer.url[: offer.url.index("/firmware/")]
        database = "db.sqlite3"
        answers = [
            await download(url)
            for url in (
                expired.url,
                f"{root}/firmware/{others.id}/{offer.key}/fw-1.2.bin",
                f"{root}/firmware/{offer.id}/{offer.key[:-1]}/fw-1.2.bin",
                f"{root}/firmware/{offer.id}/{offer.key}x/fw-1.2.bin",
                f"{root}/firmware/{offer.id + 10_000}/{offer.key}/fw-1.2.bin",
                f"{root}/firmware/{10**30}/{offer.key}/fw-1.2.bin",
                f"{root}/firmware/{offer.id}/{offer.key}",
                f"{root}/firmware/",
                f"{root}/firmware/{database}",
                f"{root}/firmware/../{database}",
                f"{root}/firmware/{offer.id}/{offer.key}/../../../{database}",
                f"{root}/firmware/{offer.id}/{offer.key}/..%2F..%2F{database}",
            )
        ]
        named = await download(f"{offer.url.removesuffix('fw-1.2.bin')}..", Range="bytes=0-3")

    assert {one.status for one in answers} == {404}
    assert {one.body for one in answers} == {b"No file is offered at this address.\n"}
    assert {one.headers["Cache-Control"] for one in answers} == {"no-store"}
    assert (named.status, named.body) == (206, firmware.content[:4])


async def test_two_stations_download_at_once_and_each_is_logged(server, operator):
    content = random.Random(8).randbytes(4 * MIB)
    firmware = await added(server, content)
    async with station(server) as one, station(server) as other:
        offers = [await offered(server, firmware, peer.identity) for peer in (one, other)]
        answers = await asyncio.gather(*(download(offer.url) for offer in offers))
        rows = [await finished(operator, firmware, offer.id) for offer in offers]
        status, listed = await operator.request(
            "GET", f"/api/v1/firmware/{firmware.id}/downloads?clientId={one.identity}&isComplete=true"
        )

    assert [one.body == content for one in answers] == [True, True]
    assert [row["bytesSent"] for row in rows] == [len(content)] * 2
    assert (status, [row["id"] for row in listed["data"]["downloads"]]) == (200, [offers[0].id])


async def test_a_large_file_does_not_grow_the_process_and_a_slow_station_holds_nothing(server, operator):
    content = random.Random(9).randbytes(MIB) * 50
    firmware = await added(server, content)
    async with station(server) as peer:
        offers = [await offered(server, firmware, peer.identity) for _ in range(9)]
        await download(offers[0].url, Range="bytes=0-1000")
        before = resident(server)
        # More stations that do not read than there are threads.
        stalled = [await stall(offer.url) for offer in offers[1:]]
        answer = await download(offers[0].url)
        grown = resident(server) - before
        await peer.heartbeat()
        for writer in stalled:
            writer.transport.abort()

    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(content).digest()
    assert grown < 25 * MIB


def resident(server: Any) -> int:
    """The memory of the server, in bytes."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def stall(url: str) -> asyncio.StreamWriter:
    """A station that asks for a file and does not read it."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.rpartition(":")
    reader, writer = await asyncio.open_connection(name, int(port), limit=1024)
    writer.write(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await reader.readexactly(100)
    return writer


async def test_S04_the_secret_of_an_address_is_not_logged_or_shown(server, operator, firmware, records):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        body = {
            "action": "UpdateFirmware",
            "payload": {"location": offer.url, "retrieveDate": "2026-05-04T12:00:00Z"},
        }
        sent = asyncio.create_task(
            operator.request("POST", f"/api/v1/chargepoints/{peer.identity}/commands", body)
        )
        call = await peer.next_call()
        await peer.answer(call, {})
        status, answer = await sent
        await download(offer.url)
        await download(offer.url + "x", method="PUT")
        await finished(operator, firmware, offer.id)
        seen = [
            await operator.request("GET", path)
            for path in (
                f"/api/v1/chargepoints/{peer.identity}/messages",
                f"/api/v1/chargepoints/{peer.identity}/commands",
                f"/api/v1/firmware/{firmware.id}/downloads",
            )
        ]

    tables = ("message", "command", "firmwaredownload")
    stored = json.dumps([records.of(f"chargepoints_{table}", peer.identity) for table in tables], default=str)
    log = await asyncio.to_thread(server.log.read_text, "utf-8", "replace")
    assert (status, call[3]["location"]) == (200, offer.url)
    for place in (json.dumps(answer), json.dumps(seen), stored, log):
        assert offer.key not in place
    assert f"/firmware/{offer.id}/***" in stored


async def test_a_deleted_file_is_gone_from_disk_and_address(server, operator, firmware):
    async with station(server) as peer:
        offer = await offered(server, firmware, peer.identity)
        stored = set((server.folder / "firmware").iterdir())
        status, _ = await operator.request("DELETE", f"/api/v1/firmware/{firmware.id}")
        answer = await download(offer.url)

    assert (status, answer.status) == (200, 404)
    left = set((server.folder / "firmware").iterdir())
    assert left < stored
    assert len(stored - left) == 1


async def test_an_upload_beyond_the_limits_is_refused_and_leaves_nothing(make_server):
    small = make_server(
        FIRMWARE_MAX_FILE="2MiB", FIRMWARE_QUOTA="3MiB", UPLOAD_MIN_FREE="1B", HTTP_MAX_BODY="64KiB"
    )
    fields = {"name": "n", "version": "1"}
    bodies = [form(fields, b"x" * size, "f") for size in (3 * MIB, 2 * MIB + 1, 2 * MIB, 2 * MIB)]
    answers = [
        await asyncio.to_thread(post_form, small, "/api/v1/firmware", body, kind) for body, kind in bodies
    ]

    assert [status for status, _ in answers] == [413, 400, 201, 409]
    assert answers[1][1]["data"]["errors"][0]["reason"] == "The file is larger than 2 MiB."
    assert answers[3][1]["message"].startswith("The firmware files have reached 3 MiB.")
    await eventually(lambda: len(list((small.folder / "firmware").iterdir())) == 1)
