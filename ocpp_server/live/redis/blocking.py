"""Publishing of news by a process without an engine, such as `manage.py`, over a blocking connection."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from ocpp_server.live.redis.keys import Keys
from ocpp_server.live.redis.publisher import news_text

log = structlog.get_logger(__name__)

TIMEOUT_S = 3


def publish_blocking(keys: Keys, process: str, news: tuple[Any, ...]) -> None:
    """Publish a change, and block until Redis has it.

    A failure is logged: the other processes notice the change later, because their caches expire and the
    housekeeper compares Redis with the database.
    """
    with Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    ) as client:
        try:
            match news:
                case ("ended", number, *_):
                    client.hdel(keys.transactions, str(number))
                case ("key", identity, key, None):
                    client.hdel(keys.config(identity), key)
                case ("key", identity, key, value):
                    client.hset(keys.config(identity), key, value)
                case ("removed", identity):
                    client.delete(*keys.of_station(identity))
                    client.srem(keys.stations, identity)
            client.publish(keys.news, news_text(process, [list(news)]))
        except (RedisError, OSError) as error:
            log.error("redis.news_untold", news=news[0], error=str(error))
