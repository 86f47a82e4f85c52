"""A real MQTT broker (amqtt), from an environment of its own.

amqtt needs another version of websockets than the server. Its environment is made once for each machine and
each content of broker-requirements.txt, in the folder for temporary files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.processes import Launched, launch
from tests.servers import free_port

REQUIREMENTS = Path(__file__).with_name("broker-requirements.txt")
_CONFIGURATION = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
{secure}plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""
_SECURE = """\
  secure:
    type: tcp
    bind: 127.0.0.1:{port}
    ssl: true
    certfile: {certificate}
    keyfile: {key}
"""


def environment() -> Path:
    """The folder of the broker's environment."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"ocpp-mqtt-broker-{digest}"
    if not folder.exists():
        made = Path(tempfile.mkdtemp(prefix="ocpp-mqtt-broker-"))
        subprocess.run([sys.executable, "-m", "venv", str(made)], check=True, capture_output=True)
        pip = [str(made / "bin" / "python"), "-m", "pip", "install", "-q", "--require-hashes"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True, capture_output=True)
        try:
            made.rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(made)
    return folder


class Broker:
    """A process of the broker on a port of its own, without a memory of its own across restarts.

    `tls`: a certificate and its key, for a second port.
    """

    def __init__(self, folder: Path, *, tls: tuple[Path, Path] | None = None) -> None:
        self.port, self.tls_port = free_port(), free_port()
        secure = ""
        if tls is not None:
            certificate, key = tls
            secure = _SECURE.format(port=self.tls_port, certificate=certificate, key=key)
        self._configuration = folder / "broker.yml"
        self._configuration.write_text(_CONFIGURATION.format(port=self.port, secure=secure))
        self._log = folder / "broker.log"
        self._process: Launched | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> Broker:
        program = [str(environment() / "bin" / "python"), "-m", "amqtt.scripts.broker_script"]
        with open(self._log, "ab") as log:
            self._process = launch(
                "command",
                *program,
                "-c",
                str(self._configuration),
                environment={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not self._listens():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)  # poll: another process is starting
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
