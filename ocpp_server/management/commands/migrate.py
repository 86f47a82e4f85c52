"""Django's `migrate` for a database whose tables are in use: stations go on charging meanwhile (F34)."""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import OperationalError, connection

from ocpp_server.storage import database

# Transactions that queued up behind the migration run between two attempts.
PAUSE_S: Final = 3.0
# A query that holds a table for longer than this has to be ended by an administrator.
PATIENCE_S: Final = 600.0


class Command(migrate.Command):
    """Roll back and retry a migration that meets a lock or a deadlock with another transaction.

    Migrations that are done stay done. Raises OperationalError after PATIENCE_S.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if not database.is_conflict(error) or time.monotonic() > deadline:
                    raise
                self.stderr.write(f"A table is in use; trying the migration again: {error}")
                connection.close()
            else:
                return
            time.sleep(PAUSE_S)
