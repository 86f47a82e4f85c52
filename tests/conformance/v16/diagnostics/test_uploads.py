"""GetDiagnostics and GetLog of OCPP 1.6, with the file that the station uploads."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re

import pytest

from chargepoints.views.log_receiver import WRITTEN_AT_ONCE
from tests.conformance.peer import V16, V21, V201, VERSIONS, eventually, station
from tests.conformance.uploading import ask, form, in_state, shown, upload

ACCEPTED = {"status": "Accepted"}


async def test_16_045_1_diagnostics_arrive_at_an_address_of_the_server(server, operator, records):
    content = b"boot ok\n" * 10_000
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-diagnostics", {"fileName": "diag.tgz"}, retries=2)
        await peer.call("DiagnosticsStatusNotification", {"status": "Uploading"})
        await in_state(operator, peer, asked.id, "uploading")
        answer = await upload(f"{asked.url}diag-7.tgz", content)
        await peer.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
        row = await shown(operator, peer, asked.id)

    assert (asked.action, asked.payload["retries"], asked.status) == ("GetDiagnostics", 2, 200)
    assert asked.answer["data"]["fileName"] == "diag.tgz"
    assert (answer.status, answer.body) == (200, b"Stored 80000 bytes.\n")
    assert (row["state"], row["fileName"], row["size"]) == ("received", "diag-7.tgz", 80_000)
    assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert row["commandId"] == asked.answer["data"]["requestId"]
    followed = records.of("chargepoints_followup", peer.identity)
    assert [one["status"] for one in followed] == ["Uploading", "Uploaded"]


async def test_16_045_2_a_failed_upload_is_shown_and_a_later_one_still_arrives(server, operator, records):
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-diagnostics", {"fileName": "d"})
        await peer.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
        failed = await in_state(operator, peer, asked.id, "failed")
        answer = await upload(asked.url, b"x", method="POST")
        row = await shown(operator, peer, asked.id)

    assert (asked.action, failed["status"]) == ("GetDiagnostics", "UploadFailed")
    assert records.charge_point(peer.identity)["diagnostics_status"] == "UploadFailed"
    assert (answer.status, row["state"], row["fileName"]) == (200, "received", "d")


async def test_16_045_1_an_answer_without_a_file_name_has_nothing_to_send(server, operator, records):
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-diagnostics", {})
        row = await shown(operator, peer, asked.id)

    assert (asked.action, asked.status, asked.answer["success"]) == ("GetDiagnostics", 200, True)
    assert row["state"] == "rejected"
    (command,) = records.commands(peer.identity)
    assert (command["state"], command["id"]) == ("empty", asked.answer["data"]["requestId"])


async def test_idle_after_a_trigger_says_nothing(server, operator):
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-diagnostics", {"fileName": "d"})
        await peer.call("DiagnosticsStatusNotification", {"status": "Idle"})
        await peer.heartbeat()
        row = await shown(operator, peer, asked.id)

    assert (row["state"], row["status"]) == ("accepted", "")


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        (V16, "SecurityLog"),
        (V201, "DiagnosticsLog"),
        (V201, "SecurityLog"),
        (V21, "DiagnosticsLog"),
        (V21, "SecurityLog"),
        (V21, "DataCollectorLog"),
    ],
)
async def test_16_079_TC_N_25_TC_N_35_TC_N_100_a_log_is_asked_for_and_received(
    server, operator, records, version, kind
):
    async with station(server, version) as peer:
        asked = await ask(
            operator, peer, "get-log", ACCEPTED, logType=kind, startTime="2026-05-04T14:00:00+02:00"
        )
        number = asked.payload["requestId"]
        await peer.call("LogStatusNotification", {"status": "Uploading", "requestId": number})
        answer = await upload(asked.url, iter([b"a" * 70_000, b"b" * 70_000]))
        await peer.call("LogStatusNotification", {"status": "Uploaded", "requestId": number})
        row = await shown(operator, peer, asked.id)

    assert (asked.action, asked.payload["logType"], number) == ("GetLog", kind, asked.id)
    assert asked.payload["log"]["oldestTimestamp"] == "2026-05-04T12:00:00.000Z"
    assert (answer.status, row["state"], row["kind"], row["size"]) == (200, "received", kind, 140_000)
    followed = records.of("chargepoints_followup", peer.identity)
    assert [one["status"] for one in followed] == ["Uploading", "Uploaded"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_TC_N_34_a_rejected_log(server, operator, records, version):
    async with station(server, version) as peer:
        asked = await ask(operator, peer, "get-log", {"status": "Rejected"})
        row = await shown(operator, peer, asked.id)

    assert (asked.action, asked.payload["requestId"]) == ("GetLog", asked.id)
    assert (asked.answer["success"], row["state"]) == (False, "rejected")
    (kept,) = records.of("chargepoints_logupload", peer.identity)
    assert (kept["id"], kept["state"], kept["size"]) == (asked.id, "rejected", None)


@pytest.mark.parametrize("word", ["BadMessage", "NotSupportedOperation", "PermissionDenied", "UploadFailure"])
async def test_16_079_a_log_that_the_station_could_not_upload_has_failed(server, operator, records, word):
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-log", ACCEPTED)
        assert await peer.call("LogStatusNotification", {"status": word, "requestId": asked.id}) == {}
        row = await in_state(operator, peer, asked.id, "failed")
    (followed,) = records.of("chargepoints_followup", peer.identity)

    assert (row["status"], followed["status"]) == (word, word)


@pytest.mark.parametrize("version", VERSIONS)
async def test_TC_N_36_a_second_request_replaces_the_first(server, operator, records, version):
    async with station(server, version) as peer:

        async def notify(log, word):
            assert await peer.call("LogStatusNotification", {"status": word, "requestId": log.id}) == {}

        first = await ask(operator, peer, "get-log", ACCEPTED)
        await notify(first, "Uploading")
        second = await ask(operator, peer, "get-log", {"status": "AcceptedCanceled"})
        row = await in_state(operator, peer, first.id, "canceled")
        if version != V16:  # its notifications have no such status
            await notify(first, "AcceptedCanceled")
        await notify(second, "Uploading")
        await upload(second.url, b"second")
        await notify(second, "Uploaded")

    assert (second.action, second.payload["requestId"]) == ("GetLog", second.id)
    assert row["commandId"] == first.answer["data"]["requestId"]
    kept = records.of("chargepoints_logupload", peer.identity)
    assert [(one["id"], one["state"]) for one in kept] == [(first.id, "canceled"), (second.id, "received")]


@pytest.mark.parametrize(("version", "method"), [(V201, "PUT"), (V21, "POST")])
async def test_TC_N_102_an_address_with_a_login_needs_it(server, operator, records, version, method):
    async with station(server, version) as peer:
        asked = await ask(operator, peer, "get-log", ACCEPTED, withLogin=True)
        without = await upload(asked.url, b"x" * 100_000, method=method)
        before = await shown(operator, peer, asked.id)
        wrong = asked.url.replace("station:", "station:x")
        refused = await upload(wrong, b"x", method=method, with_login=True)
        accepted = await upload(asked.url, b"log", method=method, with_login=True)
        row = await shown(operator, peer, asked.id)

    assert (asked.action, asked.payload["logType"]) == ("GetLog", "DiagnosticsLog")
    assert re.fullmatch(r"http://station:[^@/]+@[^@?#]+/", asked.payload["log"]["remoteLocation"])
    assert (without.status, refused.status) == (401, 401)
    assert without.headers["WWW-Authenticate"].startswith("Basic ")
    assert before["state"] == "accepted"
    assert (accepted.status, row["state"], row["size"]) == (200, "received", 3)
    (kept,) = records.of("chargepoints_logupload", peer.identity)
    assert (kept["state"], kept["sha256"]) == ("received", hashlib.sha256(b"log").hexdigest())
    assert kept["login_hash"]


async def test_S16_a_form_has_its_file_and_the_name_is_only_shown(server, operator):
    body, headers = form(b"\r\n--b0undar is no boundary\r\n" * 3, "../../etc/pa\x01sswd")
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-log", ACCEPTED)
        answer = await upload(asked.url, body, method="POST", headers=headers)
        row = await shown(operator, peer, asked.id)
        other = await upload(f"{asked.url}../../../x/..%2F..%2Fpasswd", b"again")
        again = await shown(operator, peer, asked.id)

    assert (answer.status, row["fileName"], row["size"]) == (200, "passwd", 84)
    assert (other.status, again["fileName"], again["size"]) == (200, "passwd", 5)
    folder = server.folder / "uploads"
    names = [path.name for path in folder.iterdir() if path.name.startswith(f"{asked.id}-")]
    assert len(names) == 1
    assert (folder / names[0]).read_bytes() == b"again"


async def test_S16_wrong_addresses_methods_and_bodies_are_refused(server, operator):
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-log", ACCEPTED)
        wrong = [
            (await upload(url, b"x" * 1000)).status
            for url in (
                asked.url.replace(f"/{asked.id}/", f"/{asked.id + 1000}/"),
                f"{asked.url[:-1]}x/",
                asked.url[: asked.url.index("/uploads/")] + "/uploads/1/",
                asked.url[: asked.url.index("/uploads/")] + "/uploads/",
            )
        ]
        read = await upload(asked.url, b"", method="GET")
        empty = await upload(asked.url, form(b"")[0], headers={"Content-Type": "multipart/form-data"})
        cut = await upload(asked.url, form(b"123")[0][:-12], headers=form(b"")[1])
        row = await shown(operator, peer, asked.id)

    assert wrong == [404] * 4
    assert (read.status, read.headers["Allow"]) == (405, "PUT, POST")
    assert (empty.status, cut.status) == (400, 400)
    assert (row["state"], row["fault"]) == ("failed", "The form has no whole file in it.")


async def test_S04_the_secret_of_an_address_is_nowhere_stored_shown_or_logged(server, operator, records):
    async with station(server, V201) as peer:
        asked = await ask(operator, peer, "get-log", ACCEPTED | {"filename": "f"}, withLogin=True)
        elsewhere = await ask(
            operator, peer, "get-log", ACCEPTED, url="https://me:pass-of-mine@logs.example.com/in/"
        )
        echoed = {"status": "UploadFailure", "requestId": asked.id}
        echoed["statusInfo"] = {"reasonCode": "NoRoute", "additionalInfo": f"could not reach {asked.url}"}
        await peer.call("LogStatusNotification", echoed)
        await upload(asked.url + "x", b"1", with_login=True)
        pages = ["/messages", "/commands", "/logs", "/follow-ups"]
        seen = [
            await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}{page}") for page in pages
        ]

    key = asked.url.rstrip("/").rpartition("/")[2]
    password = asked.url.partition("station:")[2].partition("@")[0]
    tables = ("message", "command", "logupload", "followup", "deviation")
    stored = json.dumps([records.of(f"chargepoints_{table}", peer.identity) for table in tables], default=str)
    log = await asyncio.to_thread(server.log.read_text, "utf-8", "replace")
    for place in (json.dumps(seen), stored, log):
        for secret in (key, password, "pass-of-mine"):
            assert secret not in place
    assert f"/uploads/{asked.id}/***" in stored
    assert elsewhere.url == "https://me:pass-of-mine@logs.example.com/in/"


async def test_an_address_of_an_operator_is_reported_by_the_station_alone(server, operator):
    async with station(server) as peer:
        asked = await ask(
            operator, peer, "get-diagnostics", {"fileName": "d"}, url="ftp://logs.example.com/in"
        )
        await peer.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
        await in_state(operator, peer, asked.id, "uploaded")

    assert asked.url == "ftp://logs.example.com/in"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "gopher://example.com/"}, "url"),
        ({"url": "https:///x"}, "url"),
        ({"url": "https://example.com/#x"}, "url"),
        ({"url": "https://example.com/?a=b/"}, "url"),
        ({"url": "https://example.com/ü"}, "url"),
        ({"url": "https://example.com/", "withLogin": True}, "withLogin"),
        ({"startTime": "yesterday"}, "startTime"),
        ({"startTime": "2026-05-04T14:00:00"}, "startTime"),
        ({"startTime": "2026-05-04T14:00:00Z", "stopTime": "2026-05-04T13:00:00Z"}, "stopTime"),
    ],
)
async def test_bad_fields_are_named(server, operator, records, body, field):
    async with station(server) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/get-log"
        status, answer = await operator.request("POST", path, body)

    assert (status, answer["data"]["errors"][0]["field"]) == (400, field)
    assert records.of("chargepoints_logupload", peer.identity) == []


async def test_an_upload_beyond_the_limits_is_refused_with_the_limit(make_server):
    from tests.conformance.peer import Operator

    small = make_server(UPLOAD_MAX_FILE="1MiB", UPLOAD_QUOTA="1536KiB", UPLOAD_MIN_FREE="1B")
    operator = Operator(small)
    async with station(small) as peer:
        asked = await ask(operator, peer, "get-log", ACCEPTED)
        announced = await upload(asked.url, b"x" * (1 << 20) + b"x")
        too_large = await shown(operator, peer, asked.id)
        chunked = await upload(asked.url, iter([b"x" * 65_536] * 40))
        first = await upload(asked.url, b"x" * (1 << 20))
        other = await ask(operator, peer, "get-log", ACCEPTED)
        full = await upload(other.url, b"x" * (1 << 20))
        no_room = await shown(operator, peer, other.id)

    assert (announced.status, chunked.status, first.status, full.status) == (413, 413, 200, 507)
    assert (too_large["state"], too_large["fault"]) == ("failed", "The file is larger than 1 MiB.")
    assert no_room["fault"] == "The files of all stations have reached 1,536 KiB."
    assert len(list((small.folder / "uploads").iterdir())) == 1


async def test_a_broken_upload_leaves_no_file(server, operator):
    async with station(server) as peer:
        asked = await ask(operator, peer, "get-log", ACCEPTED)
        address = asked.url.removeprefix("http://")
        host, _, path = address.partition("/")
        name, _, port = host.rpartition(":")
        _, writer = await asyncio.open_connection(name, int(port))
        head = f"PUT /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n"
        writer.write(head.encode() + b"x" * 600_000)
        # Bytes that are still on their way when the connection closes are not received.
        await eventually(lambda: any(one.stat().st_size for one in _files(server, asked.id)))
        writer.close()
        row = await in_state(operator, peer, asked.id, "failed")

    received = re.fullmatch(r"The upload ended after ([\d,]+) bytes\.", row["fault"])
    assert received
    assert WRITTEN_AT_ONCE <= int(received[1].replace(",", "")) <= 600_000
    assert not _files(server, asked.id)


def _files(server, number):
    return list((server.folder / "uploads").glob(f"{number}-*"))
