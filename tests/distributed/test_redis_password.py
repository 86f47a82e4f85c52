"""A role starts with a Redis that requires a password."""

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
    """The address of a Redis that requires the password."""
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
def test_a_role_reports_a_missing_or_wrong_password_in_one_line(
    guarded: str, password: str, sentence: str, tmp_path: Path
) -> None:
    status, _, err = start(guarded, password, tmp_path)

    assert (status, err) == (1, sentence)


def test_the_right_password_is_accepted_with_any_characters(guarded: str, tmp_path: Path) -> None:
    status, _, err = start(guarded, SECRET, tmp_path)

    # The role gets past Redis and stops at the next check, the missing migrations.
    assert status == 1
    assert "run python3 run.py migrate" in err


def start(address: str, password: str, folder: Path) -> tuple[int, str, str]:
    settings = {
        "RUN_IN_PLACE": "1",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder),
        "HTTP_PORT": str(free_port()),
        "REDIS_ADDR": address,
        "REDIS_PASSWORD": password,
    }
    return finished("run", "housekeeping", environment=os.environ | settings)
