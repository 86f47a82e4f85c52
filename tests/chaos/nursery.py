"""A parent that has imported everything and forks one real server after the other: a start takes a moment.

Lines in: `start`. Lines out: `forked <pid>`, `up` when it listens, `down` when it has ended, however it did.
The server it forks is `run.py`'s, with the same settings and the same uvicorn, on a database that is migrated
already. `--answer-before-commit` breaks its journal on purpose, to prove that the tests notice.
"""

from __future__ import annotations

import os
import select
import signal
import sys

import django


def prepare(cards: int, *, is_broken: bool) -> None:
    django.setup()

    from django.db import connections
    from django.urls import get_resolver

    import ocpp_server.asgi  # noqa: F401 - imported here, once
    from accounts.models import Token
    from ocpp_server.storage import journal

    get_resolver().url_patterns  # noqa: B018 - imports every view
    for number in range(cards):
        Token.objects.get_or_create(uid=f"CARD-{number}", type=Token.Type.RFID)
    connections.close_all()
    if is_broken:
        journal.Journal.commit = _commit_later  # type: ignore[method-assign]


async def _commit_later(self: object, unit: object) -> None:
    """What a journal must never do: return before the unit is stored."""
    future = self._submit(unit.take(), None)  # type: ignore[attr-defined]
    future.add_done_callback(lambda done: done.exception())


def serve() -> None:
    """The child: a server like any other."""
    from ocpp_server import settings
    from ocpp_server.process import start

    signal.signal(signal.SIGTERM, lambda *_: None)
    with start.listen(settings.HTTP_PORT) as listener, start.sole_server(settings.DATA_DIR):
        start.raise_file_limit()
        start.Server(start.uvicorn_config(), banner="up", demo=None).run(sockets=[listener])


def main() -> None:
    is_broken = "--answer-before-commit" in sys.argv
    prepare(int(sys.argv[1]), is_broken=is_broken)
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "start":
            continue
        # The child holds the writing end for as long as it lives.
        alive, held = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(alive)
            try:
                serve()
            finally:
                os._exit(0)
        os.close(held)
        print(f"forked {child}", flush=True)
        # Whoever started us may be gone as well: then nobody else would end the child.
        readable, _, _ = select.select([alive, sys.stdin], [], [])
        if alive not in readable:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(alive)
        print("down", flush=True)


if __name__ == "__main__":
    main()
