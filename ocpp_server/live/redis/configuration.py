"""The stored configuration in Redis, where gateways and servers of other vendors can read it."""

from __future__ import annotations

from typing import Any

from ocpp_server.live import extensions
from ocpp_server.live.redis.keys import Keys
from ocpp_server.live.redis.leases import chunks
from ocpp_server.live.redis.link import Link
from ocpp_server.storage.journal import journal


async def refill_keys(link: Link, keys: Keys) -> None:
    """Replace the stored keys of all stations in Redis by the database's. Raises StorageUnavailable."""
    written: dict[str, dict[str, str]] = {}
    # A process that changes a key meanwhile writes it to Redis itself, perhaps before the older value is
    # written here: repeat until the database has not changed.
    while (stored := await journal.run(extensions.keys.app.read_all_stored_keys)) != written:
        for some in chunks([one for one in stored if stored[one] != written.get(one)]):
            pipeline = link.redis.pipeline(transaction=True)
            for identity in some:
                own: dict[Any, Any] = dict(stored[identity])
                pipeline.delete(keys.config(identity))
                if own:
                    pipeline.hset(keys.config(identity), mapping=own)
            await link.attempt(pipeline.execute())
        written = stored
