"""run.py: the first start, and the messages when it cannot work."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from ocpp_server.environment import table
from tests import servers
from tests.processes import finished

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120


def environment(data: Path, port: int, **more: str) -> dict[str, str]:
    """The environment of a shell with only a data folder and a port; the packages are those of the tests."""
    known = {variable.name for variable in table.VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in known}
    ours = {"RUN_IN_PLACE": "1", "ENV_FILE": os.devnull, "DATA_DIR": str(data), "HTTP_PORT": str(port)}
    return clean | ours | more


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, variables: dict[str, str]) -> Done:
    """Run a command of run.py to its end."""
    return Done(*finished("run", *arguments, environment=variables))


@contextmanager
def started(variables: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that listens, and its output up to the blank line after the banner."""
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py")], env=variables, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    deadline = threading.Timer(SECONDS, server.kill)  # a server without output must not block the read below
    deadline.start()
    try:
        assert server.stdout is not None
        output = ""
        for line in server.stdout:
            output += line
            if "Unknown stations" in line:
                break
        else:
            pytest.fail(f"the server ended before it listened: {output}")
        yield server, output
    finally:
        deadline.cancel()
        if server.poll() is None:
            server.kill()
        server.wait()
        if server.stdout:
            server.stdout.close()


def stop(server: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> str:
    server.send_signal(number)
    assert server.stdout is not None
    rest = server.stdout.read()  # read to the end; `communicate` would miss the buffer of the reader
    server.wait(SECONDS)
    return rest


@pytest.fixture
def free_port() -> int:
    return servers.free_port()


def test_the_first_start_shows_the_login_once_and_keeps_it_for_its_owner_alone(
    tmp_path: Path, free_port: int
) -> None:
    data = tmp_path / "data"
    variables = environment(data, free_port)

    with started(variables) as (server, banner):
        page = urllib.request.urlopen(f"http://127.0.0.1:{free_port}/admin/login/", timeout=SECONDS).read()
        output = banner + stop(server)
        assert server.returncode == 0

    assert b"<form" in page
    assert f"http://localhost:{free_port}/admin/" in output
    assert f"http://localhost:{free_port}/api/docs/" in output
    assert re.search(rf"ws://\S+:{free_port}/ocpp/<identity>", output)
    assert "Unknown stations are accepted" in output
    kept = (data / "first-login.txt").read_text()
    assert (data / "first-login.txt").stat().st_mode & 0o777 == 0o600
    password = re.search(r"Password\s+(\S+)", output)
    key = re.search(r"API key\s+(\S+)", output)
    assert password and f"Password: {password[1]}\n" in kept
    assert key and f"API key: {key[1]}\n" in kept

    with started(variables) as (server, banner):
        output = banner + stop(server, signal.SIGTERM)
        assert server.returncode == 0

    assert "Password" not in output
    assert "API key" not in output
    assert (data / "first-login.txt").read_text() == kept


def test_credentials_of_the_environment_are_used_and_shown_nowhere(
    tmp_path: Path, free_port: int, migrated_database: Path
) -> None:
    shutil.copy(migrated_database, tmp_path / "db.sqlite3")
    chosen = {
        "DJANGO_SUPERUSER_PASSWORD": "correct horse battery",
        "OCPP_BOOTSTRAP_API_KEY": "key-of-the-environment",
    }
    variables = environment(tmp_path, free_port, **chosen)

    with started(variables) as (server, banner):
        output = banner + stop(server)

    assert not (tmp_path / "first-login.txt").exists()
    assert not any(secret in output for secret in chosen.values())
    code = (
        "from accounts.models import User; from accounts.services import api_keys;"
        "print(User.objects.get().check_password('correct horse battery'), "
        "api_keys.find('key-of-the-environment').role)"
    )
    done = run("manage", "shell", "--no-imports", "-c", code, variables=variables)
    assert done.stdout.strip() == "True administrator"


def test_a_busy_port_is_reported_in_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]

        done = run(variables=environment(tmp_path / "data", port))

    assert done.returncode == 1
    assert re.fullmatch(rf"HTTP_PORT: port {port} is in use by another program; .*\.\n", done.stderr)
    assert not (tmp_path / "data" / "db.sqlite3").exists()


