"""The hash of running transactions in Redis, which all processes write."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import structlog

from ocpp_server.live.records import TransactionState
from ocpp_server.live.redis.keys import Keys
from ocpp_server.live.redis.leases import chunks
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.publisher import running_state

log = structlog.get_logger(__name__)


class RunningHash:
    """Reads the hash; each process writes its own stations' transactions into it (`publisher`)."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def numbers(self) -> set[int]:
        """The numbers of all running transactions."""
        shown = await self._link.attempt(self._link.redis.hkeys(self._keys.transactions))
        return {int(number) for number in shown if number.isdecimal()}

    async def states(self, numbers: Iterable[int]) -> list[TransactionState]:
        """The transactions with these numbers that Redis has."""
        found = []
        for some in chunks(list(numbers)):
            texts = await self._link.attempt(self._link.redis.hmget(self._keys.transactions, some))
            for number, text in zip(some, texts, strict=True):  # equivalent: Redis answers for each
                try:
                    found += [] if text is None else [running_state(text)]
                except msgspec.DecodeError as error:
                    # Another program or release wrote it. The transaction itself is in the database.
                    log.warning("redis.odd_transaction", transaction=number, error=str(error))
        return found
