"""The lines that the server prints when it has started."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocpp_server.environment import env
from ocpp_server.process import start


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DATA_DIR": "HERE/data/demo"}, "DATA_DIR=data/demo python3 run.py manage ..."),
        ({"DATA_DIR": "/elsewhere"}, "DATA_DIR=/elsewhere python3 run.py manage ..."),
        (
            {"DATA_DIR": "/elsewhere", "HTTP_PORT": "9000"},
            "DATA_DIR=/elsewhere HTTP_PORT=9000 python3 run.py manage ...",
        ),
    ],
)
def test_the_demo_prints_the_settings_with_which_commands_reach_it(
    variables: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HTTP_PORT", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("HERE", str(tmp_path)))

    lines = start.banner(env.read(), {}, demo=True).splitlines()

    assert f"  {line}" in lines
