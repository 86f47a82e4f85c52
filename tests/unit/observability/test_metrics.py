"""The metrics of a server, as a scraper reads them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
import timeit
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus

from ocpp_server.observability import exporter, measures
from ocpp_server.observability.exporter import PORTS
from tests.conformance.peer import TIMEOUT_S, Operator, Refused, eventually, fresh, station
from tests.servers import API_KEY, LiveServer, free_port

Sample = tuple[str, dict[str, str], float]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server whose METRICS_PORT is taken by another program: it listens on a later port."""
    port = free_port()
    with socket.create_server(("0.0.0.0", port)):
        live = LiveServer(
            tmp_path_factory.mktemp("metrics"), template=migrated_database, METRICS_PORT=str(port)
        )
        live.start()
        logged = re.search(r"metrics\.listening\W.*?\bport\W+(\d+)", live.log.read_text())
        assert logged is not None and port < int(logged[1]) < port + PORTS
        live.metrics_port = int(logged[1])  # type: ignore[attr-defined]
        yield live
        assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


def scrape(server: LiveServer) -> list[Sample]:
    status, text = server.request("GET", "/metrics")
    assert status == 200, text
    return parsed(text)


def parsed(text: str) -> list[Sample]:
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def value(samples: list[Sample], name: str, **labels: str) -> float:
    """The sum over all series with these labels."""
    return sum(found for known, of, found in samples if known == name and labels.items() <= of.items())


def inner(server: LiveServer, path: str) -> tuple[int, str]:
    """Send a request to the metrics port, without credentials."""
    url = f"http://127.0.0.1:{server.metrics_port}{path}"  # type: ignore[attr-defined]
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


async def test_messages_and_commands_are_counted_by_action_and_result(server: LiveServer) -> None:
    before = scrape(server)
    invented = fresh("Invented")
    async with station(server) as peer:
        for _ in range(3):
            await peer.heartbeat()
        with pytest.raises(Refused):
            await peer.call(invented)
        with pytest.raises(Refused):
            await peer.call("Authorize", {"idTag": 7})
        asking = asyncio.create_task(Operator(server).command(peer.identity, "ClearCache"))
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        await asking
        after = scrape(server)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    messages = "ocpp_messages_total"
    assert grown(messages, direction="in", action="BootNotification", result="ok") == 1
    assert grown(messages, direction="in", action="Heartbeat", result="ok") == 3
    assert grown(messages, direction="in", action="other", result="NotImplemented") == 1
    assert grown(messages, direction="in", action="Authorize", result="TypeConstraintViolation") == 1
    assert grown(messages, direction="out", action="ClearCache", result="accepted") == 1
    assert grown("ocpp_message_seconds_count", action="Heartbeat") == 3
    assert grown("ocpp_command_seconds_count", action="ClearCache") == 1
    assert grown("ocpp_commands_total", action="ClearCache", state="accepted") == 1
    assert value(after, "ocpp_sockets", version="ocpp1.6") == 1
    assert value(after, "ocpp_stations_connected") == 1
    assert value(after, "ocpp_database_up") == 1
    assert grown("ocpp_journal_batch_jobs_count") > 3
    assert grown("ocpp_journal_committed_total") >= 5
    names = {label for _, labels, _ in after for label in labels.values()}
    assert not {invented, peer.identity} & names  # texts that a station invents make no label


async def test_handshakes_are_counted_by_their_answer(server: LiveServer) -> None:
    identity = fresh()
    await Operator(server).provision(identity, password="the-right-password", securityProfile=1)
    before = scrape(server)

    with pytest.raises(InvalidStatus):
        async with station(server, identity=identity, password="wrong"):
            raise AssertionError("let in")
    async with station(server, identity=identity, password="the-right-password"):
        pass
    await asyncio.to_thread(server.request, "GET", "/clients", key="no-such-key")
    async with asyncio.timeout(TIMEOUT_S):
        while value(after := scrape(server), "ocpp_socket_closes_total", code="1000") == 0:
            await asyncio.sleep(0.05)  # the server detects the closed socket later

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("ocpp_handshakes_total", status="401") == 1
    assert grown("ocpp_handshakes_total", status="accepted") == 1
    assert grown("ocpp_authentication_failures_total", kind="FailedStationLogin") == 1
    assert grown("ocpp_authentication_failures_total", kind="FailedApiKey") == 1
    assert grown("ocpp_http_requests_total", status="401") == 1


async def test_deviations_and_repetitions_are_counted(server: LiveServer) -> None:
    before = scrape(server)
    async with station(server) as peer:
        for _ in range(2):
            await peer.send([2, "same", "Authorize", {"idTag": "NOBODY"}])
            await peer.answer_to("same")
        after = scrape(server)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("ocpp_messages_total", action="Authorize", result="repeated") == 1
    assert grown("ocpp_deviations_total", kind="repeated-message") == 1


