"""A parent that has imported everything and forks one processor after the other: a start takes a moment.

Lines in: `processor`, `brpop`. Lines out: `forked <pid>`, `ended <pid>`. A `brpop` worker is what the queue
must not be: it takes a message out of the queue, and then handles it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType

import django


def prepare(stations: int) -> None:
    django.setup()

    from django.db import connections

    import ocpp_server.asgi  # noqa: F401 - imported here, once, with every handler
    from accounts.models import Token
    from chargepoints.models import ChargePoint
    from tests.distributed.queue.brpop import make_table

    for number in range(stations):
        identity = f"Q-{number}"
        ChargePoint.objects.get_or_create(
            identity_key=identity.casefold(),
            defaults={"identity": identity, "registration_status": ChargePoint.Registration.ACCEPTED},
        )
        Token.objects.get_or_create(uid=f"CARD-{number}", type=Token.Type.RFID)
    make_table()
    connections.close_all()
    for connection in connections.all():
        # Its threads would not be there after a fork.
        connection.close_pool()  # type: ignore[attr-defined]


def work(kind: str) -> None:
    """The child."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if kind == "brpop":
        from tests.distributed.queue import brpop

        brpop.work()
        return
    from ocpp_server.management.commands.process_queue import Command

    Command().handle()


def reap(number: int, frame: FrameType | None) -> None:
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        children.discard(pid)
        os.write(1, f"ended {pid}\n".encode())


children: set[int] = set()


def main() -> None:
    prepare(int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, reap)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                sys.stdin.close()
                # What it logs is no line of ours.
                os.dup2(2, 1)
                work(line.strip())
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(0)
        children.add(child)
        print(f"forked {child}", flush=True)
    for child in list(children):
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
