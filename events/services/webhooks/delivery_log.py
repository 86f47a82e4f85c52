"""The rows of the log that one sender has to write, with the columns of its webhook."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from events.services.envelopes import Content
from events.services.webhooks import store
from events.services.webhooks.attempts import Attempt
from events.services.webhooks.store import Logged, Status
from ocpp_server.storage.journal import journal


class DeliveryLog:
    """Gathers rows; `flush` writes them. The cursor of a webhook is only written after the rows before it."""

    def __init__(self, endpoint: int) -> None:
        self._endpoint = endpoint
        self._rows: list[Logged] = []
        self._stored: Status | None = None
        self._turn = asyncio.Lock()

    def add(
        self,
        content: Content,
        state: str,
        attempts: int,
        result: Attempt | None = None,
        *,
        due: datetime | None = None,
        is_replay: bool = False,
    ) -> None:
        row = Logged(content, state, attempts, due, is_replay=is_replay)
        if result is not None:
            row.status, row.error = result.status, result.error
            row.duration_ms, row.excerpt = result.duration_ms, result.excerpt
        self._rows.append(row)

    def add_lost(self, count: int, position: int) -> None:
        """Note events that were deleted before they were read."""
        about = Content(
            f"lost_{position}", "stream.reset", 1, position, None, "", None, datetime.now(UTC), {}
        )
        sentence = f"{count} events were deleted before they were sent (EVENT_RETENTION)."
        self._rows.append(Logged(about, "expired", 0, error=sentence))

    async def flush(self, status: Status) -> bool:
        """Write the rows and the status. Returns False when the webhook was deleted."""
        async with self._turn:
            if not self._rows and status == self._stored:
                return True
            rows, self._rows = self._rows, []
            try:
                exists = await journal.run(store.write, self._endpoint, rows, status)
            except BaseException:
                self._rows = rows + self._rows
                raise
            self._stored = status
            return exists
