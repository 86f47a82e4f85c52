"""A Redis that lets nobody in without a password, and a role that is started beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.distributed.engines import Redis
from tests.processes import finished
from tests.servers import free_port

SECRET = "a password with @ and : and /"


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """The address of a Redis that wants the password."""
    engine = Redis()
    engine.client.config_set("requirepass", SECRET)
    yield engine.address
    engine.close()


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "REDIS_PASSWORD: Redis wants a password.\n"),
        ("wrong", "REDIS_PASSWORD: Redis refuses this password.\n"),
    ],
)
def test_a_role_says_in_a_sentence_that_its_password_is_not_redis_own(
    guarded: str, password: str, sentence: str, tmp_path: Path
) -> None:
    status, _, err = start(guarded, password, tmp_path)

    assert (status, err) == (1, sentence)


def test_the_right_password_is_taken_whatever_characters_it_has(guarded: str, tmp_path: Path) -> None:
    status, _, err = start(guarded, SECRET, tmp_path)

    # Behind Redis comes the next that is missing.
    assert status == 1
    assert "run python3 run.py migrate" in err


def start(address: str, password: str, folder: Path) -> tuple[int, str, str]:
    ours = {
        "RUN_IN_PLACE": "1",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder),
        "HTTP_PORT": str(free_port()),
        "REDIS_ADDR": address,
        "REDIS_PASSWORD": password,
    }
    return finished("run", "housekeeping", environment=os.environ | ours)