def test_a_second_server_over_the_same_data_is_refused(
    tmp_path: Path, free_port: int, migrated_database: Path
) -> None:
    shutil.copy(migrated_database, tmp_path / "db.sqlite3")
    with started(environment(tmp_path, free_port)) as (server, _):
        done = run(variables=environment(tmp_path, servers.free_port()))
        stop(server)

    assert done.returncode == 1
    assert re.fullmatch(r"DATA_DIR: another server is running with .*\.\n", done.stderr)


def test_an_unwritable_folder_is_reported_in_one_sentence(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "file").write_text("a file is no folder, not even for root")

    done = run(variables=environment(tmp_path / "file" / "data", free_port))

    assert done.returncode == 2
    assert re.fullmatch(r"DATA_DIR: the folder .* can't be made \(.*\)\.\n", done.stderr)


def test_a_wrong_setting_is_reported_in_one_sentence(tmp_path: Path, free_port: int) -> None:
    done = run(variables=environment(tmp_path, free_port, OCPP_UNKNOWN_STATIONS="maybe"))

    assert done.returncode == 2
    assert done.stderr == "OCPP_UNKNOWN_STATIONS: 'maybe' is not one of refuse, pending, accept.\n"


def test_a_distributed_server_without_redis_does_not_start_embedded(tmp_path: Path, free_port: int) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # the port is bound but not listening: connections are refused
        address = f"127.0.0.1:{unused.getsockname()[1]}"

        done = run(variables=environment(tmp_path, free_port, REDIS_ADDR=address))

    assert done.returncode == 1
    assert re.fullmatch(r"REDIS_ADDR: Redis can't be reached \(.*\)\.\n", done.stderr)


@pytest.mark.parametrize("role", ["web", "gateway", "processor", "housekeeping"])
def test_a_role_without_redis_names_the_missing_setting_and_the_embedded_start(
    role: str, tmp_path: Path, free_port: int
) -> None:
    done = run(role, variables=environment(tmp_path, free_port))

    assert done.returncode == 2
    assert re.fullmatch(rf"REDIS_ADDR: the role {role} .* python3 run\.py alone .*\.\n", done.stderr)


@pytest.mark.parametrize("words", [("strat",), ("demo", "--security", "2"), ("web", "--security", "3")])
def test_an_unknown_command_points_to_the_help(
    tmp_path: Path, free_port: int, words: tuple[str, ...]
) -> None:
    done = run(*words, variables=environment(tmp_path, free_port))

    assert done.returncode == 2
    assert done.stderr == f"There is no command {' '.join(words)!r}; python3 run.py --help names them.\n"


def test_help_names_every_command(tmp_path: Path, free_port: int) -> None:
    done = run("--help", variables=environment(tmp_path, free_port))

    assert done.returncode == 0
    roles = (
        "demo",
        "accounts",
        "migrate",
        "web",
        "gateway",
        "processor",
        "housekeeping",
        "signer",
        "healthcheck",
    )
    commands = (*roles, "test", "manage", "load-test", "bench")
    assert all(f"python3 run.py {name}" in done.stdout for name in commands)


@pytest.mark.parametrize(("pid", "status"), [(1, 143), (2, -signal.SIGTERM)])
def test_the_first_process_of_a_container_can_be_ended_while_it_starts(pid: int, status: int) -> None:
    """The kernel ignores SIGTERM for process 1 without a handler; any other process ends by the signal."""
    starting = f"import os, run, signal; run.handle_sigterm({pid}); os.kill(os.getpid(), signal.SIGTERM)"

    ended = subprocess.run([sys.executable, "-c", starting], cwd=ROOT, timeout=SECONDS, check=False)

    assert ended.returncode == status
