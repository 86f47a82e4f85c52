"""The lines that the server prints when it has started."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocpp_server.environment import env
from ocpp_server.environment.env import SettingError
from ocpp_server.process import start


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DATA_DIR": "HERE/data/demo"}, "DATA_DIR=data/demo python3 run.py manage ..."),
        ({"DATA_DIR": "/elsewhere"}, "DATA_DIR=/elsewhere python3 run.py manage ..."),
        (
            {"DATA_DIR": "/elsewhere", "HTTP_PORT": "9000"},
            "DATA_DIR=/elsewhere HTTP_PORT=9000 python3 run.py manage ...",
        ),
        (
            {"DATA_DIR": "HERE/d", "TLS_CERT": "HERE/d/tls/server.pem"},
            "DATA_DIR=d TLS_CERT=d/tls/server.pem python3 run.py manage ...",
        ),
    ],
)
def test_the_demo_prints_the_settings_with_which_commands_reach_it(
    variables: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HTTP_PORT", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("HERE", str(tmp_path)))

    lines = start.banner(env.read(), {}, demo=True).splitlines()

    assert f"  {line}" in lines


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"TLS_CERT": "HERE/x.pem", "HTTP_PORT": "9443", "LISTEN_ADDRESS": "192.0.2.1"},
            "wss://192.0.2.1:9444/",
        ),
        ({"TLS_CERT": "HERE/x.pem", "TLS_CLIENT_PORT": "off"}, ""),
        ({"TLS_CLIENT_PORT": "8443", "LISTEN_ADDRESS": "192.0.2.1"}, "wss://192.0.2.1:8443/ocpp/<identity>"),
        ({"TLS_CLIENT_PORT": "8443", "LISTEN_ADDRESS": "2001:db8::1"}, "wss://[2001:db8::1]:8443/ocpp/<ide"),
        (
            {"TLS_CLIENT_PORT": "8443", "PUBLIC_URL": "https://csms.example.com"},
            "wss://csms.example.com:8443",
        ),
        ({}, ""),
    ],
)
def test_the_address_for_stations_with_certificates(
    variables: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    found = [one for one in start.banner(env.read(), {}, demo=False).splitlines() if "certificates" in one]

    assert len(found) == bool(line) and all(line in one for one in found)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TLS_CLIENT_PORT": "8443"}, "there is no TLS_CERT"),
        ({"TLS_CLIENT_PORT": "9000", "HTTP_PORT": "9000", "TLS_CERT": "HERE/x.pem"}, "is HTTP_PORT already"),
    ],
)
def test_a_port_for_certificates_that_can_not_be_is_refused(
    variables: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("HERE", str(tmp_path)))

    with pytest.raises(SettingError, match=f"^TLS_CLIENT_PORT: .*{reason}"):
        start.listen_to_stations(env.read())
