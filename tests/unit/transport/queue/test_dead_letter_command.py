"""manage.py dead_letters: what is put aside is listed, and deleted when it has been read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.redis_scripts import QueueBench
from tests.servers import free_port


@pytest.fixture(autouse=True)
def redis(bench: QueueBench, settings: Any) -> None:
    settings.REDIS_URL = f"redis://{settings.REDIS_HOST}:{settings.REDIS_PORT}"
    settings.REDIS_DISTRIBUTED_STATE = True


def put(bench: QueueBench, identity: str, reason: str) -> str:
    letter = json.dumps({"charge_point_id": identity, "reason": reason, "attempts": 6, "envelope": "{}"})
    for key in (bench.keys.dead, bench.keys.dead_of(identity)):
        bench.client.lpush(key, letter)
    return letter


def test_letters_are_listed_newest_first_and_deleted(
    bench: QueueBench, capsys: pytest.CaptureFixture[str]
) -> None:
    put(bench, "A", "first")
    put(bench, "B", "second")
    bench.client.lpush(bench.keys.dead, json.dumps({"reason": "no charge_point_id", "envelope": "x"}))

    call_command("dead_letters")
    shown = capsys.readouterr().out.splitlines()
    call_command("dead_letters", "list", "--json", "--station", "B")
    (only,) = capsys.readouterr().out.splitlines()
    call_command("dead_letters", "clear", "--station", "A")
    call_command("dead_letters", "list", "--json")
    left = [json.loads(text)["reason"] for text in capsys.readouterr().out.splitlines()[1:]]
    call_command("dead_letters", "clear")

    assert shown[0].split() == ["at", "charge_point_id", "attempts", "reason", "envelope"]
    assert ["no" in shown[1], "second" in shown[2], "first" in shown[3]] == [True, True, True]
    assert json.loads(only)["reason"] == "second"
    assert left == ["no charge_point_id", "second"]
    assert bench.client.exists(bench.keys.dead, bench.keys.dead_of("A"), bench.keys.dead_of("B")) == 0
    assert capsys.readouterr().out == "2 dead letters deleted.\n"


def test_without_redis_there_is_one_sentence(settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match=r"^REDIS_ADDR: Redis can't be reached"):
        call_command("dead_letters")

    settings.REDIS_DISTRIBUTED_STATE = False
    with pytest.raises(CommandError, match="has no queue"):
        call_command("dead_letters")
