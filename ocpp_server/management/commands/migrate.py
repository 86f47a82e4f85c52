"""Django's `migrate`, for a database whose tables are in use: stations charge on meanwhile (F34)."""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import OperationalError, connection

from ocpp_server.storage import database

# Between two attempts those who queued up behind the migration get their turn.
PAUSE_S: Final = 3.0
# A report that runs longer than this is somebody's to end.
PATIENCE_S: Final = 600.0


class Command(migrate.Command):
    """A migration that meets a lock, or a deadlock with somebody who writes, is rolled back and tried again.

    Those that are done stay done. Raises OperationalError after PATIENCE_S.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if not database.is_conflict(error) or time.monotonic() > deadline:
                    raise
                self.stderr.write(f"Others use a table; the migration is tried again: {error}")
                connection.close()
            else:
                return
            time.sleep(PAUSE_S)
