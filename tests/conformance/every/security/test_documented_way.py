"""docs/certificates.md: its commands lead a real station from a password to mutual TLS."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path

import pytest
from cryptography import x509

from simulator import Station
from simulator.certificates import CSMS
from tests.conformance.peer import Operator, Records, eventually
from tests.processes import output_of
from tests.servers import ROOT, LiveServer, free_port

pytestmark = pytest.mark.nightly
PAGE = (ROOT / "docs" / "certificates.md").read_text()
COMMANDS = re.findall(r"^    python3 run\.py manage ((?:pki|station) .*)$", PAGE, re.MULTILINE)
PASSWORD = "password-of-a-station"


async def run(server: LiveServer, folder: Path, line: str) -> str:
    known = {**server.environment, "HTTP_PORT": str(server.port)}
    code, out, error = await output_of("manage", *shlex.split(line), environment=known, cwd=folder)
    assert code == 0, (line, out, error)
    return out


def named(start: str) -> str:
    (found,) = (line for line in COMMANDS if line.startswith(start))
    return found


async def test_the_commands_of_the_page_lead_to_mutual_tls(tmp_path: Path, migrated_database: Path) -> None:
    passphrase = tmp_path / "signer-passphrase"
    passphrase.write_text("the passphrase of a documented signer\n")
    passphrase.chmod(0o600)
    live = LiveServer(
        tmp_path / "server",
        template=migrated_database,
        SIGNER_PASSPHRASE_FILE=str(passphrase),
        TLS_CLIENT_PORT=str(free_port()),
    )
    await run(live, tmp_path, named("pki init"))
    server = named("pki server-certificate").replace("csms.example.com", "localhost")
    shown = dict(line.split("=") for line in (await run(live, tmp_path, server)).splitlines())
    live.environment |= {name: str(tmp_path / path) for name, path in shown.items()}
    live.environment["PUBLIC_URL"] = f"https://localhost:{live.port}"
    live.start()
    try:
        await _raise(live, tmp_path)
    finally:
        assert live.stop() == 0


async def _raise(live: LiveServer, folder: Path) -> None:
    operator, records = Operator(live), Records(live.database)
    await operator.provision("CP-7", password=PASSWORD, securityProfile=2)
    client = f"wss://localhost:{live.environment['TLS_CLIENT_PORT']}/ocpp"
    station = Station(
        "CP-7", "1.6", live.ocpp, speed=200, password=PASSWORD, security_profile=2,
        urls={2: live.ocpp, 3: client}, retry_connect=True,
    )  # fmt: skip
    with sqlite3.connect(live.database) as rows:
        ((root,),) = rows.execute("SELECT certificate FROM certificates_trustroot WHERE kind = 'csms'")
    station.certificates.trust(CSMS, x509.load_pem_x509_certificate(root.encode()))
    await station.start(timeout_s=30)
    try:
        await run(live, folder, named("station install-certificate"))
        await run(live, folder, named("station renew-certificate"))
        await eventually(
            lambda: (
                [row["state"] for row in records.of("certificates_issuedcertificate", "CP-7")]
                == ["installed"]
            ),
            timeout=30,
        )
        await run(live, folder, f"{named('station upgrade-security-profile')} --yes")
        await eventually(lambda: records.charge_point("CP-7")["security_profile"] == 3, timeout=60)
        await eventually(station.ready.is_set, timeout=30)
    finally:
        await station.stop(grace_s=1)

    (issued,) = records.of("certificates_issuedcertificate", "CP-7")
    assert (issued["state"], issued["type"]) == ("active", "ChargingStationCertificate")
    (change,) = records.of("chargepoints_securityprofilechange", "CP-7")
    assert (change["previous"], change["target"], change["state"]) == (2, 3, "proved")
