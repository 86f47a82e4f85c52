"""Functions that the launcher runs for the chaos tests: a server on a migrated database, and its tokens."""

from __future__ import annotations

import signal


def serve(is_broken: str = "") -> None:
    """Run the server of `run.py` without migrations, and print `up` when it listens.

    `is_broken` makes the journal answer before it commits, to prove that the tests detect it.
    """
    from ocpp_server import settings
    from ocpp_server.process import start
    from ocpp_server.process.server import Server
    from ocpp_server.storage import journal

    if is_broken:
        journal.Journal.commit = _commit_later  # type: ignore[method-assign]
    signal.signal(signal.SIGTERM, lambda *_: None)
    with start.listen(settings.ENVIRONMENT) as listeners, start.sole_server(settings.DATA_DIR):
        start.raise_file_limit()
        Server(start.uvicorn_config(), banner="up", demo=None).run(sockets=listeners)


def create_tokens(cards: str) -> None:
    """Create the tokens of this many stations."""
    from accounts.models import Token

    for number in range(int(cards)):
        Token.objects.get_or_create(uid=f"CARD-{number}", type=Token.Type.RFID)


async def _commit_later(self: object, unit: object) -> None:
    """Return before the unit is stored, which a journal must never do."""
    future = self._submit(unit.take(), None)  # type: ignore[attr-defined]
    future.add_done_callback(lambda done: done.exception())
