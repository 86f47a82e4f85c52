"""`run.py demo --security 3` from an empty folder: stations with mutual TLS, cars that charge by contract.

The short forms run with every change: the stations, the operator and the server each have their own tests.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocpp_server.environment import table
from simulator.demo import STATIONS
from simulator.secure_demo import EMAIDS
from tests.processes import finished, launch
from tests.servers import API_KEY, free_port

SECONDS = 400  # on a busy machine; the first start makes CAs and migrates


class Demo:
    """The process of a demo, its log and its API."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _three_ports()
        self.log = folder / "demo.log"
        known = {variable.name for variable in table.VARIABLES}
        clean = {name: value for name, value in os.environ.items() if name not in known}
        ours = {"RUN_IN_PLACE": "1", "ENV_FILE": os.devnull, "DATA_DIR": str(folder / "data")}
        ours |= {"HTTP_PORT": str(self.port), "OCPP_BOOTSTRAP_API_KEY": API_KEY}
        self.environment = clean | ours
        with open(self.log, "ab") as log:
            words = ("demo", "--security", "3")
            self.process = launch("run", *words, environment=self.environment, stdout=log, stderr=log)

    def command(self, *words: str, **settings: str) -> tuple[int, str, str]:
        return finished("run", "manage", *words, environment=self.environment | settings)

    def get(self, path: str) -> Any:
        context = ssl.create_default_context()
        for name in ("server-rsa.pem", "server-ecdsa.pem"):
            context.load_verify_locations(self.folder / "data" / "tls" / name)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        request = urllib.request.Request(
            f"https://localhost:{self.port}/api/v1/{path}", headers={"Authorization": f"Api-Key {API_KEY}"}
        )
        with urllib.request.urlopen(request, timeout=30, context=context) as response:
            return json.load(response)["data"]

    def until(self, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + SECONDS
        while not is_so():
            assert self.process.poll() is None and time.monotonic() < until, self.log.read_text()[-5000:]
            time.sleep(1)  # poll: other processes are at work

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def _three_ports() -> int:
    """A port that is free together with the two after it."""
    while True:
        port = free_port()
        if _is_free(port + 1) and _is_free(port + 2):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.nightly
def test_the_demo_charges_cars_by_contract_at_stations_with_certificates(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    try:
        demo.until(lambda: demo.said().count("is connected by mutual TLS.") == len(STATIONS))

        # The line of the banner, with the settings that a command needs.
        (line,) = [one for one in demo.said().splitlines() if one.endswith("run.py manage ...")]
        settings = dict(one.split("=", 1) for one in line.split()[:-4])
        code, _, error = demo.command("trigger", "DEMO-16-01", "Heartbeat", **settings)
        assert code == 0, error

        rows = [demo.get(f"chargepoints/{identity}") for identity in STATIONS]
        assert {row["securityProfile"] for row in rows} == {3}
        used = demo.get("certificates/issued?state=active&limit=50")["issuedCertificates"]
        assert {one["clientId"] for one in used} == set(STATIONS)

        def contracts() -> list[dict[str, Any]]:
            found = demo.get("transactions?limit=50")["transactions"]
            return [one for one in found if one["idTag"] in EMAIDS]

        demo.until(lambda: {one["clientId"][:7] for one in contracts()} == {"DEMO-16", "DEMO-20", "DEMO-21"})
    finally:
        demo.process.send_signal(signal.SIGINT)
        demo.process.wait(120)

    assert demo.process.returncode == 0
    assert "Traceback" not in demo.said()
