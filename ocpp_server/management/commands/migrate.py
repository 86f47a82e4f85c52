"""Django's `migrate` for a database that is in use: stations continue charging meanwhile (F34)."""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import OperationalError, connection

from ocpp_server.storage import database

# The pause between two attempts: transactions that waited behind the migration run meanwhile.
PAUSE_S: Final = 3.0
# How long to retry. An administrator has to end a query that locks a table for longer.
RETRY_FOR_S: Final = 600.0


class Command(migrate.Command):
    """Roll back and retry a migration that meets a lock or a deadlock with another transaction.

    Migrations that were applied stay applied. Raises OperationalError after RETRY_FOR_S.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + RETRY_FOR_S
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
