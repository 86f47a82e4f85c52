"""The demo with security profile 3: a CA and certificates of its own, before the server starts with them.

Everything is made in DATA_DIR, with a passphrase that is generated there: good for a demo, too weak for a
real CA, whose passphrase stays away from the machine of the server.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final

from ocpp_server.environment import env
from ocpp_server.process import start

ORGANIZATION: Final = "Demo CPO"
# The ports of the demo, beside HTTP_PORT: of client certificates, and of the OCSP responder of the cars' lab.
_CLIENT_PORT, _OCSP_PORT = 1, 2
_ROOT: Final = Path(__file__).resolve().parents[2]


def serve() -> int:
    """Prepare the demo where that is not done, and serve it until a signal arrives. Returns the exit status.

    Raises SettingError for a wrong setting.
    """
    values = env.read()
    folder, port = values["DATA_DIR"], values["HTTP_PORT"]
    ocsp_port = port + _OCSP_PORT
    client_port = str(values["TLS_CLIENT_PORT"] or port + _CLIENT_PORT)
    print("Making the demo's CA and certificates, where they are missing ...", flush=True)
    try:
        with start.sole_server(folder):
            os.environ["SIGNER_PASSPHRASE_FILE"] = str(_passphrase(folder / "demo-passphrase"))
            _make_certificates(folder / "tls")
    except start.StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    os.environ |= {
        "TLS_CLIENT_PORT": client_port,
        "PUBLIC_URL": f"https://localhost:{port}",
        # Stations name the responder, and its address is private.
        "OCPP_OCSP_ALLOWED_HOSTS": f"127.0.0.1:{ocsp_port}",
    }
    simulate = [
        *("--security", "3", "--url", f"wss://localhost:{port}/ocpp"),
        *("--client-url", f"wss://localhost:{client_port}/ocpp"),
        *("--organization", ORGANIZATION, "--ocsp-port", str(ocsp_port)),
    ]
    return start.serve(demo=True, simulate=simulate)


def _passphrase(path: Path) -> Path:
    """The file with the passphrase of the CA's keys; it is made at the first start."""
    if not path.exists():
        # Readable by the owner alone from the beginning, and whole: a half passphrase would lock the keys.
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        draft.replace(path)
    return path


def _make_certificates(folder: Path) -> None:
    """The CAs, as far as they are missing, and certificates of the server, which become its settings."""
    _manage("migrate", "--verbosity", "0")
    _manage("pki", "init", "--organization", ORGANIZATION)
    folder.mkdir(mode=0o700, exist_ok=True)
    written = _manage("pki", "server-certificate", "--name", "localhost", "--out", str(folder))
    for line in written.splitlines():
        name, is_setting, path = line.partition("=")
        if is_setting and name in ("TLS_CERT", "TLS_SECOND_CERT"):
            os.environ[name] = path


def _manage(*arguments: str) -> str:
    """Run a command of Django in a process of its own: this one reads its settings only afterwards.

    Raises StartError.
    """
    line = [sys.executable, str(_ROOT / "manage.py"), *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["it printed no reason"]
        raise start.StartError(f"manage.py {' '.join(arguments[:2])} failed: {reason[0]}")
    return done.stdout
