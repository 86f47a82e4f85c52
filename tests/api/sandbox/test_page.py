"""Every request of docs/sandbox.md is sent to a new server, and has the answer that the page shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.clients.first_hour import differences, steps
from tests.servers import API_KEY, ROOT, LiveServer

PAGE = ROOT / "docs" / "sandbox.md"
PATIENCE_S = 20


@pytest.fixture
def new_server(tmp_path: Path, migrated_database: Path) -> Iterator[LiveServer]:
    """A server of its own: the page names the first rows by their numbers."""
    running = LiveServer(
        tmp_path / "sandbox", template=migrated_database, SANDBOX_STATIONS="2", OCPP_CALL_TIMEOUT="2s"
    ).start()
    yield running
    assert running.stop() == 0


@pytest.mark.slow
def test_the_sandbox_is_as_the_page_says(new_server: LiveServer) -> None:
    key = API_KEY
    found = list(steps(PAGE.read_text("utf-8")))

    for step in found:
        until = time.monotonic() + PATIENCE_S
        while True:
            status, answer = new_server.request(step.method, step.path, step.body, key=key, **step.headers)
            lines = list(differences(step.answer, answer)) if step.answer is not None else []
            if status == step.status and not lines:
                break
            if step.method != "GET" or time.monotonic() > until:
                raise AssertionError(f"{step.line}\nstatus {status}\n" + "\n".join([*lines, str(answer)]))
            time.sleep(0.05)  # an event is numbered a moment later
        if step.path == "/api/v1/api-keys":
            key = answer["data"]["key"]

    assert len(found) >= 12


@pytest.mark.slow
def test_a_station_goes_on_after_a_restart(new_server: LiveServer) -> None:
    def ask(method: str, path: str = "", body: Any = None, status: int = 200) -> Any:
        found, answer = new_server.request(method, f"/api/v1/sandbox/stations{path}", body)
        assert found == status, answer
        return answer["data"]

    ask("POST", "", {"clientId": "TEST-1"}, status=201)
    ask("POST", "/TEST-1/plug", {})
    ask("POST", "/TEST-1/fail-next", {"answer": "Rejected"})
    before = ask("POST", "/TEST-1/tap", {"token": "TEST-CARD-1"})["connectors"][0]
    new_server.kill()
    new_server.start()

    ask("POST", "/TEST-1/unplug", {})
    after = ask("POST", "/TEST-1/plug", {})

    (place,) = after["connectors"]
    assert after["failures"] == [{"action": "", "answer": "Rejected"}]
    assert place["isPlugged"] and place["meterWh"] >= before["meterWh"]
    assert not place["isCharging"]
    _, answer = new_server.request("GET", f"/api/v1/transactions/{before['transactionId']}")
    assert (answer["data"]["status"], answer["data"]["stopReason"]) == ("ended", "PowerLoss"), answer
