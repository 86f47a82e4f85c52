"""Failed logins open an alert in a running server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.peer import eventually
from tests.servers import LiveServer


@pytest.fixture
def quick(tmp_path: Path, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that judges the rules all the time."""
    fast = {"ALERT_INTERVAL": "200ms", "ALERT_WARMUP": "0s"}
    running = LiveServer(tmp_path / "alerts", template=migrated_database, **fast)
    yield running.start()
    assert running.stop() == 0


async def test_wrong_keys_open_an_alert(quick: LiveServer) -> None:
    def ask(method: str, path: str, body: Any = None) -> Any:
        code, answer = quick.request(method, f"/api/v1/{path}", body)
        assert code == 200, answer
        return answer["data"]

    (rule,) = ask("GET", "alert-rules?code=failed_logins")["alertRules"]
    ask("PATCH", f"alert-rules/{rule['id']}", {"parameters": {"times": 1}})
    for _ in range(2):
        assert quick.request("GET", "/api/v1/sites", key="wrong")[0] == 401

    (alert,) = await eventually(lambda: ask("GET", "alerts?code=failed_logins&state=open")["alerts"])

    assert (alert["title"], alert["detail"]) == ("2 logins failed in 10 minutes", "2 API keys.")
    (row,) = ask("GET", "alerts/statistics?code=failed_logins")["statistics"]
    assert (row["opened"], row["resolved"], row["meanTimeToResolveS"]) == (1, 0, None)
