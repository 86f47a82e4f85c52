"""A server that a test kills and starts again many times a minute."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

from tests.processes import Running, output_of, running
from tests.servers import free_port


class RestartingServer:
    """The server and its folder. `up` is set while the server listens."""

    def __init__(self, folder: Path, template: Path, *, cards: int, is_broken: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "server.log"
        self.database = folder / "db.sqlite3"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, self.database)
        self.up = asyncio.Event()
        self.kills = 0
        self._cards = cards
        self._is_broken = is_broken
        self._process: Running | None = None
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ocpp_server.settings",
            "DATA_DIR": str(folder),
            "DATABASE_URL": "",
            "ENV_FILE": os.devnull,
            "HTTP_PORT": str(self.port),
            "OCPP_UNKNOWN_STATIONS": "accept",
            "LOG_LEVEL": "WARNING",
        }

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def open(self) -> None:
        """Create the tokens of the stations."""
        status, _, err = await output_of(
            "call", "tests.chaos.server:create_tokens", str(self._cards), environment=self.environment
        )
        assert status == 0, err

    async def start(self) -> None:
        """Return when the server process is forked. Use `listening` to wait until it listens."""
        with open(self.log, "ab") as log:
            self._process = await running(
                "call",
                "tests.chaos.server:serve",
                *(["broken"] if self._is_broken else []),
                environment=self.environment,
                stderr=log,
            )

    async def listening(self) -> None:
        assert self._process is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 120)
        assert line == b"up\n", f"the server ended:\n{self.log.read_text()[-3000:]}"
        self.up.set()

    def kill(self) -> None:
        """Send SIGKILL and return at once. Await `ended` before the next start."""
        assert self._process is not None
        self.up.clear()
        self.kills += 1
        self._process.send_signal(signal.SIGKILL)

    async def ended(self) -> None:
        if self._process is not None:
            await self._process.communicate()
        self._process = None

    async def stop(self) -> None:
        """Send SIGTERM as a deployment does, and wait for the end of the server."""
        assert self._process is not None
        self.up.clear()
        self._process.send_signal(signal.SIGTERM)
        await self.ended()

    async def close(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
        await self.ended()
