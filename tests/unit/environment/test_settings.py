"""The table of environment variables, and the settings that follow from it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from ocpp_server.environment import docs, env, table
from tests.processes import finished

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1m30s", 90),
        ("72h", 259200),
        ("30d", 2592000),
        ("500ms", 0.5),
        ("1.5h", 5400),
        ("300", 300),
    ],
)
def test_durations_have_the_syntax_of_go_and_become_seconds(text: str, seconds: float) -> None:
    values = env.read({"OCPP_CALL_TIMEOUT": text})

    assert values["OCPP_CALL_TIMEOUT"] == seconds
    assert isinstance(values["OCPP_CALL_TIMEOUT"], type(seconds))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HTTP_PORT", "eighty"),
        ("HTTP_PORT", "70000"),
        ("DEBUG", "perhaps"),
        ("OCPP_CALL_TIMEOUT", "1m30"),
        ("OCPP_CALL_TIMEOUT", "0s"),
        ("OCPP_CALL_TIMEOUT", "-5s"),
        ("OCPP_HEARTBEAT_INTERVAL", "500ms"),
        ("OCPP_UNKNOWN_STATIONS", "maybe"),
        ("OCPP_MAX_FRAME_BYTES", "lots"),
        ("DATABASE_URL", "mysql://root@localhost/x"),
        ("REDIS_ADDR", "localhost:port"),
        ("REDIS_DISTRIBUTED_STATE", "sometimes"),
        ("PUBLIC_URL", "csms.example.com"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("SECRET_KEY", "short"),
        ("OCPP_BOOTSTRAP_API_KEY", "short"),
        ("API_REQUESTS_PER_MINUTE", "0"),
        ("API_REQUESTS_PER_MINUTE", "many"),
        ("FORWARDED_ALLOW_IPS", "the proxy"),
        ("WEB_WORKERS", "0"),
        ("SHUTDOWN_GRACE", "0s"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(name: str, text: str) -> None:
    with pytest.raises(env.SettingError) as caught:
        env.read({name: text})

    assert str(caught.value).startswith(f"{name}: ")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(env.SettingError) as caught:
        env.read({"SECRET_KEY": "hunter2", "DATABASE_URL": ""})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "distributed", "unknown_stations"),
    [
        ({}, False, "accept"),
        ({"REDIS_ADDR": "redis:6379"}, True, "refuse"),
        ({"REDIS_DISTRIBUTED_STATE": "true"}, True, "refuse"),
        ({"REDIS_ADDR": "redis:6379", "REDIS_DISTRIBUTED_STATE": "false"}, False, "accept"),
        ({"REDIS_ADDR": "redis:6379", "OCPP_UNKNOWN_STATIONS": "pending"}, True, "pending"),
    ],
)
def test_an_address_of_redis_makes_the_server_distributed_and_refuse_unknown_stations(
    environ: dict[str, str], distributed: bool, unknown_stations: str
) -> None:
    values = env.read(environ)

    assert values["REDIS_DISTRIBUTED_STATE"] is distributed
    assert values["OCPP_UNKNOWN_STATIONS"] == unknown_stations


def test_the_rate_of_the_api_is_6000_a_minute_unless_it_is_set() -> None:
    assert env.read({})["API_REQUESTS_PER_MINUTE"] == 6000
    assert env.read({"API_REQUESTS_PER_MINUTE": "120"})["API_REQUESTS_PER_MINUTE"] == 120


def test_an_empty_variable_counts_as_not_set() -> None:
    assert env.read({"HTTP_PORT": "", "REDIS_ADDR": " "}) == env.read({})


def test_every_variable_has_a_sentence_and_is_a_setting() -> None:
    from django.conf import settings

    names = [variable.name for variable in table.VARIABLES]

    assert len(names) == len(set(names))
    assert all(variable.sentence.endswith(".") for variable in table.VARIABLES)
    assert all(hasattr(settings, name) for name in names)


def test_the_page_of_the_settings_and_the_example_agree_with_the_table() -> None:
    hint = "write them again: python -m ocpp_server.environment.docs"

    assert docs.CONFIGURATION.read_text() == docs.configuration_page(), hint
    assert docs.EXAMPLE.read_text() == docs.example_file(), hint


def test_the_example_is_a_file_of_settings_in_which_everything_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    lines = docs.EXAMPLE.read_text().splitlines()
    file.write_text("\n".join(line[1:] if re.match("#[A-Z_]+=", line) else line for line in lines))
    environ: dict[str, str] = {}

    env.load_file(file, environ)

    given = dict(environ, REDIS_DISTRIBUTED_STATE="", REDIS_ADDR="")
    assert env.read(given) == env.read({})
    assert {row.name for row in table.VARIABLES} <= environ.keys()


def test_an_environment_file_sets_variables_that_the_shell_has_not_set(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\nHTTP_PORT=9000\nexport LOG_FORMAT='json'\nREDIS_STATE_PREFIX=\"a b\"\n")
    environ = {"HTTP_PORT": "9001"}

    env.load_file(file, environ)

    assert environ == {"HTTP_PORT": "9001", "LOG_FORMAT": "json", "REDIS_STATE_PREFIX": "a b"}


def test_an_environment_file_with_an_invalid_line_is_refused_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HTTP_PORT=9000\nnonsense\n")

    with pytest.raises(env.SettingError, match=r"line 2 is not NAME=value"):
        env.load_file(file, {})


def manage(*arguments: str, **environ: Any) -> tuple[int, str, str]:
    known = {variable.name for variable in table.VARIABLES}
    clean = {name: value for name, value in os.environ.items() if name not in known}
    given = {name: str(value) for name, value in environ.items()}
    return finished("manage", *arguments, environment=clean | {"ENV_FILE": os.devnull} | given)


def test_production_settings_pass_the_deployment_check(tmp_path: Path) -> None:
    status, out, err = manage(
        "check", "--deploy", "--fail-level", "WARNING", DATA_DIR=tmp_path, PUBLIC_URL="https://csms.example"
    )

    assert status == 0, err
    assert "no issues" in out


def test_the_secret_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    show = ("shell", "--no-imports", "-c", "from django.conf import settings; print(settings.SECRET_KEY)")

    first = manage(*show, DATA_DIR=tmp_path)[1].strip()
    second = manage(*show, DATA_DIR=tmp_path)[1].strip()

    assert first == second == (tmp_path / "secret-key").read_text()
    assert len(first) > 50
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_manage_py_reports_a_wrong_setting_without_a_traceback(tmp_path: Path) -> None:
    status, _, err = manage("check", DATA_DIR=tmp_path, HTTP_PORT="eighty")

    assert status == 2
    assert err == "HTTP_PORT: 'eighty' is not a port number from 1 to 65535.\n"
