"""A plain BRPOP consumer, which has two faults the processor must not have.

A message is lost when its worker dies, and two workers can change the order of messages. The tests run this
consumer as well, to prove that they detect both faults.
"""

from __future__ import annotations

import os
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
    # A worker that replaces a killed one must choose otherwise; its choices are not those of the test.
    chance = random.Random(os.getpid())
    while True:
        chance.shuffle(queues)
        _, head = client.brpop(queues)  # type: ignore[misc]
        message = envelope.parse(head)
        if message.event:
            continue
        frame = orjson.loads(message.frame)
        # A message that is stored on its own takes about this long.
        time.sleep(chance.uniform(0.001, 0.004))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO brpop_effect (identity, transaction, seq_no) VALUES (%s, %s, %s)",
                [message.charge_point_id, frame[3]["transactionInfo"]["transactionId"], frame[3]["seqNo"]],
            )
        answer = envelope.pack_frame(f'[3,"{frame[1]}",{{}}]', message.charge_point_id)
        client.lpush(keys.responses(message.charge_point_id), answer)
        client.rpush(keys.gateway_wakeups(message.ws_server_id), message.charge_point_id)
