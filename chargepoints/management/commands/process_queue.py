"""Process what stations at gateways say: `manage.py process_queue`, as often as there is work for."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Process the messages of stations at gateways until a signal comes; start as many as needed."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_DISTRIBUTED_STATE:
            raise CommandError("REDIS_ADDR: gateways and processors meet in Redis; say where it is.")
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve())


async def _serve() -> None:
    from chargepoints.queue import processor
    from ocpp_server.asgi import calm_collector

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    calm_collector()
    await processor.serve(stop)
