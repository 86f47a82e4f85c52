"""The generated TypeScript client is built, its types are checked, and it works with a running server."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from clients.build import build_typescript
from tests.servers import API_KEY, LiveServer


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
async def test_the_typescript_client_works_with_a_running_server(server: LiveServer, tmp_path: Path) -> None:
    built = await asyncio.to_thread(build_typescript, tmp_path / "client")

    environment = {**os.environ, "BASE_URL": f"http://127.0.0.1:{server.port}", "API_KEY": API_KEY}
    done = await asyncio.to_thread(
        subprocess.run,
        ["node", "dist/test/first_hour.js"],
        cwd=built,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr
