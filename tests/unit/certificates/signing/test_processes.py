"""The signer as a process: it starts with the right passphrase alone, and the server forgets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as used

from certificates.signing import keys
from certificates.signing.keys import KeyFiles
from ocpp_server import settings as configured
from ocpp_server.process import embedded_signer
from tests.servers import ROOT
from tests.unit.certificates.csrs import PASSPHRASE

OTHER = "another passphrase of tests"


def test_a_process_that_has_taken_the_passphrase_has_it_no_more(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIGNER_PASSPHRASE = PASSPHRASE
    monkeypatch.setenv("SIGNER_PASSPHRASE", PASSPHRASE)
    monkeypatch.setitem(configured.ENVIRONMENT, "SIGNER_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr(configured, "SIGNER_PASSPHRASE", PASSPHRASE, raising=False)

    assert embedded_signer.take_passphrase() == PASSPHRASE

    assert "SIGNER_PASSPHRASE" not in os.environ
    assert configured.ENVIRONMENT["SIGNER_PASSPHRASE"] == ""
    assert (vars(configured)["SIGNER_PASSPHRASE"], used.SIGNER_PASSPHRASE) == ("", "")
    assert embedded_signer.take_passphrase() == ""


def test_every_web_process_takes_it_at_its_start() -> None:
    """uvicorn started by hand imports these modules and nothing before them."""
    for module in ("asgi.py", "process/gateway_asgi.py", "process/serving.py"):
        assert "embedded_signer.take_passphrase()" in (ROOT / "ocpp_server" / module).read_text()


@pytest.mark.process
def test_the_signer_of_a_server_that_has_died_ends_itself() -> None:
    """The pipe from the server has the passphrase, and its end is the end of the server."""
    code = (
        "import sys, time; from ocpp_server.process.embedded_signer import follow_parent; "
        "print(len(follow_parent(sys.stdin)), flush=True); time.sleep(60)"
    )
    signer = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert signer.stdin is not None and signer.stdout is not None
    with signer.stdout:
        signer.stdin.write(f"{PASSPHRASE}\n")
        signer.stdin.flush()
        assert signer.stdout.readline() == f"{len(PASSPHRASE)}\n"
        assert signer.poll() is None

        signer.stdin.close()

        assert signer.wait(30) == -signal.SIGTERM


@pytest.mark.process
@pytest.mark.parametrize(
    ("passphrase", "sentence"), [("", "SIGNER_PASSPHRASE_FILE"), (OTHER, "wrong passphrase")]
)
def test_a_signer_without_the_passphrase_does_not_start(
    migrated_database: Path, tmp_path: Path, passphrase: str, sentence: str
) -> None:
    (tmp_path / "db.sqlite3").write_bytes(migrated_database.read_bytes())
    KeyFiles(tmp_path / "signer", PASSPHRASE).create("root", keys.ECDSA)
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "ENV_FILE": os.devnull,
        "RUN_IN_PLACE": "1",
        "SIGNER_PASSPHRASE": passphrase,
    }

    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "signer"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not passphrase or passphrase not in done.stdout + done.stderr
