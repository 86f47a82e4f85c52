"""Every request of docs/api.md is sent to a new server, and has the answer that the page shows."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.clients.first_hour import PAGE, Step, differences, steps
from tests.servers import ROOT, LiveServer

# How long an answer may need to become the shown one: a station connects, charges and stops meanwhile.
PATIENCE_S = 30


@pytest.fixture
def new_server(tmp_path: Path, migrated_database: Path) -> Iterator[LiveServer]:
    """A server of its own: the page names the first rows by their numbers."""
    running = LiveServer(tmp_path / "hour", template=migrated_database).start()
    yield running
    assert running.stop() == 0


@pytest.mark.slow
async def test_the_first_hour_is_as_the_page_says(new_server: LiveServer) -> None:
    programs = []
    found = list(steps(PAGE.read_text("utf-8")))
    try:
        for step in found:
            if step.program:
                programs.append(await _started(step.program, new_server))
            else:
                await asyncio.to_thread(_check, step, new_server)
    finally:
        for program in programs:
            program.kill()
            await program.wait()

    assert len(found) >= 15


async def _started(program: list[str], server: LiveServer) -> Any:
    """Start the simulator as the page does, only against this server and in a hurry."""
    arguments = [server.ocpp if word.startswith("ws://") else word for word in program]
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, "--speed", "100", cwd=ROOT, stdout=DEVNULL, stderr=DEVNULL
    )


def _check(step: Step, server: LiveServer) -> None:
    """Send the request; repeat a GET until its answer is the shown one."""
    until = time.monotonic() + PATIENCE_S
    while True:
        status, answer = _sent(step, server)
        lines = list(differences(step.answer, answer)) if step.answer is not None else []
        if status == step.status and not lines:
            return
        if step.method != "GET" or time.monotonic() > until:
            raise AssertionError(f"{step.line}\nstatus {status}\n" + "\n".join([*lines, str(answer)[:2000]]))
        time.sleep(0.05)  # another process changes the state; there is no event to await


def _sent(step: Step, server: LiveServer) -> tuple[int, Any]:
    return server.request(step.method, step.path, step.body, **step.headers)
