"""The command line of `manage.py station`, made from the declarations."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management.base import CommandError

from ocpp_server import commanding
from ocpp_server.management.commands.station import Command
from ocpp_server.protocol.versions import V16, V201, Version


def parsed(*words: str) -> dict[str, Any]:
    return vars(Command().create_parser("manage.py", "station").parse_args(words))


def requests(*words: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [tuple(one) for one in Command().requests(parsed(*words))]  # type: ignore[misc]


@pytest.mark.parametrize("name", [one.name for one in commanding.commands()])
def test_every_declared_command_has_help_with_its_fields(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        parsed(name, "--help")

    command, shown = commanding.find(name), capsys.readouterr().out
    assert command is not None
    assert all(f"--{field.option}" in shown for field in command.fields)


def test_the_list_of_commands_has_their_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parsed("--help")

    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"{one.name} {one.sentence}" in shown for one in commanding.commands())


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (["reset", "CP-7"], "CP-7/reset", {}),
        (["reset", "CP 7", "--type", "Hard"], "CP%207/reset", {"type": "Hard"}),
        (["reset", "CP-7", "--no-wait"], "CP-7/reset?wait=false", {}),
        (["remote-start", "A", "--id-tag", "T", "--force"], "A/remote-start", {"idTag": "T", "force": True}),
        (["get-configuration", "A", "--keys", "X", "Y"], "A/get-configuration", {"keys": ["X", "Y"]}),
        (
            ["change-configuration", "A", "--key", "X", "--value", ""],
            "A/change-configuration",
            {"key": "X", "value": ""},
        ),
        (["unlock", "A", "--connector-id", "2"], "A/unlock", {"connectorId": 2}),
        (
            ["send", "A", "--action", "Reset", "--payload", '{"type": "Soft"}'],
            "A/commands",
            {"action": "Reset", "payload": {"type": "Soft"}},
        ),
    ],
)
def test_the_options_become_the_body(words: list[str], path: str, body: dict[str, Any]) -> None:
    station = words[1]

    assert requests(*words) == [(station, f"/api/v1/chargepoints/{path}", body)]


def test_several_stations_get_the_same_body_once() -> None:
    assert [one[0] for one in requests("reset", "A", "B", "A", "--type", "Soft")] == ["A", "B"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["explode", "A"], "explode"),
        (["reset"], "STATION"),
        (["reset", "A", "--type", "Purple"], "Purple"),
        (["unlock", "A"], "--connector-id"),
        (["unlock", "A", "--connector-id", "0"], "1 or more"),
        (["unlock", "A", "--connector-id", "one"], "'one'"),
        (["send", "A", "--action", "Reset", "--payload", "{"], "not JSON"),
        (["send", "A", "--action", "Reset", "--payload", "[]"], "JSON object"),
        (["reset", "A", "--timeout", "soon"], "from 1 to 120"),
    ],
)
def test_bad_input_names_the_fault(words: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        parsed(*words)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    typed = io.StringIO()
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", typed)
    yield typed


def ask(versions: dict[str, Version], *words: str) -> str:
    command = Command(stderr=io.StringIO())
    command.requests(parsed("reset", *versions, *words))
    command.ask(versions)
    return str(command.stderr.getvalue())  # type: ignore[attr-defined]


def test_a_dangerous_command_names_the_stations_and_asks(terminal: io.StringIO) -> None:
    terminal.write("y\n")
    terminal.seek(0)

    asked = ask({"OLD": V16, "NEW": V201})

    assert "OLD: Running sessions at this station will end." in asked
    assert "Send reset? [y/N]" in asked and "NEW" not in asked


def test_any_other_answer_sends_nothing(terminal: io.StringIO) -> None:
    with pytest.raises(ValueError, match="Not sent"):
        ask({"OLD": V16})


def test_what_is_not_dangerous_is_not_asked(terminal: io.StringIO) -> None:
    assert ask({"NEW": V201}) == ""
    assert "NEW" in ask_with_yes_typed(terminal, "--type", "Hard")


def ask_with_yes_typed(terminal: io.StringIO, *words: str) -> str:
    terminal.write("yes\n")
    terminal.seek(0)
    return ask({"NEW": V201}, *words)


def test_without_a_terminal_a_dangerous_command_needs_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))

    with pytest.raises(ValueError, match="--yes"):
        ask({"OLD": V16})
