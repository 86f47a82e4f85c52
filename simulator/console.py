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
from typing import Any
from urllib.parse import urlsplit

from simulator.demo import Demo
from simulator.fleet import Fleet
from simulator.report import Progress, complaint, summary, write_table
from simulator.versions import parse_versions

DEFAULT_URL = "ws://127.0.0.1:8081/ocpp"
_PARENT_EVERY_S = 1.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Seconds of a duration such as ``90``, ``60s`` or ``1m30s``; a ValueError says what is expected."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 60s, 5m or 1h30m")
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
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def endpoint(text: str) -> str:
    """The address stations connect to, without their identity. Raises ArgumentTypeError."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # the port is no number
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"{text!r} is no WebSocket address; write {DEFAULT_URL}")
    return text


def add_arguments(parser: argparse.ArgumentParser, *, url: str = DEFAULT_URL) -> None:
    """The options of `manage.py simulate` and of `python -m simulator`; `url` is where --url is not given."""
    parser.add_argument(
        "--url", type=endpoint, default=url, help="endpoint without the identity (default %(default)s)"
    )
    parser.add_argument(
        "--stations", type=_count, default=3, metavar="N", help="how many (default %(default)s)"
    )
    parser.add_argument("--duration", type=duration, default=60.0, help="60s, 5m, 1h30m (default 60s)")
    parser.add_argument(
        "--versions",
        type=_versions,
        default=_versions("1.6,2.0.1,2.1"),
        metavar="LIST",
        help="OCPP versions, taken in turn (default 1.6,2.0.1,2.1)",
    )
    parser.add_argument(
        "--prefix", default="SIM", help="identities are PREFIX-00001 and up (default %(default)s)"
    )
    parser.add_argument("--password", default=None, help="Basic authentication password of every station")
    parser.add_argument(
        "--speed",
        type=_positive,
        default=1.0,
        help="how much faster than real time timers and meters run (default 1)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same behaviour (default 0)"
    )
    parser.add_argument(
        "--tokens",
        default="",
        metavar="LIST",
        help="tokens the drivers use; without it each station has one named like itself",
    )
    parser.add_argument("--free", action="store_true", help="charge without asking whether the token may")
    parser.add_argument(
        "--idle", action="store_true", help="boot and beat only: the cheap way to many connections"
    )
    parser.add_argument(
        "--ramp", type=duration, default=0.0, help="spread the start over this time (default 0s)"
    )
    parser.add_argument(
        "--demo", action="store_true", help="six named stations that keep charging until they are stopped"
    )
    parser.add_argument(
        "--with-parent",
        type=int,
        default=None,
        metavar="PID",
        help="end when this process, which started the simulation, is gone",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: dict[str, Any], *, tls: ssl.SSLContext | None = None) -> int:
    """Run as told; returns the exit code: 0, or 1 when anything went wrong or no station was ever accepted.

    Ctrl-C ends with the summary. ``tls`` is for a wss server that this machine does not trust by itself.
    """
    return asyncio.run(_run(options, tls))


async def _run(options: dict[str, Any], tls: ssl.SSLContext | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    crowd: Demo | Fleet
    starting: asyncio.Task[None]
    if options["demo"]:
        crowd = _demo(options, tls)
        starting = asyncio.create_task(crowd.start())
    else:
        crowd = _fleet(options, tls)
        starting = asyncio.create_task(_start(crowd, options["ramp"], stop))
    began = time.monotonic()
    progress = Progress(crowd, sys.stderr, began)
    # The server that started us shows its own log on the same terminal.
    ticking = asyncio.create_task(progress.run(quiet=options["json"] or options["with_parent"] is not None))
    watching = asyncio.create_task(_end_with(options["with_parent"], stop))
    try:
        ends_in = None if options["demo"] else options["duration"]
        try:
            async with asyncio.timeout(ends_in):
                await stop.wait()
        except TimeoutError:
            pass
    finally:
        online = crowd.online
        ended = (ticking, starting, watching)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        await crowd.stop()
    report = summary(crowd, online=online, seconds=time.monotonic() - began)
    sentence = complaint(len(crowd.stations), crowd.accepted, crowd.kept_out, options["url"])
    if options["json"]:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    elif report["answers"] or not sentence:
        write_table(report, sys.stdout)
    # The server that started us and ends us within a moment knows where it is.
    if sentence and options["with_parent"] is None:
        sys.stdout.flush()
        sys.stderr.write(sentence + "\n")
    # A demonstration lives through restarts of its server; what it counted is shown, but ending it is no
    # failure.
    return 1 if not report["accepted"] or (report["errors"] and not options["demo"]) else 0


async def _start(fleet: Fleet, over_s: float, stop: asyncio.Event) -> None:
    """Start them all; when none was let in, the rest of the time would show nothing more."""
    await fleet.start(over_s=over_s)
    if not fleet.accepted:
        stop.set()


async def _end_with(parent: int | None, stop: asyncio.Event) -> None:
    """Stop when the parent is gone: one that was killed could tell nobody, and who loses it gets another."""
    if parent is None:
        return
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_EVERY_S)
    stop.set()


def _demo(options: dict[str, Any], tls: ssl.SSLContext | None) -> Demo:
    return Demo(
        options["url"], speed=options["speed"], seed=options["seed"], password=options["password"], tls=tls
    )


def _fleet(options: dict[str, Any], tls: ssl.SSLContext | None) -> Fleet:
    return Fleet(
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
    )
