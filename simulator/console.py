"""The simulator on the command line: options, progress, summary, exit code."""

import argparse
import asyncio
import json
import os
import re
import signal
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from simulator import security_options
from simulator.demo import Demo
from simulator.fleet import Fleet
from simulator.lab_pki import LabPki
from simulator.network import WITH_CERTIFICATE
from simulator.report import Progress, failure_sentence, summary, write_table
from simulator.secure_demo import SecureDemo
from simulator.versions import parse_versions

DEFAULT_URL = "ws://127.0.0.1:8081/ocpp"
_PARENT_EVERY_S = 1.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Parse a duration such as ``90``, ``60s`` or ``1m30s`` to seconds. Raises ValueError with the expected
    form.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; use 60s, 5m or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _versions(text: str) -> tuple[str, ...]:
    try:
        return parse_versions(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def endpoint(text: str) -> str:
    """Check the URL stations connect to, without their identity. Raises ArgumentTypeError."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # the port is not a number
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"{text!r} is not a WebSocket URL; use {DEFAULT_URL}")
    return text


def add_arguments(parser: argparse.ArgumentParser, *, url: str = DEFAULT_URL) -> None:
    """Add the options of `manage.py simulate` and `python -m simulator`; `url` is the default of --url."""
    parser.add_argument(
        "--url", type=endpoint, default=url, help="WebSocket URL without the identity (default %(default)s)"
    )
    parser.add_argument(
        "--stations", type=_count, default=3, metavar="N", help="number of stations (default %(default)s)"
    )
    parser.add_argument(
        "--duration", type=duration, default=60.0, help="length of the run: 60s, 5m, 1h30m (default 60s)"
    )
    parser.add_argument(
        "--versions",
        type=_versions,
        default=_versions("1.6,2.0.1,2.1"),
        metavar="LIST",
        help="OCPP versions, assigned in turn (default 1.6,2.0.1,2.1)",
    )
    parser.add_argument(
        "--prefix", default="SIM", help="prefix of the identities, as in PREFIX-00001 (default %(default)s)"
    )
    parser.add_argument("--password", default=None, help="Basic authentication password of every station")
    parser.add_argument(
        "--speed",
        type=_positive,
        default=1.0,
        help="speed of timers and meters relative to real time (default 1)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random behaviour (default 0)")
    parser.add_argument(
        "--tokens",
        default="",
        metavar="LIST",
        help="tokens the drivers use (default: one per station, named like the station)",
    )
    parser.add_argument("--free", action="store_true", help="charge without authorizing the token")
    parser.add_argument(
        "--idle", action="store_true", help="only boot and send heartbeats, for many connections"
    )
    parser.add_argument(
        "--ramp", type=duration, default=0.0, help="time over which the stations start (default 0s)"
    )
    parser.add_argument("--demo", action="store_true", help="run six named stations until stopped")
    parser.add_argument(
        "--with-parent",
        type=int,
        default=None,
        metavar="PID",
        help="end when this process, which started the simulation, ends",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    security_options.add_arguments(parser)


def run(
    options: dict[str, Any],
    *,
    tls: ssl.SSLContext | None = None,
    beside: Callable[[SecureDemo], None] | None = None,
) -> int:
    """Run the simulation. Returns the exit code: 0, or 1 after errors or when no station was ever accepted.

    Ctrl-C ends the run and prints the summary. ``tls`` is for a wss server whose certificate this machine
    does not trust. ``beside`` is called with a demo of security profile 3 before it starts.
    """
    return asyncio.run(_run(options, tls, beside))


async def _run(
    options: dict[str, Any], tls: ssl.SSLContext | None, beside: Callable[[SecureDemo], None] | None
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    group = _group(options, tls)
    if isinstance(group, SecureDemo) and beside is not None:
        beside(group)
    try:
        await group.start_responder()
    except OSError as error:
        raise SystemExit(f"--ocsp-port: the port can't be used ({error.strerror}).") from None
    if isinstance(group, Demo):
        starting = asyncio.create_task(group.start())
    else:
        starting = asyncio.create_task(_start(group, options["ramp"], stop))
    began = time.monotonic()
    progress = Progress(group, sys.stderr, began)
    # A parent is the server, which writes its log to the same terminal.
    ticking = asyncio.create_task(progress.run(quiet=options["json"] or options["with_parent"] is not None))
    watching = asyncio.create_task(_stop_with_parent(options["with_parent"], stop))
    try:
        ends_in = None if options["demo"] else options["duration"]
        try:
            async with asyncio.timeout(ends_in):
                await stop.wait()
        except TimeoutError:
            pass
    finally:
        online = group.online
        ended = (ticking, starting, watching)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        await group.stop()
    report = summary(group, online=online, seconds=time.monotonic() - began)
    sentence = failure_sentence(len(group.stations), group.accepted, group.not_accepted, options["url"])
    if options["json"]:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    elif report["answers"] or not sentence:
        write_table(report, sys.stdout)
    # A server that started this simulation needs no hint about its own URL.
    if sentence and options["with_parent"] is None:
        sys.stdout.flush()
        sys.stderr.write(sentence + "\n")
    # A demo survives restarts of its server, so errors it counted are printed but do not fail the run.
    return 1 if not report["accepted"] or (report["errors"] and not options["demo"]) else 0


async def _start(fleet: Fleet, over_s: float, stop: asyncio.Event) -> None:
    """Start all stations. Stop the run when none was accepted: waiting longer would show nothing more."""
    await fleet.start(over_s=over_s)
    if not fleet.accepted:
        stop.set()


async def _stop_with_parent(parent: int | None, stop: asyncio.Event) -> None:
    """Stop when the parent process is gone. A killed parent sends no signal, but an orphan gets another
    parent id.
    """
    if parent is None:
        return
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_EVERY_S)
    stop.set()


def _group(options: dict[str, Any], tls: ssl.SSLContext | None) -> Demo | Fleet:
    if options["demo"]:
        return _demo(options, tls)
    lab = security_options.lab(options)
    fleet = _fleet(options, lab, tls)
    if lab is not None and options["ocsp_port"]:
        fleet.answer_ocsp(lab, options["ocsp_port"])
    return fleet


def _demo(options: dict[str, Any], tls: ssl.SSLContext | None) -> Demo:
    if options["security"] == WITH_CERTIFICATE:
        return SecureDemo(
            options["url"],
            client_url=options["client_url"] or options["url"],
            organization=options["organization"],
            ocsp_port=options["ocsp_port"],
            speed=options["speed"],
            seed=options["seed"],
            tls=tls,
        )
    return Demo(
        options["url"], speed=options["speed"], seed=options["seed"], password=options["password"], tls=tls
    )


def _fleet(options: dict[str, Any], lab: LabPki | None, tls: ssl.SSLContext | None) -> Fleet:
    fleet = Fleet(
        options["url"],
        options["stations"],
        versions=options["versions"],
        prefix=options["prefix"],
        speed=options["speed"],
        seed=options["seed"],
        password=lambda identity: options["password"],
        charging=not options["idle"],
        free=options["free"],
        tokens=tuple(token.strip() for token in options["tokens"].split(",") if token.strip()),
        tls=tls,
        vehicle=security_options.vehicle(options, lab),
        **security_options.station_options(options),
    )
    for station in fleet.stations:
        security_options.equip(station, options)
    return fleet
