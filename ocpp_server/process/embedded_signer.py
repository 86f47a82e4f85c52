"""The signer beside the embedded server: a process of its own, which alone has the passphrase of the CA keys.

The server hands the passphrase over through a pipe and forgets it. The pipe also ends the signer when the
server dies. Two processes of one user on one machine are still no wall: decision 0104 says what this
separates.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any, Final

import structlog
from django.conf import settings as used

log = structlog.get_logger(__name__)

_NAME: Final = "SIGNER_PASSPHRASE"
_STOP_S: Final = 10


def take_passphrase() -> str:
    """The passphrase of the environment, empty if there is none. Afterwards this process has it no more."""
    # Imported here, because importing the settings raises SettingError for a wrong environment variable.
    from ocpp_server import settings as configured

    found: str = configured.ENVIRONMENT[_NAME]
    os.environ.pop(_NAME, None)
    configured.ENVIRONMENT[_NAME] = ""
    setattr(configured, _NAME, "")
    if used.configured:
        setattr(used, _NAME, "")
    return found


@contextlib.contextmanager
def beside(configured: Any) -> Iterator[None]:
    """Run a signer while the server runs, where a passphrase or another key store is set."""
    passphrase = take_passphrase()
    values = configured.ENVIRONMENT
    if not (passphrase or values["SIGNER_PASSPHRASE_FILE"] or values["SIGNER_KEY_STORE"]):
        yield
        return
    command = [sys.executable, str(configured.BASE_DIR / "manage.py"), "signer", "--embedded"]
    # In a session of its own: Ctrl-C reaches only the server, which ends the signer last.
    process = subprocess.Popen(  # noqa: S603 - this project's own command
        command,
        stdin=subprocess.PIPE,
        env={**os.environ, "HEALTH_FILE": "", "METRICS_PORT": "0"},
        start_new_session=True,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended, and `_watch` logs that
        process.stdin.write(f"{passphrase}\n".encode())
        process.stdin.flush()
    stopping = threading.Event()
    threading.Thread(target=_watch, args=(process, stopping), name="signer-watch", daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _watch(process: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    status = process.wait()
    if not stopping.is_set():
        log.error(
            "signer.ended",
            status=status,
            advice="Certificates are not signed until the server is started again; stations are served.",
        )


def follow_parent(pipe: IO[str]) -> str:
    """At the signer: read the passphrase, and end this process when the pipe ends. Returns the passphrase."""
    passphrase = pipe.readline().rstrip("\n")

    def wait() -> None:
        while pipe.readline():
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="signer-parent", daemon=True).start()
    return passphrase
