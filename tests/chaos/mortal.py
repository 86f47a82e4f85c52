"""A server that is killed and started again many times a minute."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.live import ROOT, free_port


class MortalServer:
    """The nursery's client. `up` is set while a server listens."""

    def __init__(self, folder: Path, template: Path, *, cards: int, is_broken: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "server.log"
        self.database = folder / "db.sqlite3"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, self.database)
        self.up = asyncio.Event()
        self.kills = 0
        self._arguments = [str(cards), *(["--answer-before-commit"] if is_broken else [])]
        self._nursery: asyncio.subprocess.Process | None = None
        self._child = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def open(self) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ocpp_server.settings",
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": "",
            "ENV_FILE": os.devnull,
            "HTTP_PORT": str(self.port),
            "OCPP_UNKNOWN_STATIONS": "accept",
            "LOG_LEVEL": "WARNING",
        }
        with open(self.log, "ab") as log:
            self._nursery = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.chaos.nursery",
                *self._arguments,
                cwd=ROOT,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        await self._said("ready")

    async def start(self) -> None:
        """Return when the server has been forked; `up` tells when it listens."""
        assert self._nursery is not None and self._nursery.stdin is not None
        self._nursery.stdin.write(b"start\n")
        self._child = int((await self._said("forked")).split()[1])

    async def listening(self) -> None:
        await self._said("up")
        self.up.set()

    def kill(self) -> None:
        """SIGKILL, now. `ended` must be awaited before the next start."""
        self.up.clear()
        self.kills += 1
        os.kill(self._child, signal.SIGKILL)

    async def ended(self) -> None:
        await self._said("down")
        self._child = 0

    async def stop(self) -> None:
        """End a server as a deployment does."""
        self.up.clear()
        os.kill(self._child, signal.SIGTERM)
        await self.ended()

    async def close(self) -> None:
        if self._nursery is None:
            return
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        try:
            await asyncio.wait_for(self._nursery.wait(), 60)
        except TimeoutError:
            self._nursery.kill()
            await self._nursery.wait()

    async def _said(self, word: str) -> str:
        """The nursery's line that begins with the word; one that died may have said `up` too."""
        assert self._nursery is not None and self._nursery.stdout is not None
        while True:
            line = (await asyncio.wait_for(self._nursery.stdout.readline(), 120)).decode()
            if not line:
                raise AssertionError(f"the nursery ended:\n{self.log.read_text()[-3000:]}")
            if line.startswith(word):
                return line
