"""The messages that no processor could handle: manage.py dead_letters [list | clear]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from redis import Redis, RedisError

from ocpp_server.management.tables import Table, line
from ocpp_server.process import start
from ocpp_server.transport.queue.keys import QueueKeys

_COLUMNS: Final = ("at", "charge_point_id", "attempts", "reason", "envelope")
_WITHIN_S: Final = 5.0
# A letter as it is in Redis, in bytes that the stubs of redis-py call text, and its row as
# `queue.dead_letters.letter` makes it.
Letter = tuple[Any, dict[str, Any]]


class Command(BaseCommand):
    help = "List or delete the messages that no processor could handle; their stations got InternalError."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", metavar="STEP", title="steps; list unless given")
        listing = steps.add_parser("list", help="List them, newest first. Secrets are masked.")
        listing.add_argument("--json", action="store_true", help="print one JSON object a line")
        clear = steps.add_parser("clear", help="Delete them, which resolves the alert dead_letters.")
        for one in (listing, clear):
            one.add_argument("--station", metavar="STATION", help="only those of this station")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_DISTRIBUTED_STATE:
            raise CommandError("REDIS_ADDR is not set: this server has no queue, and so no dead letters.")
        keys = QueueKeys(settings.REDIS_STATE_PREFIX)
        try:
            start.require_redis(settings.REDIS_URL)
            with Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=_WITHIN_S, socket_timeout=_WITHIN_S
            ) as client:
                found = list(_letters(client, keys, options.get("station")))
                if options["step"] == "clear":
                    _delete(client, keys, found)
        except start.StartError as error:
            raise CommandError(str(error)) from None
        except RedisError as error:
            raise CommandError(f"REDIS_ADDR: Redis can't be used ({error}).") from None
        if options["step"] == "clear":
            self.stdout.write(f"{len(found)} dead letters deleted.")
            return
        table = Table(_COLUMNS)
        for _, row in found:
            for text in [line(row)] if options.get("json") else table.add(row):
                self.stdout.write(text)
        for text in table.rest():
            self.stdout.write(text)


def _letters(client: Redis, keys: QueueKeys, station: str | None) -> Iterator[Letter]:
    # The queue trims the list to 1,000 letters.
    found: list[Any] = client.lrange(keys.dead, 0, -1)
    for raw in found:
        row = json.loads(raw.decode("utf-8", "replace"))
        if station is None or row.get("charge_point_id") == station:
            yield raw, row


def _delete(client: Redis, keys: QueueKeys, found: list[Letter]) -> None:
    """Delete these letters, and none that has arrived since."""
    with client.pipeline(transaction=False) as pipe:
        for raw, row in found:
            pipe.lrem(keys.dead, 0, raw)
            if "charge_point_id" in row:
                pipe.lrem(keys.dead_of(row["charge_point_id"]), 0, raw)
        pipe.execute()
