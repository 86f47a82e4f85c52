"""Figures that the benchmark computes, without servers."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench import books, disk, machine
from bench.conversations import CONVERSATIONS, Conversation
from bench.samples import COUNTS, VARIANTS, rendered
from ocpp_server.protocol import schemas

SENT = {
    "1.6": {"messages": 90, "cycles": 10, "readings": 50, "samples": 150, "energy_wh": 500},
    "2.0.1": {"messages": 9, "cycles": 1, "readings": 5, "samples": 70, "energy_wh": 40, "variables": 2000},
}
FOUND = {
    "messages in the log": 99,
    "transactions": 11,
    "transactions stopped by their station": 11,
    "suspect transactions": 0,
    "samples": 220,
    "events": 7,
    "Wh": 540.0,
    "deviations": 0,
    "variables": 2000,
}


def sent_by(conversation: Conversation) -> list[Any]:
    """The messages of a whole cycle."""
    messages = []
    for number in range(conversation.readings + 4):
        messages.append(json.loads(conversation.next(number)))
        conversation.answered(b'[3,"1",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]')
    return messages


@pytest.mark.parametrize("version", CONVERSATIONS)
@pytest.mark.parametrize("count", COUNTS)
def test_a_cycle_has_five_readings_of_so_many_samples_that_change(version: str, count: int) -> None:
    conversation = CONVERSATIONS[version]("S-1", "CARD1", count)

    payloads = [message[3] for message in sent_by(conversation) if "meterValue" in message[3]]

    readings = [payload["meterValue"][0]["sampledValue"] for payload in payloads]
    assert [len(samples) for samples in readings] == [count] * 5
    assert len({json.dumps(samples[1:]) for samples in readings}) == 5
    registers = [float(samples[0]["value"]) for samples in readings]
    assert registers[-1] - registers[0] == 40
    assert conversation.is_between_cycles and conversation.cycles == 1


@pytest.mark.parametrize("version", CONVERSATIONS)
@pytest.mark.parametrize("count", COUNTS)
def test_the_messages_of_the_generator_keep_the_schema(version: str, count: int) -> None:
    conversation = CONVERSATIONS[version]("S-1", "CARD1", count)

    for message in sent_by(conversation):
        assert schemas.check(conversation.subprotocol, message[2], "request", message[3], strict=True) == ()

    assert len(rendered(version, count)) == VARIANTS


def test_books_that_agree_have_no_differences_and_a_lost_sample_is_one() -> None:
    assert books.differences(FOUND, SENT) == []

    assert books.differences(FOUND | {"samples": 219}, SENT) == ["samples: 219, not 220"]
    assert books.differences(FOUND | {"events": 6}, SENT) == ["events: 6, not 7"]


def test_bytes_a_message_are_the_growth_without_the_outbox(tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("CREATE INDEX message_by_text ON message (text)")
        connection.execute("CREATE TABLE api_events (id INTEGER PRIMARY KEY, text TEXT)")
        connection.commit()
        empty = disk.of_sqlite(file)
        for table in ("message", "api_events"):
            rows = [(f"{number:0500}",) for number in range(1000)]
            connection.executemany(f"INSERT INTO {table} (text) VALUES (?)", rows)
        connection.commit()

        sizes = disk.per_message(empty, disk.of_sqlite(file), 1000)

    assert 500 < sizes["outbox"] < 700
    assert set(sizes["tables"]) == {"message", "api_events"}
    message = sizes["tables"]["message"]
    assert 500 < message["rows"] < 700 and 500 < message["indexes"] < 800
    assert sizes["bytes"] == pytest.approx(message["rows"] + message["indexes"])
    assert sizes["wal"] is None


def test_processor_time_is_counted_finer_than_the_kernels_table() -> None:
    process = machine.Process(os.getpid())
    before, own = process.cpu_seconds(), time.process_time()

    while time.process_time() - own < 0.003:
        pass

    assert 0.003 <= process.cpu_seconds() - before < 0.5


def test_a_part_that_needs_more_memory_than_there_is_says_so() -> None:
    machine.require_memory(1, "nothing")

    with pytest.raises(SystemExit, match=r"idle needs about 1048576\.0 GiB of free memory, and"):
        machine.require_memory(2**50, "idle")
