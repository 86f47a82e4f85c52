"""One server for the whole folder, with its tokens, its stored rows and an operator."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.conformance import certifying
from tests.conformance.cases import ids_in
from tests.conformance.evidence import gathered
from tests.conformance.peer import VERSIONS, Operator, Records
from tests.conformance.recording import IS_RECORDING, Recorder, lost
from tests.responders import Answer, Server, serving
from tests.servers import LiveServer

# The tokens of every test.
ALICE, BOB, FIELD = "ALICE0001", "BOB00002", "FIELD0001"
# The token of this server at the pools of contract certificates.
POOL_TOKEN = "a-token-that-no-log-may-have"  # noqa: S105 - of a test
TOKENS = [
    {"uid": ALICE},
    {"uid": FIELD},
    {"uid": BOB, "group_id": "FAMILY"},
    {"uid": "CAROL003", "group_id": "FAMILY"},
    {"uid": "BLOCKED1", "status": "blocked"},
    {"uid": "EXPIRED1", "expires_at": "2020-01-01T00:00:00Z"},
    {"uid": "INVALID1", "valid": False},
]


@pytest.fixture(scope="session")
def web() -> Iterator[Server]:
    """An HTTP server that the server may ask: an OCSP responder, or whatever a test makes of it."""
    with serving(lambda path, body: Answer(status=404)) as one:
        yield one


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, migrated_database: Path, web: Server
) -> Iterator[LiveServer]:
    """A running server that all tests of this folder share. It must end without a traceback in its log."""
    pools = tmp_path_factory.mktemp("pools") / "pools.json"
    pools.write_text(
        json.dumps(
            [
                {"name": "First", "url": f"{web.url}/first", "token": POOL_TOKEN},
                {"name": "Second", "url": f"{web.url}/second", "token": POOL_TOKEN},
            ]
        )
    )
    # One token may charge at many stations at once: tests of concurrency start their own server.
    live = LiveServer(
        tmp_path_factory.mktemp("conformance"),
        template=migrated_database,
        OCPP_CONCURRENT_TX="allow",
        OCPP_LOG_HEARTBEATS="on",
        OCPP_OCSP_ALLOWED_HOSTS=web.host,
        OCPP_CONTRACT_PROVIDERS=str(pools),
    ).start()
    for token in TOKENS:
        status, answer = live.request("POST", "/api/v1/tokens", token)
        assert status == 201, answer
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


@pytest.fixture(scope="session")
def refusing(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that refuses unknown stations."""
    folder = tmp_path_factory.mktemp("refusing")
    live = LiveServer(folder, template=migrated_database, OCPP_UNKNOWN_STATIONS="refuse").start()
    yield live
    assert live.stop() == 0


@pytest.fixture(scope="session")
def priced(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server with a price for each kWh: it sends the costs of sessions."""
    live = LiveServer(
        tmp_path_factory.mktemp("priced"),
        template=migrated_database,
        OCPP_PRICE="docs.examples.price_per_kwh.total",
        OCPP_COST_INTERVAL="400ms",
        OCPP_UNKNOWN_TOKENS="accept",
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server with a signer beside it, which has made its CAs because an administrator asked for them."""
    live = LiveServer(
        tmp_path_factory.mktemp("signing"),
        template=migrated_database,
        SIGNER_PASSPHRASE=certifying.PASSPHRASE,
        CERTIFICATE_REQUESTS_PER_HOUR="6",
    ).start()
    certifying.set_up(live)
    yield live
    assert live.stop() == 0
    text = live.log.read_text("utf-8", "replace")
    assert "Traceback" not in text
    assert certifying.PASSPHRASE not in text
    assert "PRIVATE KEY" not in text


@pytest.fixture
def make_server(tmp_path: Path, migrated_database: Path) -> Iterator[object]:
    """Start servers with other settings; they stop at the end."""
    started: list[LiveServer] = []

    def make(**environment: str) -> LiveServer:
        live = LiveServer(tmp_path / str(len(started)), template=migrated_database, **environment)
        started.append(live)
        return live.start()

    yield make
    for live in started:
        live.stop()
        assert "Traceback" not in live.log.read_text("utf-8", "replace")


@pytest.fixture
def records(server: LiveServer) -> Records:
    return Records(server.database)


@pytest.fixture
def operator(server: LiveServer) -> Operator:
    return Operator(server)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- what a test of a case asserts ---------------------------------------------------------------------------

_recorder = Recorder()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test of a case that no longer asserts the frames or rows that it did when recorded."""
    if not ids_in(item.name.partition("[")[0]):
        return (yield)
    with gathered() as asserts:
        try:
            answer = yield
        finally:
            item.user_properties.append(("asserts", sorted(asserts)))
    if not IS_RECORDING and (gone := lost(item.nodeid, set(asserts))):
        pytest.fail(
            f"The test asserts no longer: {', '.join(sorted(gone))}. See tests/conformance/recording.py."
        )
    return answer


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the result of a test of a case; one whose fixtures fail has failed too."""
    is_result = report.when == "call" or report.outcome != "passed"
    if is_result and ids_in(report.nodeid.partition("[")[0].rpartition("::")[2]):
        asserts = dict(report.user_properties).get("asserts")
        _recorder.add(report.nodeid, report.outcome, set(asserts) if isinstance(asserts, list) else set())


def pytest_sessionfinish(session: pytest.Session) -> None:
    if IS_RECORDING and not hasattr(session.config, "workerinput"):  # a worker of xdist sends its results
        _recorder.write()
