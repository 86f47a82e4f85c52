"""The accounts API on a port of its own: the same code, and no address of stations."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import API_KEY, ROOT, free_port


class AccountsServer:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.environment = {
            **os.environ,
            "RUN_IN_PLACE": "1",
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(folder),
            "ACCOUNTS_PORT": str(self.port),
            "OCPP_BOOTSTRAP_API_KEY": API_KEY,
        }
        self.process = self.command()

    def command(self, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "run.py", "accounts"],
            cwd=ROOT,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def request(self, method: str, path: str, body: Any = None, key: str = API_KEY) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        is_json = response.headers["Content-Type"].startswith("application/json")
        return response.status, json.loads(raw) if is_json else raw


@pytest.fixture(scope="module")
def accounts_server(
    tmp_path_factory: pytest.TempPathFactory, migrated_database: Path
) -> Iterator[AccountsServer]:
    folder = tmp_path_factory.mktemp("accounts_server")
    shutil.copy(migrated_database, folder / "db.sqlite3")  # test_run.py migrates an empty one
    server = AccountsServer(folder)
    deadline = time.monotonic() + 120
    while True:
        try:
            server.request("GET", "/health")
            break
        except OSError:
            assert server.process.poll() is None, server.process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)  # nothing to await: another process is starting
    yield server
    server.process.send_signal(signal.SIGTERM)
    said, _ = server.process.communicate(timeout=120)
    assert server.process.returncode == 0, said
    assert "Traceback" not in said


def test_accounts_are_served_and_authorize_tokens(accounts_server: AccountsServer) -> None:
    _, user = accounts_server.request("POST", "/api/v1/users", {"name": "Alice"})
    body = {"contract_id": "DE8AA001234567", "owner": user["data"]["id"]}
    status, _ = accounts_server.request("POST", "/api/v1/contracts", body)
    token = {"uid": "A", "user_id": user["data"]["id"], "contract_id": "DE8AA001234567"}
    accounts_server.request("POST", "/api/v1/tokens", token)

    first = accounts_server.request("POST", "/api/v1/authorize", {"id_tag": "a"})
    accounts_server.request("POST", "/api/v1/tokens/by-uid/A/block", {})
    second = accounts_server.request("POST", "/api/v1/authorize", {"id_tag": "a"})

    assert status == 201
    assert (first[0], first[1]["data"]["allowed"]) == (200, True)
    assert (second[0], second[1]["data"]["status"]) == (200, "Blocked")


@pytest.mark.parametrize("path", ["/api/v1/chargepoints", "/api/v1/transactions", "/clients", "/admin/", "/"])
def test_no_address_of_stations_is_served(accounts_server: AccountsServer, path: str) -> None:
    status, answer = accounts_server.request("GET", path)

    assert status == 404
    assert answer["success"] is False


def test_documents_health_and_credentials_are_those_of_the_whole_server(
    accounts_server: AccountsServer,
) -> None:
    _, schema = accounts_server.request("GET", "/api/schema/")

    families = {path.split("/")[3] for path in schema["paths"] if path.startswith("/api/v1/")}
    assert families == {
        "users", "contracts", "tokens", "token-groups", "authorize", "api-keys", "audit-log", "unknown-tokens"
    }  # fmt: skip
    assert accounts_server.request("GET", "/api/docs/")[0] == 200
    assert accounts_server.request("GET", "/health/ready")[0] == 200
    assert accounts_server.request("GET", "/api/v1/users", key="wrong")[0] == 401


def test_bodies_have_the_limits_of_the_whole_server(accounts_server: AccountsServer) -> None:
    large = {"id_tag": "x" * (1 << 20)}
    refused = accounts_server.request("POST", "/api/v1/authorize", large)

    assert (refused[0], refused[1]["data"]["limit"]) == (413, 1 << 20)
    assert accounts_server.request("POST", "/api/v1/authorize", large, key="wrong")[0] == 413
    connection = http.client.HTTPConnection("127.0.0.1", accounts_server.port, timeout=60)
    connection.putrequest("POST", "/api/v1/tokens/import")
    connection.putheader("Content-Length", str(300 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 401  # before a byte of the body was sent
    connection.close()


def test_two_embedded_servers_never_share_a_folder(accounts_server: AccountsServer) -> None:
    second = accounts_server.command(ACCOUNTS_PORT=str(free_port()))
    said, _ = second.communicate(timeout=120)

    assert second.returncode == 1
    assert "DATA_DIR: another server is running" in said
