"""What the launcher runs for the chaos tests: a server on a migrated database, perhaps a broken one."""

from __future__ import annotations

import signal


def serve(is_broken: str = "") -> None:
    """`run.py`'s server, without its migrations. `is_broken` breaks its journal, to prove that tests notice.

    It writes `up` when it listens.
    """
    from ocpp_server import settings
    from ocpp_server.process import start
    from ocpp_server.storage import journal

    if is_broken:
        journal.Journal.commit = _commit_later  # type: ignore[method-assign]
    signal.signal(signal.SIGTERM, lambda *_: None)
    with start.listen(settings.HTTP_PORT) as listener, start.sole_server(settings.DATA_DIR):
        start.raise_file_limit()
        start.Server(start.uvicorn_config(), banner="up", demo=None).run(sockets=[listener])


def enter(cards: str) -> None:
    """Enter the tokens of so many stations."""
    from accounts.models import Token

    for number in range(int(cards)):
        Token.objects.get_or_create(uid=f"CARD-{number}", type=Token.Type.RFID)


async def _commit_later(self: object, unit: object) -> None:
    """What a journal must never do: return before the unit is stored."""
    future = self._submit(unit.take(), None)  # type: ignore[attr-defined]
    future.add_done_callback(lambda done: done.exception())
