"""What the queue must not be: BRPOP, then the work. A message is gone when the worker dies over it, and of
two workers the second may be faster. Run through the same harness as the processor, which has to notice both.
"""

from __future__ import annotations

import random
import time

import orjson
import redis
from django.conf import settings
from django.db import connection

from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.keys import QueueKeys


def make_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS brpop_effect"
            " (id bigserial PRIMARY KEY, identity text, transaction text, seq_no int)"
        )


def work() -> None:
    keys = QueueKeys(settings.REDIS_STATE_PREFIX)
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None)
    queues = [keys.requests(f"Q-{number}") for number in range(1000)]
    while True:
        random.shuffle(queues)
        _, head = client.brpop(queues)  # type: ignore[misc]
        message = envelope.parse(head)
        if message.event:
            continue
        frame = orjson.loads(message.frame)
        # As long as a message takes that is written on its own.
        time.sleep(random.uniform(0.001, 0.004))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO brpop_effect (identity, transaction, seq_no) VALUES (%s, %s, %s)",
                [message.charge_point_id, frame[3]["transactionInfo"]["transactionId"], frame[3]["seqNo"]],
            )
        answer = envelope.pack_frame(f'[3,"{frame[1]}",{{}}]', message.charge_point_id)
        client.lpush(keys.responses(message.charge_point_id), answer)
        client.rpush(keys.gateway_wakeups(message.ws_server_id), message.charge_point_id)
