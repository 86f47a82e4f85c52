"""The parts that a process needs to work, for readiness probes: {name: {"ok", "detail", ...}}."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

# A part as the REST API shows it: "ok", "detail" and figures.
Part = dict[str, Any]
Probe = Callable[[], Awaitable[Part]]

_probes: dict[str, tuple[Probe, Callable[[], bool]]] = {}


def register(name: str, probe: Probe, *, when: Callable[[], bool] = lambda: True) -> None:
    """Add a part. `when` returns whether a process with these settings has it.

    A probe must return within two seconds, even if its part hangs, and must raise nothing.
    """
    _probes[name] = (probe, when)


async def parts() -> dict[str, Part]:
    """Every part of this process by name, all probed at once."""
    wanted = {name: probe for name, (probe, when) in _probes.items() if when()}
    found = await asyncio.gather(*(probe() for probe in wanted.values()))
    return dict(zip(wanted, found, strict=True))


def part(is_ok: bool, detail: str, **figures: Any) -> Part:
    return {"ok": is_ok, "detail": detail, **figures}