async def test_the_metrics_port_is_the_next_that_is_free_and_needs_no_key(server: LiveServer) -> None:
    status, text = await asyncio.to_thread(inner, server, "/metrics")
    ready, parts = await asyncio.to_thread(inner, server, "/health/ready")
    alive, _ = await asyncio.to_thread(inner, server, "/health")
    missing, _ = await asyncio.to_thread(inner, server, "/api/v1/chargepoints")

    assert (status, ready, alive, missing) == (200, 200, 200, 404), parts
    samples = parsed(text)
    assert value(samples, "ocpp_process_info", role="server") == 1
    assert value(samples, "process_resident_memory_bytes", role="server") > 0
    assert '"database"' in parts and '"journal"' in parts


async def test_a_request_refused_for_its_size_is_counted_and_logged(server: LiveServer) -> None:
    def refused() -> float:
        return value(scrape(server), "ocpp_http_requests_total", method="POST", status="413")

    before = await asyncio.to_thread(refused)
    body = "x" * (1 << 20)  # with its quotes, two bytes more than the limit
    status, headers, _ = await asyncio.to_thread(server.exchange, "POST", "/api/v1/authorize", body)

    assert (status, await asyncio.to_thread(refused) - before) == (413, 1)
    (line,) = [line for line in server.log.read_text().splitlines() if headers["x-request-id"] in line]
    assert "http.refused" in line and "1,048,578 bytes" in line and API_KEY not in line


async def test_connections_to_the_metrics_port_are_bounded_in_number_and_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporter, "CONNECTIONS", 3)
    monkeypatch.setattr(exporter, "CONNECTION_S", 0.5)
    live = exporter.Exporter()

    def ask(text: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", live.port), timeout=TIMEOUT_S)
        connection.sendall(text)
        return connection

    def asked() -> tuple[list[bytes], bytes]:
        with contextlib.ExitStack() as held:
            slow = [held.enter_context(ask(b"GET /health HTTP/1.1\r\nX: ")) for _ in range(3)]
            surplus = held.enter_context(ask(b""))
            ends = [connection.recv(1) for connection in (surplus, *slow)]
            answer = b""
            while not answer:  # until the threads of the closed connections have ended
                answer = held.enter_context(ask(b"GET /health HTTP/1.0\r\n\r\n")).recv(100)
            return ends, answer

    live.start(free_port(), status=None, addresses=["127.0.0.1"])  # type: ignore[arg-type]  # no request reads it
    try:
        ends, answer = await asyncio.to_thread(asked)
    finally:
        await live.stop()

    assert ends == [b""] * 4
    assert answer.startswith(b"HTTP/1.0 200")


async def test_the_lag_of_the_event_loop_is_measured(server: LiveServer) -> None:
    def is_measured() -> bool:
        return value(parsed(inner(server, "/metrics")[1]), "ocpp_event_loop_lag_seconds_count") > 0

    await eventually(is_measured)  # the lag is measured at intervals


def test_counting_a_message_takes_about_a_microsecond() -> None:
    """It takes half a microsecond on an idle machine; the limit leaves room for a busy one."""
    exchange = SimpleNamespace(call=SimpleNamespace(action="Heartbeat"), error=None, started=0.0)
    times = 20_000

    seconds = min(
        timeit.repeat(
            lambda: measures.handled(exchange),  # type: ignore[arg-type]
            timer=time.process_time,  # the time of other processes does not count
            number=times,
            repeat=7,
        )
    )

    assert seconds / times < 5e-6


def test_counters_of_alerts_start_at_zero() -> None:
    """Prometheus detects no increase in a series that starts at 1."""
    tally = measures.Tally("reason", awaited=(("storage-away",),))

    assert tally.counts() == {("storage-away",): 0}
    assert {("storage-away",), ("unstorable",)} <= measures.unanswered.counts().keys()
    assert ("duplicate-identity",) in measures.replacements.counts()


def test_a_station_that_invents_names_makes_a_limited_number_of_series() -> None:
    tally = measures.Tally("kind")

    for number in range(measures.MAX_SERIES + 50):
        tally.add(f"kind-{number}")

    assert len(tally.counts()) == measures.MAX_SERIES + 1
    assert tally.counts()[measures.OTHER,] == 50


def test_a_histogram_counts_every_value_in_each_bucket_above_it() -> None:
    spread = measures.Spread((1, 2, 5))

    for number in (0.5, 1, 1.5, 5, 6):
        spread.add(number)

    assert spread.buckets() == [("1", 2), ("2", 3), ("5", 4), ("+Inf", 5)]
    assert spread.total == 14
