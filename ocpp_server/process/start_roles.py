"""Start of one role of a distributed server: `run.py web | gateway | processor | housekeeping |
signer | migrate`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any

import django
import uvloop

from ocpp_server.environment import env, roles
from ocpp_server.environment.roles import ROLES, Role
from ocpp_server.process import start, work, workers
from ocpp_server.process.garbage_collection import tune_garbage_collector
from ocpp_server.process.serving import APPLICATIONS, prepare, serve_on
from ocpp_server.process.work import Work
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport import shutdown


def serve(role: Role) -> int:
    """Run the role until a signal arrives. Returns the exit status.

    Raises SettingError for a wrong setting.
    """
    roles.begin(role)
    try:
        with contextlib.ExitStack() as held:
            if role in APPLICATIONS:
                return _listen(role, held)
            return _work(role)
    except start.StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code


def migrate() -> int:
    """Migrate the database and create the first login, under a lock. Returns the exit status."""
    try:
        django.setup()
        first_login = start.prepare_database(demo=False)
    except start.StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    print("The database is up to date.")
    if first_login:
        print(f"The credentials of the first login are in {first_login['file']}.")
    return 0


# -- roles with a port ----------------------------------------------------------------------------------


def _listen(role: Role, held: contextlib.ExitStack) -> int:
    values = env.read()
    if role is Role.WEB and values["WEB_WORKERS"] > 1:
        return workers.run(role, values)
    listeners = held.enter_context(start.listen_to_stations(values))
    configured = prepare(role)
    serve_on(role, listeners, banner=_banner(role, configured.ENVIRONMENT))
    print(f"The {role} process has stopped.", flush=True)
    return 0


def _banner(role: Role, values: dict[str, Any]) -> str:
    if role is Role.WEB:
        return start.banner(values, {}, demo=False)
    endpoint = start.endpoint(values)
    lines = [f"  OCPP endpoint  {endpoint}/<identity>", *start.certificate_endpoint(values), ""]
    return "\n".join(["", "The gateway is running. Ctrl-C stops it.", "", *lines])


# -- roles without a port -------------------------------------------------------------------------------


def _work(role: Role) -> int:
    prepare(role)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(until_signal(_worker(role), role))
    except StorageUnavailable as error:
        raise start.StartError(str(error)) from None
    print(f"The {role} process has stopped.", flush=True)
    return 0


def _worker(role: Role) -> Work:
    own = {Role.PROCESSOR: process_queue, Role.HOUSEKEEPING: run_housekeeping}
    return own.get(role) or work.of(role)


async def process_queue(stop: asyncio.Event) -> None:
    """Start the engine, run a processor until `stop` is set, and stop the engine."""
    # Imported here, because both read Django's settings, which `prepare` sets up.
    from ocpp_server.process import engine
    from ocpp_server.transport.queue.processor import Processor

    await engine.start()
    try:
        await Processor().run(stop)
    finally:
        await engine.stop()


async def run_housekeeping(stop: asyncio.Event) -> None:
    """Run the engine without a port: it stands for election and runs the jobs of the elected housekeeper."""
    # Imported here, because it reads Django's settings, which `prepare` sets up.
    from ocpp_server.process import engine

    await engine.start()
    try:
        await stop.wait()
    finally:
        await engine.stop()


async def until_signal(role_work: Work, role: Role) -> None:
    """Run the work until SIGTERM or SIGINT; it finishes the current messages. A second signal exits at
    once.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def handle_signal() -> None:
        if stop.is_set():
            # A message that is not stored was not answered: its station sends it again.
            os._exit(1)
        shutdown.begin()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle_signal)
    tune_garbage_collector()
    print(f"The {role} process is running: {ROLES[role].sentence}. Ctrl-C stops it.", flush=True)
    await role_work(stop)
