"""`manage.py simulate` and `python -m simulator`: their server, their output and their exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from simulator.console import duration
from simulator.handshake import reason
from tests.processes import Running, running
from tests.servers import LiveServer, free_port
from tests.simulator.csms import TIMEOUT_S, Csms

Outcome = tuple[int | None, str, str]


async def simulate(url: str, *more: str) -> Outcome:
    """Run `python -m simulator`, which needs no Django; return its exit code, stdout and stderr."""
    return await run("module", "simulator", "--url", url, *more)


async def run(*arguments: str, **environment: str) -> Outcome:
    process = await begin(*arguments, **environment)
    return await ended(process)


async def ended(process: Running) -> Outcome:
    out, err = await asyncio.wait_for(process.communicate(), 2 * TIMEOUT_S)
    return process.returncode, out.decode(), err.decode()


async def begin(*arguments: str, **environment: str) -> Running:
    kind, *words = arguments
    return await running(kind, *words, environment={**os.environ, "ENV_FILE": os.devnull, **environment})


async def online(process: Running, stations: int) -> None:
    """Wait until the simulator reports this many stations online."""
    async with asyncio.timeout(2 * TIMEOUT_S):
        async for line in process.stderr:
            if f"online {stations}/".encode() in line:
                return
    pytest.fail("the simulation has ended")


@contextlib.asynccontextmanager
async def refusing(status: int) -> AsyncIterator[str]:
    """Run a server that refuses every handshake with this status, and yield its URL."""

    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(http.HTTPStatus(status), "no\n")

    async with serve(lambda connection: asyncio.sleep(0), "127.0.0.1", 0, process_request=refuse) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"


def test_durations_are_written_with_units() -> None:
    assert [duration(text) for text in ("90", "60s", "1m30s", "2h")] == [90, 60, 90, 7200]


@pytest.mark.parametrize("command", [("module", "simulator"), ("run", "manage", "simulate")])
async def test_ctrl_c_ends_it_with_a_summary_and_exit_code_0(csms: Csms, command: tuple[str, ...]) -> None:
    more = ("--url", csms.url, "--stations", "3", "--duration", "1h", "--json")
    process = await begin(*command, *more, RUN_IN_PLACE="1")
    await csms.wait_for("StatusNotification", count=3)

    process.send_signal(signal.SIGINT)
    code, out, err = await ended(process)

    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["online_at_end"] == report["accepted"] == 3
    assert report["not_accepted"] == {}


async def test_without_a_server_it_ends_at_once_and_names_the_url_and_the_reason() -> None:
    url = f"ws://127.0.0.1:{free_port()}/ocpp"

    code, out, err = await asyncio.wait_for(simulate(url, "--stations", "20", "--duration", "1h"), TIMEOUT_S)

    assert (code, out) == (1, "")
    # A machine that needs more than five seconds prints a progress line first.
    assert err.splitlines()[-1] == (
        f"No station was accepted at {url}: nothing listens at this address. "
        "Start a server with python3 run.py; HTTP_PORT or --url sets its address."
    )


@pytest.mark.parametrize(
    ("status", "word"),
    [(401, "password"), (404, "unknown stations"), (503, "not available now"), (418, "TEAPOT")],
)
async def test_a_refused_handshake_is_explained(status: int, word: str) -> None:
    async with refusing(status) as url:
        code, _, err = await simulate(url, "--stations", "2")

    assert code == 1
    line = err.splitlines()[-1]
    assert url in line and f"HTTP {status}" in line and word.lower() in line.lower()


async def test_a_server_without_websockets_is_explained() -> None:
    gone = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await closed(writer)
        gone.set()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"

        code, _, err = await simulate(url, "--stations", "1")
        await gone.wait()

    assert code == 1
    assert "not a WebSocket server" in err


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close the connection. An open one would cause a ResourceWarning in the middle of another test."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_silent_server_is_explained() -> None:
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the station disconnects
        await closed(writer)
        gone.set()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"

        code, _, err = await simulate(url, "--stations", "1", "--duration", "2s")
        await gone.wait()

    assert code == 1
    assert "before the server answered" in err


@pytest.mark.slow
async def test_stations_that_are_not_accepted_are_counted_by_reason(csms: Csms) -> None:
    csms.boot_answers = [{"status": status, "interval": 900} for status in ("Rejected", "Pending", "Pending")]
    process = await begin(
        "module", "simulator", "--url", csms.url, "--stations", "4", "--duration", "1h", "--versions", "1.6"
    )
    await csms.wait_for("BootNotification", count=4)
    await online(process, 1)

    process.send_signal(signal.SIGINT)
    code, out, err = await ended(process)

    assert code == 0
    assert "4 stations, 1 online at the end" in out
    assert err.splitlines()[-1] == (
        f"3 of 4 stations were not accepted at {csms.url}: "
        "the server answered BootNotification with Pending (2 of them); "
        "the server answered BootNotification with Rejected (1 of them)."
    )


@pytest.mark.slow
async def test_refused_tokens_are_explained_with_a_solution(csms: Csms) -> None:
    csms.invalid_tokens.add("MALLORY")
    arguments = ("--url", csms.url, "--stations", "1", "--duration", "1h", "--versions", "1.6")
    process = await begin("module", "simulator", *arguments, "--tokens", "MALLORY", "--speed", "600")
    await csms.wait_for("Authorize", count=2)  # the first request has been refused by now

    process.send_signal(signal.SIGINT)
    code, out, _ = await ended(process)

    assert code == 0
    assert "0 sessions" in out and "Pass known tokens with --tokens" in out


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("--url=http://localhost:8081/ocpp", "not a WebSocket URL"),
        ("--url=localhost:8081", "not a WebSocket URL"),
        ("--url=ws://localhost:port/ocpp", "not a WebSocket URL"),
        ("--stations=0", "not a whole number"),
        ("--duration=soon", "not a duration"),
        ("--versions=3.0", "unknown OCPP version"),
        ("--speed=-1", "not a number above 0"),
    ],
)
async def test_a_wrong_argument_is_named(argument: str, word: str) -> None:
    code, out, err = await run("module", "simulator", argument)

    assert (code, out) == (2, "")
    assert argument.partition("=")[0] in err.splitlines()[-1] and word in err.splitlines()[-1]


def test_a_host_with_several_closed_addresses_is_explained_like_one() -> None:
    """The error is the one asyncio raises when localhost means ::1 and 127.0.0.1."""
    failure = OSError(
        "Multiple exceptions: [Errno 111] Connect call failed ('::1', 9, 0, 0), "
        "[Errno 111] Connect call failed ('127.0.0.1', 9)"
    )

    assert reason(failure) == "nothing listens at this address"


async def test_a_simulation_ends_when_the_process_that_started_it_is_killed() -> None:
    # The parent starts the demo with this test's pipe as output, reports it, and waits until it is killed.
    code = (
        "import os, subprocess, sys;"
        "subprocess.Popen([sys.executable, '-m', 'simulator', '--demo', '--url', 'ws://127.0.0.1:9/ocpp',"
        " '--with-parent', str(os.getpid()), '--json'], stderr=subprocess.DEVNULL);"
        "print('started', flush=True);"
        "sys.stdin.read()"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"started\n"

    parent.kill()

    # The pipe closes when the last process that holds it ends, and that is the simulation.
    output = await asyncio.wait_for(parent.stdout.read(), 2 * TIMEOUT_S)
    await parent.wait()
    assert json.loads(output)["stations"] == 6


# -- manage.py simulate, with a server of the same settings


def settings(server: LiveServer) -> dict[str, str]:
    names = ("DATA_DIR", "HTTP_PORT", "TLS_CERT", "TLS_KEY")
    return {name: value for name, value in server.environment.items() if name in names}


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--url", "ws://localhost:{port}/ocpp")])
async def test_it_connects_to_the_server_of_its_settings(
    running_server: LiveServer, more: tuple[str, ...]
) -> None:
    named = [word.format(port=running_server.port) for word in more]
    process = await begin(
        "manage", "simulate", "--stations=6", "--duration=1h", "--idle", *named, **settings(running_server)
    )

    await online(process, 6)
    process.send_signal(signal.SIGINT)
    code, out, _ = await ended(process)

    assert code == 0
    assert "6 stations, 6 online at the end" in out and "0 errors" in out


async def test_without_a_server_it_names_the_port_of_its_settings(tmp_path: Path) -> None:
    stopped = LiveServer(tmp_path)

    code, out, err = await run("manage", "simulate", **settings(stopped))

    assert (code, out) == (1, "")
    assert f"ws://127.0.0.1:{stopped.port}/ocpp: nothing listens at this address." in err


@pytest.mark.slow
async def test_refused_unknown_stations_are_explained(tmp_path: Path, migrated_database: Path) -> None:
    server = LiveServer(tmp_path, template=migrated_database, OCPP_UNKNOWN_STATIONS="refuse").start()
    try:
        code, _, err = await run("manage", "simulate", "--stations", "2", **settings(server))
    finally:
        server.stop()

    assert code == 1
    assert "HTTP 404" in err and "unknown stations" in err


async def test_vehicles_charge_by_a_contract_of_the_lab(csms: Csms, tmp_path: Path) -> None:
    root, port = tmp_path / "root.pem", free_port()
    accepted = {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}
    csms.scripted["Authorize"] = lambda _request: accepted
    more = ("--emaid", "DE8AAC1A2B3C4D", "--lab-root", str(root), "--ocsp-port", str(port), "--speed", "100")
    process = await begin(
        *("module", "simulator", "--url", csms.url, "--versions", "2.0.1", "--stations", "1"), *more
    )
    try:
        request = await csms.wait_for("Authorize")
        event = await csms.wait_for("TransactionEvent")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
    finally:
        process.send_signal(signal.SIGINT)
        code, _, err = await ended(process)

    assert code == 0, err
    assert root.read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert request["certificate"].count("BEGIN CERTIFICATE") == 3
    assert event["idToken"] == {"idToken": "DE8AAC1A2B3C4D", "type": "eMAID"}
