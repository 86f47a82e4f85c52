"""The operator of the demo with security profile 3: the order of its requests, and failures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ocpp_server.management import secure_demo
from ocpp_server.management.api import Answer
from ocpp_server.management.secure_demo import Operator
from simulator import pki
from simulator.secure_demo import EMAIDS, MOBILITY_OPERATOR, REVOKED_EMAID, SecureDemo

ROOTS = "/api/v1/certificates/roots"
STATION = "/api/v1/chargepoints/DEMO-16-01"


class FakeApi:
    """Answers as the server does, and raises a station's profile when it is asked to."""

    def __init__(self, *, known: bool = False, refusals: int = 0, has_root: bool = True) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.known, self.refusals, self.has_root = known, refusals, has_root
        self.profiles: dict[str, int] = {}

    def get(self, path: str) -> Answer:
        if path.startswith(ROOTS):
            kind = path.rpartition("=")[2]
            mine = [{"id": 1, "name": "Root", "isEnabled": True}] if self.has_root else []
            old = [{"id": 5, "name": MOBILITY_OPERATOR, "isEnabled": True}]
            return Answer(200, True, "", {"roots": mine if kind == "csms" else old})
        identity = path.rpartition("/")[2]
        return Answer(200, True, "", {"isOnline": True, "securityProfile": self.profiles.get(identity, 1)})

    def send(self, method: str, path: str, body: dict[str, Any], *, timeout: float = 1) -> Answer:
        self.sent.append((method, path, body))
        if path == "/api/v1/chargepoints" and self.known:
            return Answer(409, False, "It exists.", {})
        if found := re.fullmatch(r".*/([^/]+)/upgrade-security-profile", path):
            if self.refusals:
                self.refusals -= 1
                return Answer(409, False, "This server knows no certificate.", {})
            self.profiles[found[1]] = body["targetProfile"]
        return Answer(201, True, "", {"id": 7})


@pytest.fixture
def demo() -> SecureDemo:
    return SecureDemo(
        "wss://localhost/ocpp", client_url="wss://localhost:2/ocpp", organization="CPO", ocsp_port=1
    )


def ran(
    monkeypatch: pytest.MonkeyPatch, demo: SecureDemo, api: FakeApi, *, patience_s: float = 30.0
) -> list[int]:
    """Run the operator. Returns the number of requests at which the stations were released."""
    released: list[int] = []

    @contextmanager
    def fake_server(**_: Any) -> Iterator[FakeApi]:
        yield api

    monkeypatch.setattr(secure_demo, "server", fake_server)
    release = lambda: released.append(len(api.sent))  # noqa: E731 - one line
    Operator(demo, release=release, patience_s=patience_s, poll_s=0.001).run()
    return released


def test_every_station_gets_root_certificate_and_profile_in_this_order(
    monkeypatch: pytest.MonkeyPatch, demo: SecureDemo
) -> None:
    api = FakeApi(refusals=2)

    released = ran(monkeypatch, demo, api)

    before, after = api.sent[: released[0]], api.sent[released[0] :]
    (mobility,) = [body for _, path, body in before if path == ROOTS]
    assert mobility["certificate"] == pki.pem_of([demo.lab.root.certificate])
    assert ("PATCH", f"{ROOTS}/5", {"isEnabled": False}) in before
    tokens = [body["uid"] for _, path, body in before if path == "/api/v1/tokens"]
    assert tokens == [*EMAIDS, REVOKED_EMAID]
    added = [body for _, path, body in before if path == "/api/v1/chargepoints"]
    passwords = {one["clientId"]: one["password"] for one in added}
    assert passwords == demo.passwords and {one["securityProfile"] for one in added} == {1}
    own = [(path.removeprefix(STATION), body) for _, path, body in after if path.startswith(STATION)]
    steps = list(dict.fromkeys(path for path, _ in own))
    assert steps == ["/install-certificate", "/trigger", "/upgrade-security-profile"]
    assert own[0][1] == {"rootId": 1}
    assert ("/trigger", {"requestedMessage": "SignChargePointCertificate"}) in own
    assert set(api.profiles) == set(demo.passwords)


def test_a_station_of_an_earlier_start_is_set_back(monkeypatch: pytest.MonkeyPatch, demo: SecureDemo) -> None:
    api = FakeApi(known=True)

    ran(monkeypatch, demo, api)

    settings = {"securityProfile": 1, "password": demo.passwords["DEMO-16-01"]}
    assert ("PATCH", STATION, settings) in api.sent


@pytest.mark.parametrize(
    ("api", "sentence"),
    [
        (FakeApi(has_root=False), "There is no root"),
        (FakeApi(refusals=10**9), "This server knows no certificate."),
    ],
)
def test_a_failure_is_printed_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    demo: SecureDemo,
    api: FakeApi,
    sentence: str,
) -> None:
    ran(monkeypatch, demo, api, patience_s=0.05)

    assert sentence in capsys.readouterr().err
