"""A real server for tests, with its own process and database. A test can kill and restart it."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import shutil
import signal
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from ocpp_server import listening
from tests.processes import Launched, launch

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = "ocpp_server.settings"
API_KEY = "ocs_test_key_for_the_live_server_0123456789"
CREDENTIALS = {
    "OCPP_BOOTSTRAP_API_KEY": API_KEY,
    "DJANGO_SUPERUSER_PASSWORD": "operator-password-of-tests",
}
# The copy of a migrated database that has these credentials already.
WITH_CREDENTIALS = "with-credentials.sqlite3"

# The roles without a port: their health file shows that they run.
PORTLESS = ("processor", "housekeeping", "signer")


# Server ports lie below the ephemeral ports of the system. Otherwise a client socket could take the port
# before the server binds it, or a client that keeps retrying a stopped server could connect to itself. Each
# worker of xdist has its own ports. Their order is no part of a test: two runs at once must differ.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = range(12_000 + _WORKER, 32_000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
_ports = itertools.cycle(random.Random(time.time_ns()).sample(_PORTS, len(_PORTS)))


def free_port() -> int:
    """Return a port without a listener; each call returns another port."""
    for port in itertools.islice(_ports, len(_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port
    raise AssertionError("there is no free port")


class LiveServer:
    """A process of `run.py`: the whole server or one role, with settings from the environment.

    `template` is a migrated database; the server starts with a copy of it.
    """

    def __init__(
        self, folder: Path, *, template: Path | None = None, role: str = "", **environment: str
    ) -> None:
        self.role = role
        self.folder = folder
        self.port = free_port()
        self.log = folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        if template is not None:
            ready = template.with_name(WITH_CREDENTIALS)
            shutil.copy(ready if ready.exists() else template, folder / "db.sqlite3")
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATA_DIR": str(folder),
            "ENV_FILE": os.devnull,
            "HTTP_PORT": str(self.port),
            "ACCOUNTS_PORT": str(self.port),
            # The port after HTTP_PORT may belong to another server of the tests.
            "TLS_CLIENT_PORT": "off",
            "RUN_IN_PLACE": "1",
            **({"HEALTH_FILE": str(folder / "health")} if role in PORTLESS else {}),
            **CREDENTIALS,
            "OCPP_UNKNOWN_STATIONS": "accept",
            # All stations of the tests have one address.
            "OCPP_UNKNOWN_STATIONS_PER_MINUTE": "1000000",
            # The stations of the tests expect the commands of their tests and no others.
            "OCPP_CONFIGURATION_READS": "0",
            # The rules of alerts judge the machine of the tests too; tests of alerts evaluate them.
            "ALERT_INTERVAL": "24h",
            **environment,
        }
        listens = [name for name in self.environment.get("LISTEN_ADDRESS", "").split(",") if name]
        self.host = listening.own_host(listens or ["127.0.0.1"])
        self.process: Launched | None = None

    @property
    def ocpp(self) -> str:
        """The address for stations. A server with a certificate has the name of its certificate."""
        if self.environment.get("TLS_CERT"):
            return f"wss://localhost:{self.port}/ocpp"
        return f"ws://{listening.in_url(self.host)}:{self.port}/ocpp"

    @property
    def database(self) -> Path:
        return self.folder / "db.sqlite3"

    def start(self, timeout: float = 120) -> LiveServer:
        kind, words = "run", [self.role] if self.role else []
        if self.environment["DJANGO_SETTINGS_MODULE"] != SETTINGS:
            # `run.py` serves with the settings of the project alone.
            serve = "from ocpp_server.process.start import serve; raise SystemExit(serve())"
            kind, words = "command", [sys.executable, "-c", serve]
        with open(self.log, "ab") as log:
            self.process = launch(kind, *words, environment=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + timeout
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended:\n{self.log.read_text()[-3000:]}")
            if self._is_up():
                return self
            if time.monotonic() > deadline:
                self.kill()  # otherwise the process outlives its test and disturbs another
                raise AssertionError(f"the server does not answer:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)  # poll: another process is starting

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        certificate = self.environment.get("TLS_CERT")
        if not certificate:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=certificate)
        # The files end below the root where a CA has signed them.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if second := self.environment.get("TLS_SECOND_CERT"):
            context.load_verify_locations(second)
        return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=context)

    def _is_up(self) -> bool:
        if self.role in PORTLESS:
            return (self.folder / "health").exists()
        try:
            return self.request("GET", "/health")[0] == 200
        except OSError:
            return False

    def kill(self) -> None:
        """Send SIGKILL: the server cannot clean up."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Send SIGTERM as a deployment does, and return the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        status = self.process.wait(60)
        self.process = None
        # A killed process leaves its health file behind, which would make the next process look started.
        (self.folder / "health").unlink(missing_ok=True)
        return status

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = API_KEY,
        timeout: float = 60,
        **headers: str,
    ) -> tuple[int, Any]:
        """Send an HTTP request; return the status and the decoded JSON body (or the text)."""
        status, _, answer = self.exchange(method, path, body, key=key, timeout=timeout, **headers)
        return status, answer

    def exchange(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = API_KEY,
        timeout: float = 60,
        **headers: str,
    ) -> tuple[int, dict[str, str], Any]:
        """Do the same as `request`, and also return the response headers with lower-case names."""
        connection = self._connection(timeout)
        sent = {"Content-Type": "application/json", **headers}
        if key:
            sent["Authorization"] = f"Api-Key {key}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        received = {name.lower(): value for name, value in answer.getheaders()}
        try:
            return answer.status, received, json.loads(text)
        except ValueError:
            return answer.status, received, text.decode("utf-8", "replace")
